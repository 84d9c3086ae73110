/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tables for people, fitted to the terminal; into a pipe or file they go in full. */
#ifndef BPFD_BPFCTL_TABLE_H
#define BPFD_BPFCTL_TABLE_H

#include <stddef.h>
#include <stdio.h>

enum column_kind {
	COLUMN_TEXT,   /* never cut */
	COLUMN_NUMBER, /* to the right */
	COLUMN_LONG,   /* cut where the terminal is narrow */
};

struct column {
	const char *name;
	enum column_kind kind;
};

struct table;

/* NULL when out of memory. */
struct table *table_new(const struct column *columns, size_t count);
void table_free(struct table *table);

static inline void table_cleanup(struct table **table)
{
	table_free(*table);
}

/* Begins a new row. */
void table_row(struct table *table);

/* Fills the row's next cell; what is printed is cleaned. A failure is remembered and told by
 * table_print(). */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As if the terminal had that many columns; for tests. */
void table_width_set(struct table *table, size_t columns);

/* 0, -ENOMEM. */
int table_print(struct table *table, FILE *out);

#endif
