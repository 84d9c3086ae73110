/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Several places under one link, of types that take them (struct program_type_row.many): functions
 * of the kernel, or offsets in one file. The target says the first, struct record_places the
 * others.
 */
#ifndef BPFD_COMMON_PLACES_H
#define BPFD_COMMON_PLACES_H

#include "common/target.h"

/* The count is in range, and texts are terminated and zero-filled: what no sibling gets wrong. */
bool places_well_formed(const struct record_places *places);

/*
 * Checks a well-formed target (target_check) and each of the other places by the same rules: 0; or
 * -EINVAL with an error, also where the type takes one place alone, or a place is there twice.
 */
int places_check(uint32_t type, const struct record_target *target,
                 const struct record_places *places, struct error *error);

/* As target_describe(), with the first of the other places and how many more there are: "vfs_read,
 * vfs_write, vfs_open and 5 more". `places` may be NULL. */
void places_describe(const struct record_target *target, const struct record_places *places,
                     char out[TARGET_TEXT_SIZE]);

/* The same places, in whatever order. */
bool places_same(const struct record_target *left, const struct record_places *left_places,
                 const struct record_target *right, const struct record_places *right_places);

#endif
