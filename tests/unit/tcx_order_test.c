/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where a tcx program goes among bpfd's own and those of others: one row per case. */
#include <cmocka.h>

#include "common/kernel_uapi.h"
#include "broker/tcx.h"

#include <errno.h>
#include <string.h>

#define MOST 6
#define BY_LINK (KERNEL_F_ID | KERNEL_F_LINK)

/* Programs have the ids 100 + link id, their links in the kernel 1000 + link id. */
struct row {
	const char *name;
	int order[MOST]; /* link ids of bpfd's; negative: a foreign program without a link, from
	                    -100 on a foreign one with a link; ends with 0 */
	struct {
		uint64_t link_id;
		int32_t priority;
	} members[MOST], own;
	uint32_t flags, relative_id;
};

/* clang-format off */
static const struct row place_rows[] = {
	{ "an empty hook", .own = { 5, 50 }, .flags = KERNEL_F_AFTER },
	{ "foreign ones alone: behind them", { -1, -100 }, .own = { 5, 50 }, .flags = KERNEL_F_AFTER },
	{ "behind the one before it", { 1, 2 }, { { 1, 10 }, { 2, 20 } }, { 5, 50 }, KERNEL_F_AFTER | BY_LINK, 1002 },
	{ "between two", { 1, 2 }, { { 1, 10 }, { 2, 90 } }, { 5, 50 }, KERNEL_F_AFTER | BY_LINK, 1001 },
	{ "before all", { -1, 1, 2 }, { { 1, 10 }, { 2, 90 } }, { 5, 0 }, KERNEL_F_BEFORE | BY_LINK, 1001 },
	{ "a tie goes by id", { 1, 9 }, { { 1, 50 }, { 9, 50 } }, { 5, 50 }, KERNEL_F_AFTER | BY_LINK, 1001 },
	{ "a tie with a later one", { 9 }, { { 9, 50 } }, { 5, 50 }, KERNEL_F_BEFORE | BY_LINK, 1009 },
	{ "the order of ids is not that of places", { 8, 3 }, { { 3, 60 }, { 8, 40 } }, { 9, 70 },
	  KERNEL_F_AFTER | BY_LINK, 1003 },
	{ "foreign ones between keep their neighbours", { 1, -1, -100, 2 }, { { 1, 10 }, { 2, 90 } }, { 5, 50 },
	  KERNEL_F_AFTER | BY_LINK, 1001 },
	{ "a member that somebody took off is passed over", { 1 }, { { 1, 10 }, { 2, 20 } }, { 5, 50 },
	  KERNEL_F_AFTER | BY_LINK, 1001 },
	{ "none of the members runs", { -1 }, { { 1, 10 } }, { 5, 50 }, KERNEL_F_AFTER, 0 },
	{ "negative priorities", { 1 }, { { 1, 0 } }, { 5, -7 }, KERNEL_F_BEFORE | BY_LINK, 1001 },
};
/* clang-format on */

static struct tcx_order order_of(const int *ids)
{
	struct tcx_order order = { .revision = 1 };

	for (; *ids; ids++) {
		struct tcx_entry *entry = &order.entries[order.count++];

		entry->program_id = (uint32_t)(*ids > 0 ? 100 + *ids : 5000 - *ids);
		entry->link_id = *ids > 0 ? (uint32_t)(1000 + *ids) : *ids <= -100 ? 7000 : 0;
	}
	return order;
}

static struct chain_member member(uint64_t link_id, int32_t priority)
{
	return (struct chain_member){ .link_id = link_id,
		                      .kernel_id = (uint32_t)(100 + link_id),
		                      .priority = (uint32_t)priority };
}

static size_t members_of(const struct row *row, struct chain_member *members)
{
	size_t count = 0;

	for (; count < MOST && row->members[count].link_id; count++)
		members[count] = member(row->members[count].link_id, row->members[count].priority);
	return count;
}

static void test_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(place_rows) / sizeof(place_rows[0]); i++) {
		const struct row *row = &place_rows[i];
		const struct chain_member own = member(row->own.link_id, row->own.priority);
		const struct tcx_order order = order_of(row->order);
		struct chain_member members[MOST];
		struct tcx_anchor anchor =
			tcx_place(&order, members, members_of(row, members), &own);

		if (anchor.flags != row->flags || anchor.relative_id != row->relative_id)
			fail_msg("%s: flags 0x%x beside %u, not 0x%x beside %u", row->name,
			         anchor.flags, anchor.relative_id, row->flags, row->relative_id);
	}
}

