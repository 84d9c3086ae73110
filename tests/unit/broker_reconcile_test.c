/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a start does with what the last broker left: one row per case. */
#include <cmocka.h>

#include "broker/reconcile.h"

#include <string.h>

#define MOST 8

struct row {
	const char *name;
	struct reconcile_program programs[MOST];
	struct reconcile_link links[MOST];
	uint64_t program_pins[MOST], link_pins[MOST], map_pins[MOST]; /* ended by 0 */
	struct reconcile_step steps[2 * MOST];                        /* ended by id 0 */
};

/* clang-format off */
static const struct row rows[] = {
	{ "nothing at all", .steps = { { 0, 0 } } },
	{ "a program that is there",
	  .programs = { { 1, true, true, false } }, .program_pins = { 1 }, .map_pins = { 1 },
	  .steps = { { RECONCILE_PROGRAM_KEEP, 1 } } },
	{ "after a reboot: no pin, and the links go with the program",
	  .programs = { { 1, false, false, false } },
	  .links = { { 5, 1, LINK_STATE_ATTACHED }, { 6, 1, LINK_STATE_ATTACHING } },
	  .steps = { { RECONCILE_PROGRAM_DROP, 1 }, { RECONCILE_LINK_DROP, 5 }, { RECONCILE_LINK_DROP, 6 } } },
	{ "a pin that is another program",
	  .programs = { { 1, true, false, false } }, .program_pins = { 1 }, .map_pins = { 1 },
	  .steps = { { RECONCILE_PROGRAM_DROP, 1 }, { RECONCILE_PROGRAM_UNPIN, 1 }, { RECONCILE_MAPS_UNPIN, 1 } } },
	{ "died between pin and record: an orphan",
	  .program_pins = { 9 }, .map_pins = { 9 },
	  .steps = { { RECONCILE_PROGRAM_UNPIN, 9 }, { RECONCILE_MAPS_UNPIN, 9 } } },
	{ "died between the maps' directory and the program's pin",
	  .programs = { { 1, true, true, false } }, .program_pins = { 1 }, .map_pins = { 1, 2 },
	  .steps = { { RECONCILE_PROGRAM_KEEP, 1 }, { RECONCILE_MAPS_UNPIN, 2 } } },
	{ "a link in every state",
	  .programs = { { 1, true, true, false } }, .program_pins = { 1 },
	  .links = { { 1, 1, LINK_STATE_ATTACHED }, { 2, 1, LINK_STATE_ATTACHING }, { 3, 1, LINK_STATE_DETACHING },
	             { 4, 1, LINK_STATE_REMOVED }, { 5, 1, LINK_STATE_GONE }, { 6, 1, LINK_STATE_UPDATING } },
	  .link_pins = { 1, 2, 3, 4, 6, 77 },
	  .steps = { { RECONCILE_PROGRAM_KEEP, 1 }, { RECONCILE_LINK_KEEP, 4 }, { RECONCILE_LINK_KEEP, 5 },
	             { RECONCILE_LINK_UNDO, 2 }, { RECONCILE_LINK_FINISH, 3 }, { RECONCILE_LINK_ADOPT, 1 },
	             { RECONCILE_LINK_RESTORE, 6 }, { RECONCILE_LINK_UNPIN, 2 }, { RECONCILE_LINK_UNPIN, 3 }, { RECONCILE_LINK_UNPIN, 4 },
	             { RECONCILE_LINK_UNPIN, 77 } } },
	{ "a link of a program that has no record",
	  .links = { { 3, 12, LINK_STATE_ATTACHED } }, .link_pins = { 3 },
	  .steps = { { RECONCILE_LINK_DROP, 3 }, { RECONCILE_LINK_UNPIN, 3 } } },
	{ "after a reboot: a persistent program is restored, its links wait, what was half done is forgotten",
	  .programs = { { 1, false, false, true }, { 2, false, false, false } },
	  .links = { { 1, 1, LINK_STATE_ATTACHED }, { 2, 1, LINK_STATE_ATTACHING }, { 3, 1, LINK_STATE_DETACHING },
	             { 4, 1, LINK_STATE_REMOVED }, { 5, 1, LINK_STATE_GONE }, { 6, 1, LINK_STATE_UPDATING },
	             { 7, 1, LINK_STATE_WAITING } },
	  .steps = { { RECONCILE_PROGRAM_DROP, 2 }, { RECONCILE_PROGRAM_RESTORE, 1 }, { RECONCILE_LINK_DROP, 2 },
	             { RECONCILE_LINK_DROP, 3 }, { RECONCILE_LINK_WAIT, 1 }, { RECONCILE_LINK_WAIT, 4 },
	             { RECONCILE_LINK_WAIT, 5 }, { RECONCILE_LINK_WAIT, 6 }, { RECONCILE_LINK_WAIT, 7 } } },
	{ "a persistent program that is there, with links that wait or failed",
	  .programs = { { 1, true, true, true } }, .program_pins = { 1 },
	  .links = { { 1, 1, LINK_STATE_WAITING }, { 2, 1, LINK_STATE_FAILED } }, .link_pins = { 1 },
	  .steps = { { RECONCILE_PROGRAM_KEEP, 1 }, { RECONCILE_LINK_KEEP, 1 }, { RECONCILE_LINK_KEEP, 2 },
	             { RECONCILE_LINK_UNPIN, 1 } } },
	{ "a persistent program whose pin is another one: that goes before it is restored",
	  .programs = { { 1, true, false, true } }, .program_pins = { 1 }, .map_pins = { 1 },
	  .steps = { { RECONCILE_PROGRAM_RESTORE, 1 }, { RECONCILE_PROGRAM_UNPIN, 1 }, { RECONCILE_MAPS_UNPIN, 1 } } },
	{ "kept programs come before dropped ones",
	  .programs = { { 1, false, false, false }, { 2, true, true, false } }, .program_pins = { 2 },
	  .links = { { 1, 1, LINK_STATE_ATTACHED }, { 2, 2, LINK_STATE_ATTACHED } },
	  .steps = { { RECONCILE_PROGRAM_KEEP, 2 }, { RECONCILE_PROGRAM_DROP, 1 }, { RECONCILE_LINK_DROP, 1 },
	             { RECONCILE_LINK_ADOPT, 2 } } },
};
/* clang-format on */

