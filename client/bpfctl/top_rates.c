/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/top_rates.h"

#include "bpfctl/table.h"
#include "common/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define SECOND_NS 1000000000.0

static int kernel_compare(const void *left, const void *right)
{
	const struct bpfd_program *const *a = left, *const *b = right;
	uint32_t first = (*a)->kernel.id, second = (*b)->kernel.id;

	return (first > second) - (first < second);
}

/* By time, then by runs, both downwards; then by kernel id. */
static int rate_compare(const void *left, const void *right)
{
	const struct top_rate *a = left, *b = right;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? 1 : -1;
	if (a->runs != b->runs)
		return a->runs < b->runs ? 1 : -1;
	return kernel_compare(&a->program, &b->program);
}

/* A list's programs in the order of their kernel ids; to be freed. */
static const struct bpfd_program **programs_sort(const struct bpfd_programs *programs)
{
	const struct bpfd_program **sorted = calloc(programs->count + 1, sizeof(void *));

	if (!sorted)
		return NULL;
	for (size_t i = 0; i < programs->count; i++)
		sorted[i] = &programs->items[i];
	qsort(sorted, programs->count, sizeof(void *), kernel_compare);
	return sorted;
}

static uint64_t difference(uint64_t after, uint64_t before)
{
	return after > before ? after - before : 0;
}

int top_rates_make(const struct bpfd_programs *before, const struct bpfd_programs *after,
                   uint64_t elapsed_ns, struct top_rates *rates)
{
	_cleanup_free_ const struct bpfd_program **old = programs_sort(before);
	struct top_rate *items = calloc(after->count + 1, sizeof(*items));
	size_t count = 0;

	if (!old || !items) {
		free(items);
		return -ENOMEM;
	}
	for (size_t i = 0; i < after->count; i++) {
		const struct bpfd_program *now = &after->items[i];
		const struct bpfd_program **then =
			bsearch(&now, old, before->count, sizeof(void *), kernel_compare);

		if (!then)
			continue;
		items[count++] = (struct top_rate){
			.program = now,
			.runs = difference(now->kernel.run_count, (*then)->kernel.run_count),
			.time_ns = difference(now->kernel.run_time_ns, (*then)->kernel.run_time_ns),
		};
	}
	qsort(items, count, sizeof(*items), rate_compare);
	*rates = (struct top_rates){ .items = items,
		                     .count = count,
		                     .elapsed_ns = elapsed_ns ? elapsed_ns : 1,
		                     .statistics = after->statistics };
	return 0;
}

static double per_second(const struct top_rates *rates, uint64_t number)
{
	return (double)number * SECOND_NS / (double)rates->elapsed_ns;
}

/* Of one processor. */
static double percent(const struct top_rates *rates, const struct top_rate *rate)
{
	return 100.0 * (double)rate->time_ns / (double)rates->elapsed_ns;
}

static const char *type_name(const struct bpfd_program *program)
{
	return bpfd_program_type_name(program->type) ?: program->kernel.type;
}

static void rate_row(struct table *table, const struct top_rates *rates,
                     const struct top_rate *rate)
{
	const struct bpfd_program *program = rate->program;

	table_row(table);
	table_cell(table, program->id ? "%" PRIu64 : "-", program->id);
	table_cell(table, "%" PRIu32, program->kernel.id);
	table_cell(table, "%s", type_name(program));
	table_cell(table, "%s", *program->name ? program->name : "-");
	table_cell(table, "%.0f", per_second(rates, rate->runs));
	table_cell(table, rate->runs ? "%" PRIu64 : "-",
	           rate->runs ? rate->time_ns / rate->runs : 0);
	table_cell(table, "%.2f", percent(rates, rate));
	table_cell(table, "%" PRIu64, program->kernel.run_count);
}

int top_rates_show(FILE *out, const struct top_rates *rates, size_t rows, size_t width)
{
	static const struct column columns[] = {
		{ "ID", COLUMN_NUMBER },     { "KERNEL-ID", COLUMN_NUMBER },
		{ "TYPE", COLUMN_TEXT },     { "NAME", COLUMN_LONG },
		{ "RUNS/S", COLUMN_NUMBER }, { "NS/RUN", COLUMN_NUMBER },
		{ "CPU%", COLUMN_NUMBER },   { "RUNS", COLUMN_NUMBER },
	};
	_cleanup_(table) struct table *table = table_new(columns, LENGTH(columns));
	size_t count = rows && rows < rates->count ? rows : rates->count;

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		rate_row(table, rates, &rates->items[i]);
	if (width)
		table_width_set(table, width);
	return table_print(table, out);
}

static json_t *rate_json(const struct top_rates *rates, const struct top_rate *rate)
{
	const struct bpfd_program *program = rate->program;

	return json_pack("{s:o, s:I, s:s, s:s, s:I, s:I, s:f, s:I, s:I}", "id",
	                 program->id ? json_integer((json_int_t)program->id) : json_null(),
	                 "kernel_id", (json_int_t)program->kernel.id, "type", type_name(program),
	                 "name", program->name, "runs", (json_int_t)rate->runs, "run_time_ns",
	                 (json_int_t)rate->time_ns, "cpu_percent", percent(rates, rate),
	                 "total_runs", (json_int_t)program->kernel.run_count, "total_run_time_ns",
	                 (json_int_t)program->kernel.run_time_ns);
}

json_t *top_rates_json(const struct top_rates *rates)
{
	json_t *programs = json_array();

	for (size_t i = 0; i < rates->count; i++)
		(void)json_array_append_new(programs, rate_json(rates, &rates->items[i]));
	return json_pack("{s:b, s:f, s:o}", "statistics", (int)rates->statistics, "seconds",
	                 (double)rates->elapsed_ns / SECOND_NS, "programs", programs);
}