/* An anchor that has no link is named by its program. */
static void test_anchor_without_a_link(void **state)
{
	const struct chain_member members[] = { member(1, 10) }, own = member(5, 50);
	struct tcx_order order = { .count = 1, .entries = { { .program_id = 101 } } };
	struct tcx_anchor anchor = tcx_place(&order, members, 1, &own);

	(void)state;
	assert_int_equal(anchor.flags, KERNEL_F_AFTER | KERNEL_F_ID);
	assert_int_equal(anchor.relative_id, 101);
}

/* Link 2 of three, with priorities 10, 20 and 30: which new priorities keep its place, which
 * neighbour is in the way of others. */
static void test_misplaced(void **state)
{
	static const struct {
		int32_t priority;
		uint64_t wrong;
	} rows[] = { { 20, 0 }, { 11, 0 }, { 10, 0 }, { 9, 1 }, { 30, 0 }, { 31, 3 }, { 0, 1 } };
	const struct chain_member members[] = { member(1, 10), member(3, 30) };
	const struct tcx_order order = order_of((const int[]){ -1, 1, -100, 2, 3, 0 });

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct chain_member own = member(2, rows[i].priority);
		const struct chain_member *wrong = tcx_misplaced(&order, 102, members, 2, &own);

		assert_int_equal(wrong ? wrong->link_id : 0, rows[i].wrong);
	}
}

/* Is the anchor's place behind program 102, of link 2? */
static void test_anchor_behind(void **state)
{
	const struct tcx_order order = order_of((const int[]){ -1, 1, 2, -100, 3, 0 });
	const struct {
		struct tcx_anchor anchor;
		uint32_t program_id;
		bool behind;
	} rows[] = {
		{ { KERNEL_F_AFTER | BY_LINK, 1001 }, 102, false },
		{ { KERNEL_F_BEFORE | BY_LINK, 1001 }, 102, false },
		{ { KERNEL_F_AFTER | BY_LINK, 1003 }, 102, true },
		{ { KERNEL_F_BEFORE | BY_LINK, 1003 }, 102, true },
		{ { KERNEL_F_AFTER | KERNEL_F_ID, 101 }, 102, false },
		{ { KERNEL_F_AFTER | KERNEL_F_ID, 103 }, 102, true },
		{ { KERNEL_F_AFTER, 0 }, 102, true },  /* the end */
		{ { KERNEL_F_AFTER, 0 }, 999, false }, /* that one does not run */
		{ { KERNEL_F_AFTER, 0 }, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(tcx_anchor_behind(&order, &rows[i].anchor, rows[i].program_id),
		                 rows[i].behind);
}

static void test_query_answer(void **state)
{
	const struct tcx_hook hook = { 5, KERNEL_TCX_INGRESS };
	struct kernel_prog_query query;
	struct tcx_order order = { .count = 7 };
	struct tcx_ids ids;
	union bpf_attr attr;

	(void)state;
	tcx_query_attr(&hook, &ids, &attr);
	memcpy(&query, &attr, sizeof(query));
	assert_int_equal(query.target_ifindex, 5);
	assert_int_equal(query.attach_type, KERNEL_TCX_INGRESS);
	assert_int_equal(query.count, CHAIN_PROGRAMS_MAX);
	assert_int_equal(tcx_query_answer(&attr, &ids, -ENODEV, &order), -ENODEV);
	assert_int_equal(order.count, 7);
	assert_int_equal(tcx_query_answer(&attr, &ids, -ENOENT, &order), 0);
	assert_int_equal(order.count, 0);
	query.count = 2;
	query.revision = 9;
	ids.programs[1] = 31;
	ids.links[1] = 41;
	memcpy(&attr, &query, sizeof(query));
	assert_int_equal(tcx_query_answer(&attr, &ids, 0, &order), 0);
	assert_int_equal(order.revision, 9);
	assert_int_equal(order.count, 2);
	assert_int_equal(order.entries[1].program_id, 31);
	assert_int_equal(order.entries[1].link_id, 41);
	query.count = CHAIN_PROGRAMS_MAX + 1; /* a kernel with room for more */
	memcpy(&attr, &query, sizeof(query));
	assert_int_equal(tcx_query_answer(&attr, &ids, 0, &order), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),       cmocka_unit_test(test_anchor_without_a_link),
		cmocka_unit_test(test_misplaced),    cmocka_unit_test(test_anchor_behind),
		cmocka_unit_test(test_query_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
