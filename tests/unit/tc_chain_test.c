/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Order, configuration and files' names of TC chains: pure functions. */
#include "broker/tc_pins.h"
#include "broker/tc_state.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MEMBER(link, id, priority_)                                            \
	{                                                                      \
		.link_id = (link), .kernel_id = (id), .program_fd = (int)(id), \
		.priority = (priority_), .proceed_on = 1u << 4                 \
	}

static const char *merged(const struct tc_request *request)
{
	static char text[64];
	const struct tc_chain now = {};
	struct tc_chain next;
	size_t length = 0;

	assert_int_equal(tc_chain_merge(&now, request, &next), 0);
	text[0] = '\0';
	for (size_t i = 0; i < next.count; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%u",
		                           i ? " " : "", next.slots[i].kernel_id);
	return text;
}

static void order(void **state)
{
	static const struct {
		struct tc_request request;
		const char *expected;
	} rows[] = {
		{ {}, "" },
		{ { .count = 3,
		    .members = { MEMBER(1, 5, 50), MEMBER(2, 6, 0), MEMBER(3, 8, 49) } },
		  "6 8 5" },
		/* ties by link id, which do not depend on who came first in the request */
		{ { .count = 3,
		    .members = { MEMBER(9, 5, 50), MEMBER(2, 6, 50), MEMBER(4, 8, 50) } },
		  "6 8 5" },
		{ { .count = 3,
		    .members = { MEMBER(4, 8, 50), MEMBER(9, 5, 50), MEMBER(2, 6, 50) } },
		  "6 8 5" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(merged(&rows[i].request), rows[i].expected);
}

static void merge(void **state)
{
	const struct tc_chain now = { .place = { 1, 2, 3 },
		                      .dispatcher_id = 9,
		                      .count = 2,
		                      .slots = { { .kernel_id = 5, .name = "five" },
		                                 { .kernel_id = 6, .name = "six" } } };
	struct tc_request request = { .count = 2,
		                      .members = { MEMBER(1, 6, 50), MEMBER(2, 7, 50) } };
	struct tc_chain next = { .count = 77 };

	(void)state;
	assert_int_equal(tc_chain_merge(&now, &request, &next), 0);
	assert_true(tc_place_equal(&next.place, &now.place));
	assert_int_equal(next.count, 2);
	assert_string_equal(next.slots[0].name, "six"); /* known already */
	assert_string_equal(next.slots[1].name, "");
	assert_int_equal(next.slots[1].fd, 7);
	assert_int_equal(next.slots[1].proceed_on, CHAIN_ALWAYS | 1u << 4);
	assert_true(next.slots[1].own);
	for (request.count = 0; request.count < 11; request.count++)
		request.members[request.count] =
			(struct chain_member)MEMBER(request.count, (uint32_t)request.count, 50);
	next.count = 77;
	assert_int_equal(tc_chain_merge(&now, &request, &next), -E2BIG);
	assert_int_equal(next.count, 77);
}

static void config(void **state)
{
	struct tc_chain chain = { .count = 2,
		                  .slots = { { .priority = 4, .proceed_on = 8 },
		                             { .priority = 5, .proceed_on = CHAIN_ALWAYS } } },
			read = {};
	struct tc_dispatcher_config made, changed;

	(void)state;
	tc_config_encode(&chain, &made);
	assert_int_equal(made.num_progs_enabled, 2);
	assert_int_equal(made.chain_call_actions[0], 8);
	assert_int_equal(made.run_prios[1], 5);
	assert_int_equal(made.run_prios[2], 0);
	assert_int_equal(tc_config_decode(&made, &read), 0);
	assert_int_equal(read.count, 2);
	assert_true(chain_equal(chain.slots, 2, read.slots, 2));
	changed = made;
	changed.magic++;
	assert_int_equal(tc_config_decode(&changed, &read), -EINVAL);
	changed = made;
	changed.dispatcher_version++;
	assert_int_equal(tc_config_decode(&changed, &read), -EINVAL);
	changed = made;
	changed.num_progs_enabled = TC_PROGRAMS_MAX;
	assert_int_equal(tc_config_decode(&changed, &read), 0);
	changed.num_progs_enabled++;
	assert_int_equal(tc_config_decode(&changed, &read), -EINVAL);
}

static void names(void **state)
{
	static const char *const wrong[] = {
		"",
		"tc",
		"tc-",
		"5-10",
		"5-10-map",
		"tc-0-5-ingress",
		"tc-0-5-ingress-",
		"tc-0-5-ingress-7-map",
		"tc-0-5-ingress-07",
		"tc-0-5-ingress-+7",
		"tc-0-5-ingress-4294967296",
		"tc-0-5-inegress-7",
		"tc-0--ingress-7",
		"tc-00-5-ingress-7",
		"tc-0-5-ingress-7 ",
		"Tc-0-5-ingress-7",
	};
	const struct tc_place in = { 0, 5, DIRECTION_INGRESS },
			      out = { 4026531840u, 4294967295u, DIRECTION_EGRESS };
	struct launcher_settings settings = { .bpffs_directory = "/b" };
	struct tc_place place = {};
	char path[PIN_PATH_SIZE];
	uint32_t id = 0;

	(void)state;
	tc_pins_link_path(&settings, &in, 12, 3, path);
	assert_string_equal(path, "/b/dispatchers/tc-0-5-ingress-12/prog3-link");
	tc_pins_program_path(&settings, &out, 4294967295u, path);
	assert_string_equal(path,
	                    "/b/dispatchers/tc-4026531840-4294967295-egress-4294967295/dispatcher");
	tc_pins_config_path(&settings, &in, 1, path);
	assert_string_equal(path, "/b/dispatchers/tc-0-5-ingress-1/config");
	assert_true(tc_pins_name_parse("tc-0-5-ingress-12", &place, &id));
	assert_true(tc_place_equal(&place, &in));
	assert_int_equal(id, 12);
	assert_true(tc_pins_name_parse("tc-4026531840-4294967295-egress-4294967295", &place, &id));
	assert_true(tc_place_equal(&place, &out));
	assert_int_equal(id, 4294967295u);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_false(tc_pins_name_parse(wrong[i], &place, &id));
	assert_true(tc_place_equal(&place, &out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order),
		cmocka_unit_test(merge),
		cmocka_unit_test(config),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
