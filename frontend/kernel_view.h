/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the kernel has, as it was read: records of proto/kernel_records.h, checked. They were
 * written by bpfd's iterators in the kernel or by the opener; names in them are whatever somebody
 * called their program. Pure.
 */
#ifndef BPFD_FRONTEND_KERNEL_VIEW_H
#define BPFD_FRONTEND_KERNEL_VIEW_H

#include "proto/kernel_records.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel_table {
	const void *records;
	size_t count;
};

struct kernel_view {
	struct kernel_table tables[KERNEL_KIND_COUNT]; /* a kind that was not read is empty */
	bool statistics;                               /* the kernel counts runs */
	uint64_t booted_at_s;                          /* Unix time: what load times count from */
};

/* Bytes of one record of a kind. */
size_t kernel_record_size(uint32_t kind);

/* The id of the last record, or 0. `size` is a multiple of the record's size. */
uint32_t kernel_last_id(uint32_t kind, const void *bytes, size_t size);

/*
 * Checks `size` bytes of records and cleans their names (what is not printable ASCII becomes '?').
 * 0 and the table, which points into the bytes; -EPROTO for what cannot be: part of a record, an id
 * of 0, ids that do not ascend, more maps than a program may have.
 */
int kernel_table_take(uint32_t kind, void *bytes, size_t size, struct kernel_table *table);

/* The record with this id, or NULL. */
const struct kernel_program *kernel_view_program(const struct kernel_view *view, uint32_t id);
const struct kernel_map *kernel_view_map(const struct kernel_view *view, uint32_t id);

#endif
