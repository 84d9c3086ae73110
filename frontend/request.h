/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* From a client's bytes to what bpfd works with: unpacked, checked, and for changes the broker's
 * fixed structures. Pure. */
#ifndef BPFD_FRONTEND_REQUEST_H
#define BPFD_FRONTEND_REQUEST_H

#include "bpfd.pb-c.h"
#include "common/error.h"
#include "frontend/arena.h"
#include "common/program_type.h"
#include "proto/channel_frontend.h"

#include <stdbool.h>

#define REQUEST_SIZE_MAX (OBJECT_SIZE_MAX + (1u << 20))
#define REQUEST_HEAP_MAX (4u << 20) /* to unpack a request, beside its object's bytes */

/*
 * Unpacks a request into the arena, which is reset first to REQUEST_HEAP_MAX and the object's size.
 * The result has its version and its operation checked. 0, or -EINVAL, -ENOMEM (over the budget)
 * with `error`.
 */
int request_decode(const uint8_t *bytes, size_t size, struct arena *arena, Bpfd__V1__Request **out,
                   struct error *error);

/* True for what wants a request id: everything that changes something, and pulls. */
bool request_is_change(const Bpfd__V1__Request *request);

/* "load", "list_programs" and so on. */
const char *request_operation_name(const Bpfd__V1__Request *request);

/*
 * Each checks the whole operation (not the request id) and fills the structure's fields but `peer`.
 * 0, or -EINVAL with `error`; `out` is then undefined.
 */
int load_take(const Bpfd__V1__LoadRequest *request, struct frontend_load *out, struct error *error);
int attach_take(const Bpfd__V1__AttachRequest *request, struct frontend_attach *out,
                struct error *error);
/* `link` is the one that the request names, for its type; NULL where there is none: then proceed_on
 * is not looked into. */
int update_take(const Bpfd__V1__UpdateRequest *request, const struct record_link *link,
                struct frontend_update *out, struct error *error);

/* A list of metadata; `list` names it in errors. */
int metadata_take(const char *list, Bpfd__V1__Metadata *const *entries, size_t count,
                  struct record_metadata *out, struct error *error);

/* Checks everything about a request that request_decode does not, without keeping the structures:
 * for fuzzing and tests. */
int request_check(const Bpfd__V1__Request *request, struct error *error);

#endif
