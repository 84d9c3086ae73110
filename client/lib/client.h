/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A client and one call: what every operation of the library is made of. */
#ifndef BPFD_CLIENT_CLIENT_H
#define BPFD_CLIENT_CLIENT_H

#include "bpfd/bpfd.h"
#include "bpfd.pb-c.h"
#include "client/lib/arena.h"

/*
 * Sends the request, which has its operation set, and gives the response out: decoded into the
 * arena, checked by message_check(), with the result that `wanted` names. An Error that bpfd
 * answered becomes -EREMOTEIO with `error`.
 */
int client_call(struct bpfd_client *client, const Bpfd__V1__Request *request,
                Bpfd__V1__Response__ResultCase wanted, struct arena *arena,
                const Bpfd__V1__Response **response, struct bpfd_error **error);

/* The same for a change: with the caller's request id, or one made here if that is NULL. */
int client_change(struct bpfd_client *client, Bpfd__V1__Request *request, const uint8_t *request_id,
                  Bpfd__V1__Response__ResultCase wanted, struct arena *arena,
                  const Bpfd__V1__Response **response, struct bpfd_error **error);

/* An arena for one answer; NULL with `error`. */
struct arena *client_arena(struct bpfd_error **error);

/* -EPROTO with a sentence that says what is wrong with the answer. */
int error_answer(struct bpfd_error **error, const char *what);

#endif
