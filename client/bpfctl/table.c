/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/table.h"
#include "bpfctl/text.h"
#include "common/cleanup.h"

#include <libsmartcols.h>
#include <stdarg.h>

struct table {
	struct libscols_table *scols;
	struct libscols_line *line;
	size_t cell;
	_Bool failed;
};

static int column_flags(enum column_kind kind)
{
	switch (kind) {
	case COLUMN_NUMBER:
		return SCOLS_FL_RIGHT;
	case COLUMN_LONG:
		return SCOLS_FL_TRUNC;
	default:
		return 0;
	}
}

struct table *table_new(const struct column *columns, size_t count)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->scols = scols_new_table();
	for (size_t i = 0; table->scols && i < count; i++) {
		if (!scols_table_new_column(table->scols, columns[i].name, 0,
		                            column_flags(columns[i].kind)))
			table->failed = 1;
	}
	if (!table->scols || table->failed) {
		table_free(table);
		return NULL;
	}
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	scols_unref_table(table->scols);
	free(table);
}

void table_row(struct table *table)
{
	table->line = scols_table_new_line(table->scols, NULL);
	table->cell = 0;
	table->failed |= !table->line;
}

void table_cell(struct table *table, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	char *clean;
	va_list list;
	int length;

	va_start(list, format);
	length = vasprintf(&text, format, list);
	va_end(list);
	if (length < 0)
		text = NULL; /* vasprintf leaves it undefined */
	clean = text ? text_clean(text) : NULL;
	if (!clean || !table->line || scols_line_refer_data(table->line, table->cell, clean) != 0) {
		table->failed = 1;
		free(clean);
	}
	table->cell++;
}

void table_width_set(struct table *table, size_t columns)
{
	(void)scols_table_set_termforce(table->scols, SCOLS_TERMFORCE_ALWAYS);
	(void)scols_table_set_termwidth(table->scols, columns);
}

/* libsmartcols prints nothing at all for a table without rows. */
static int header_print(const struct table *table, FILE *out)
{
	size_t count = scols_table_get_ncols(table->scols);

	for (size_t i = 0; i < count; i++) {
		struct libscols_cell *header =
			scols_column_get_header(scols_table_get_column(table->scols, i));

		(void)fprintf(out, "%s%s", i ? " " : "", scols_cell_get_data(header));
	}
	(void)fputc('\n', out);
	return 0;
}

int table_print(struct table *table, FILE *out)
{
	if (table->failed || scols_table_set_stream(table->scols, out) != 0)
		return -ENOMEM;
	if (scols_table_is_empty(table->scols))
		return header_print(table, out);
	return scols_print_table(table->scols) == 0 || ferror(out) ? 0 : -ENOMEM;
}
