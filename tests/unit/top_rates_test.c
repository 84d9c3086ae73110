/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What two readings of the kernel's counters make together. */
#include "bpfctl/top_rates.h"

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct bpfd_program program(uint64_t id, uint32_t kernel_id, uint64_t runs, uint64_t time_ns)
{
	return (struct bpfd_program){
		.id = id,
		.name = "name",
		.kernel = { .id = kernel_id,
		            .type = "kprobe",
		            .run_count = runs,
		            .run_time_ns = time_ns },
	};
}

static void rates_are_sorted_differences(void **state)
{
	/* the second list is in another order; 4 is new, 5 went, 2's counters were set back */
	const struct bpfd_program first[] = { program(1, 1, 10, 1000), program(0, 2, 5, 500),
		                              program(0, 3, 7, 700), program(0, 5, 1, 1) };
	const struct bpfd_program second[] = { program(0, 4, 9, 9), program(0, 3, 27, 2700),
		                               program(0, 2, 1, 1), program(1, 1, 20, 3000) };
	const struct bpfd_programs before = { first, 4, true }, after = { second, 4, true };
	struct top_rates rates;

	(void)state;
	assert_int_equal(top_rates_make(&before, &after, 1000000000, &rates), 0);
	assert_int_equal(rates.count, 3);
	/* the same time: more runs come first */
	assert_int_equal(rates.items[0].program->kernel.id, 3);
	assert_int_equal(rates.items[0].runs, 20);
	assert_int_equal(rates.items[0].time_ns, 2000);
	assert_int_equal(rates.items[1].program->kernel.id, 1);
	assert_int_equal(rates.items[1].runs, 10);
	assert_int_equal(rates.items[2].program->kernel.id, 2);
	assert_int_equal(rates.items[2].runs, 0);
	assert_int_equal(rates.items[2].time_ns, 0);
	free(rates.items);
}

static void nothing_ran(void **state)
{
	const struct bpfd_programs none = {};
	struct top_rates rates;

	(void)state;
	assert_int_equal(top_rates_make(&none, &none, 0, &rates), 0);
	assert_int_equal(rates.count, 0);
	assert_true(rates.elapsed_ns > 0);
	free(rates.items);
}

static void rates_as_text(void **state)
{
	const struct bpfd_program first[] = { program(1, 1, 10, 1000), program(0, 22, 0, 0) };
	const struct bpfd_program second[] = { program(1, 1, 1010, 21000), program(0, 22, 0, 0) };
	const struct bpfd_programs before = { first, 2, true }, after = { second, 2, true };
	struct top_rates rates;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(top_rates_make(&before, &after, 2000000, &rates), 0);
	assert_int_equal(top_rates_show(out, &rates, 0, 0), 0);
	(void)fclose(out);
	assert_non_null(strstr(text, "RUNS/S NS/RUN CPU% RUNS\n"));
	assert_non_null(strstr(text, "500000     20 1.00 1010\n"));
	assert_non_null(strstr(text, "     0      - 0.00    0\n"));
	free(text);
	text = NULL;
	out = open_memstream(&text, &size);
	assert_int_equal(top_rates_show(out, &rates, 1, 0), 0);
	(void)fclose(out);
	assert_null(strstr(text, " 22 "));
	free(text);
	free(rates.items);
}

static void rates_as_json(void **state)
{
	const struct bpfd_program first[] = { program(1, 1, 10, 1000) };
	const struct bpfd_program second[] = { program(1, 1, 12, 1500) };
	const struct bpfd_programs before = { first, 1, true }, after = { second, 1, true };
	struct top_rates rates;
	json_t *json, *row;

	(void)state;
	assert_int_equal(top_rates_make(&before, &after, 1000000000, &rates), 0);
	json = top_rates_json(&rates);
	assert_true(json_is_true(json_object_get(json, "statistics")));
	row = json_array_get(json_object_get(json, "programs"), 0);
	assert_int_equal(json_integer_value(json_object_get(row, "runs")), 2);
	assert_int_equal(json_integer_value(json_object_get(row, "run_time_ns")), 500);
	assert_int_equal(json_integer_value(json_object_get(row, "total_runs")), 12);
	json_decref(json);
	free(rates.items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_sorted_differences),
		cmocka_unit_test(nothing_ran),
		cmocka_unit_test(rates_as_text),
		cmocka_unit_test(rates_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
