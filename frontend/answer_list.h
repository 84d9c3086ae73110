/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Lists of links that more than one answer has. */
#ifndef BPFD_FRONTEND_ANSWER_LIST_H
#define BPFD_FRONTEND_ANSWER_LIST_H

#include "frontend/answer.h"

/* An initialised message of the arena, or NULL. */
#define message_take(arena, structure, init)                                        \
	({                                                                          \
		typeof(structure) *taken_ = arena_take((arena), sizeof(structure)); \
		if (taken_)                                                         \
			init(taken_);                                               \
		taken_;                                                             \
	})

/* The links of one of bpfd's programs, in order of id. 0 or -ENOMEM. */
int answer_program_links(const struct answer_source *source, uint64_t program_id,
                         Bpfd__V1__Link ***links, size_t *count);

#endif
