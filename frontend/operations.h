/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a client's request leads to: an answer from the view, a question to the broker, or a
 * refusal. */
#ifndef BPFD_FRONTEND_OPERATIONS_H
#define BPFD_FRONTEND_OPERATIONS_H

#include "common/error.h"
#include "frontend/answer.h"

#include <stddef.h>
#include <stdint.h>

struct buffer;
struct frontend;
struct connection;
struct kernel_view;

/*
 * Works on one request: afterwards it is answered, or the connection has a change under way. The
 * bytes may be the connection's body, which is freed once they are unpacked; they are overwritten
 * where they may hold credentials.
 */
void operation_run(struct frontend *frontend, struct connection *connection, const uint8_t *bytes,
                   size_t size);

/* Makes what the next operation will need, while nobody waits for it. */
void operations_prepare(struct frontend *frontend);

/* Answers a packed request with what was read of the kernel. */
void operation_answer_kernel(struct frontend *frontend, struct connection *connection,
                             const struct buffer *packed, const struct kernel_view *kernel);

/* Answers an error. */
void operation_refuse(struct frontend *frontend, struct connection *connection,
                      const struct error *error);

/* Answers "permission denied", writes the audit line and tells those who watch. `request` may be
 * NULL: it was too long to be looked at. */
void operation_deny(struct frontend *frontend, struct connection *connection, const char *operation,
                    const Bpfd__V1__Request *request);

/* Resets the arena for an answer and says what it is composed with. */
struct answer_source operation_source(struct frontend *frontend);

#endif
