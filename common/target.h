/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The fields of a target, each one row: what it is called by users and in bpfd.proto, where it lies
 * in the record, and what it may hold. Which types take it is in their rows
 * (common/program_type.h).
 */
#ifndef BPFD_COMMON_TARGET_H
#define BPFD_COMMON_TARGET_H

#include "common/error.h"
#include "proto/records.h"

#include <stdbool.h>
#include <stddef.h>

enum target_field {
	TARGET_INTERFACE,
	TARGET_NETNS,
	TARGET_FOLLOW,
	TARGET_DIRECTION,
	TARGET_PRIORITY,
	TARGET_PROCEED_ON,
	TARGET_MODE,
	TARGET_EXCLUSIVE,
	TARGET_GROUP,
	TARGET_NAME,
	TARGET_PATH,
	TARGET_FUNCTION,
	TARGET_OFFSET,
	TARGET_PID,
	TARGET_CONTAINER_PID,
	TARGET_CPU,
	TARGET_FREQUENCY,
	TARGET_FAMILY,
	TARGET_HOOK,
	TARGET_FIELD_END
};

#define TARGET_BIT(field) (1u << (field))

enum target_kind {
	TARGET_KIND_TEXT,
	TARGET_KIND_NUMBER,
	TARGET_KIND_WORD,   /* a number that has a name */
	TARGET_KIND_FLAG,   /* 0 or 1 */
	TARGET_KIND_ACTIONS /* a mask of the type's return values */
};

struct target_field_row {
	const char *name;
	enum target_kind kind;
	uint32_t offset; /* in struct record_target */
	uint32_t size;   /* there: bytes */
	bool is_signed;
	int64_t least, most;               /* of a number */
	const char *const *words;          /* of a word: by number, from 1; ends with NULL */
	bool (*text_ok)(const char *text); /* of a text that is terminated and not empty */
	const char *allowed;               /* what such a text may be, in words */
};

/* The row of a field: `field` is below TARGET_FIELD_END. */
const struct target_field_row *target_field_row(uint32_t field);

/* The field of that name, or TARGET_FIELD_END. */
enum target_field target_field_by_name(const char *name);

/* A number, word or flag as it lies in the record. */
int64_t target_number(const struct record_target *target, enum target_field field);
void target_number_set(struct record_target *target, enum target_field field, int64_t number);
const char *target_text(const struct record_target *target, enum target_field field);

/* Does the target say something in this field? */
bool target_has(const struct record_target *target, enum target_field field);

/* Texts are terminated and zero-filled, words are known, flags and reserved members are as they
 * must be: what no sibling gets wrong. */
bool target_well_formed(const struct record_target *target);

/*
 * Checks a well-formed target against what the type takes: no field is missing, none is another
 * type's, and all are in range. 0, or -EINVAL with an error that says which, and what is allowed.
 */
int target_check(uint32_t type, const struct record_target *target, struct error *error);

#define TARGET_TEXT_SIZE 640
/*
 * Where it is, for people, in one word as far as possible: "eth0", "eth0 ingress",
 * "sched/sched_switch", "vfs_read+0x10", "/bin/bash:readline". Empty if there is nothing to say.
 */
void target_describe(const struct record_target *target, char out[TARGET_TEXT_SIZE]);

/* The same place: everything but order, mode and what was given. */
bool target_same(const struct record_target *left, const struct record_target *right);

#endif