static struct reconcile_ids ids_of(const uint64_t *ids)
{
	struct reconcile_ids result = { .ids = ids };

	while (ids[result.count])
		result.count++;
	return result;
}

static struct reconcile_facts facts_of(const struct row *row)
{
	struct reconcile_facts facts = { .programs = row->programs, .links = row->links };

	while (row->programs[facts.program_count].id)
		facts.program_count++;
	while (row->links[facts.link_count].id)
		facts.link_count++;
	facts.program_pins = ids_of(row->program_pins);
	facts.link_pins = ids_of(row->link_pins);
	facts.map_pins = ids_of(row->map_pins);
	return facts;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct reconcile_facts facts = facts_of(&rows[i]);
		struct reconcile_step steps[5 * MOST];
		size_t count = reconcile_plan(&facts, steps);
		size_t expected = 0;

		while (rows[i].steps[expected].id)
			expected++;
		if (count != expected)
			fail_msg("%s: %zu steps instead of %zu", rows[i].name, count, expected);
		assert_true(count <= reconcile_steps_max(&facts));
		for (size_t at = 0; at < count; at++) {
			if (steps[at].action != rows[i].steps[at].action ||
			    steps[at].id != rows[i].steps[at].id)
				fail_msg("%s: step %zu is action %d of %llu", rows[i].name, at,
				         (int)steps[at].action, (unsigned long long)steps[at].id);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
