/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A target as clients write it and as records have it. Both go by the rows of common/target.h: a
 * field of the message has the name of its row, so that nothing here knows any of them.
 */
#ifndef BPFD_FRONTEND_TARGET_H
#define BPFD_FRONTEND_TARGET_H

#include "bpfd.pb-c.h"
#include "common/places.h"
#include "frontend/arena.h"

/* Takes and checks what a client wants for a program of this type; NULL is an empty target. 0, or
 * -EINVAL with an error; `out` and `places` are then spoiled. */
int target_take(const Bpfd__V1__Target *message, uint32_t type, struct record_target *out,
                struct record_places *places, struct error *error);

/* The mask (as in struct record_target) of return values, each of which programs of the type know
 * and which come once. 0, or -EINVAL with an error. */
int proceed_on_take(uint32_t type, const int32_t *codes, size_t count, uint32_t *mask,
                    struct error *error);

/* The message of a record, in the arena; its texts point into the record. `places` may be NULL.
 * NULL: the arena is full. */
Bpfd__V1__Target *target_give(struct arena *arena, uint32_t type,
                              const struct record_target *target,
                              const struct record_places *places);

#endif
