/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What requests about images lead to: a fetch, then the broker's word where rules want it, then the
 * answer. */
#ifndef BPFD_FRONTEND_IMAGE_WORK_H
#define BPFD_FRONTEND_IMAGE_WORK_H

#include "bpfd.pb-c.h"
#include "common/error.h"
#include "proto/image_records.h"

struct connection;
struct fetch;
struct frontend;

/* Begins a fetch for the request; the connection is busy with it from then on. 0, or -errno with
 * `error` for the client. */
int image_run(struct frontend *frontend, struct connection *connection,
              const Bpfd__V1__Request *request, struct error *error);

/* Answers a pull, or the question for a verdict, of which the broker has given this one; NULL:
 * there was no need to ask for one. */
int image_answer(struct frontend *frontend, struct connection *connection,
                 const struct fetch *fetch, const struct record_verdict *verdict,
                 struct error *error);

#endif
