/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What status says of the host and of bpfd's own processes. Memory as in frontend/answer.h. */
#ifndef BPFD_FRONTEND_ANSWER_HOST_H
#define BPFD_FRONTEND_ANSWER_HOST_H

#include "frontend/answer.h"

/* Details of features: NULL without memory. */
const char *iterators_detail(const struct record_status *status, struct arena *arena);
const char *statistics_detail(const struct record_status *status, struct arena *arena);

/* The program types that bpfd knows and this kernel lacks. NULL without memory. */
Bpfd__V1__Feature *answer_types_feature(const struct answer_source *source);

/* 0 or -ENOMEM. */
int answer_processes_fill(const struct answer_source *source, Bpfd__V1__StatusResponse *status);

/* How many maps bpfd's programs have together; a map that several share counts once. */
uint64_t answer_map_count(const struct answer_source *source);

#endif
