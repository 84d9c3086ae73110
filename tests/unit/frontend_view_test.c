/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The view: rows in, order, replacement, removal, rows that cannot be. And who pays for what. */
#include "common/program_type.h"
#include "frontend/account.h"
#include "frontend/buffer.h"
#include "frontend/kernel_names.h"
#include "frontend/policy.h"
#include "frontend/view.h"

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct view view;

static int empty(void **state)
{
	(void)state;
	view_clear(&view);
	return 0;
}

static struct record_program program(uint64_t id)
{
	return (struct record_program){ .id = id, .type = PROGRAM_TYPE_XDP, .name = "one" };
}

static void programs_are_in_order(void **state)
{
	static const uint64_t ids[] = { 50, 3, 1000000, 1, 51, 2 };
	static const uint64_t sorted[] = { 1, 2, 3, 50, 51, 1000000 };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct record_program row = program(ids[i]);

		assert_int_equal(view_take_program(&view, &row), 0);
	}
	assert_int_equal(view.programs.count, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(((struct view_program *)view.programs.items[i])->id, sorted[i]);
		assert_int_equal(view_program(&view, sorted[i])->head->id, sorted[i]);
	}
	assert_null(view_program(&view, 0));
	assert_null(view_program(&view, 4));
	assert_null(view_program(&view, UINT64_MAX));
}

static void many_come_and_go(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 1000; i++) {
		struct record_program row = program(i * 7919 % 1009);

		assert_int_equal(view_take_program(&view, &row), 0);
	}
	assert_int_equal(view.programs.count, 1000);
	for (uint64_t i = 1; i <= 1000; i += 2) {
		struct frontend_gone gone = { .kind = FRONTEND_GONE_PROGRAM,
			                      .id = i * 7919 % 1009 };

		assert_int_equal(view_take_gone(&view, &gone), 0);
		assert_int_equal(view_take_gone(&view, &gone), 0);
	}
	assert_int_equal(view.programs.count, 500);
	for (uint64_t i = 1; i <= 1000; i++)
		assert_int_equal(view_program(&view, i * 7919 % 1009) == NULL, i % 2);
}

static void a_program_keeps_its_globals(void **state)
{
	static struct frontend_globals globals = { .program_id = 5 };
	struct record_program row = program(5);

	(void)state;
	globals.globals.count = 1;
	globals.globals.data_size = 4;
	globals.globals.entries[0] = (struct record_global){ .name = "limit", .size = 4 };
	memcpy(globals.globals.data, "\1\2\3\4", 4);
	assert_int_equal(view_take_globals(&view, &globals), -EPROTO);
	assert_int_equal(view_take_program(&view, &row), 0);
	assert_int_equal(view_take_globals(&view, &globals), 0);
	assert_int_equal(view_take_globals(&view, &globals), 0);
	row.kernel_id = 9;
	row.map_count = 1;
	row.maps[0] = (struct record_map){ .name = "m", .kernel_id = 4 };
	row.metadata.count = 2;
	row.metadata.entries[1] = (struct record_metadata_entry){ .key = "k", .value = "v" };
	assert_int_equal(view_take_program(&view, &row), 0);

	const struct view_program *found = view_program(&view, 5);

	assert_int_equal(view.programs.count, 1);
	assert_int_equal(found->head->kernel_id, 9);
	assert_int_equal(found->maps[0].kernel_id, 4);
	assert_int_equal(found->metadata_count, 2);
	assert_string_equal(found->metadata[1].value, "v");
	assert_int_equal(found->global_count, 1);
	assert_memory_equal(found->global_data + found->globals[0].offset, "\1\2\3\4", 4);
}

static void positions_come_from_the_chain(void **state)
{
	struct record_link link = { .id = 7, .program_id = 1, .type = PROGRAM_TYPE_XDP };
	struct record_chain chain = { .ifindex = 3, .type = PROGRAM_TYPE_XDP, .count = 3 };
	struct record_chain other = {
		.ifindex = 3, .type = PROGRAM_TYPE_TCX, .direction = DIRECTION_EGRESS, .count = 64
	};
	struct frontend_gone other_gone = { .kind = FRONTEND_GONE_CHAIN };
	struct frontend_gone gone = { .kind = FRONTEND_GONE_CHAIN,
		                      .id = RECORD_CHAIN_ID(PROGRAM_TYPE_XDP, 0, 3, 0) };

	(void)state;
	link.target.ifindex = 3;
	assert_int_equal(view_take_link(&view, &link), 0);
	assert_int_equal(view_link_position(&view, view_link(&view, 7)), -1);
	chain.entries[2].link_id = 7;
	assert_int_equal(view_take_chain(&view, &chain), 0);
	assert_int_equal(view_link_position(&view, view_link(&view, 7)), 2);
	/* another type on the same interface is another order */
	other.entries[0].link_id = 7;
	assert_int_equal(view_take_chain(&view, &other), 0);
	assert_int_equal(view_link_position(&view, view_link(&view, 7)), 2);
	other_gone.id = RECORD_CHAIN_ID(PROGRAM_TYPE_TCX, 0, 3, DIRECTION_EGRESS);
	assert_int_equal(view_take_gone(&view, &other_gone), 0);
	assert_int_equal(view.chains.count, 1);
	chain.count = 2;
	assert_int_equal(view_take_chain(&view, &chain), 0);
	assert_int_equal(view_link_position(&view, view_link(&view, 7)), -1);
	assert_int_equal(view_take_gone(&view, &gone), 0);
	assert_int_equal(view.chains.count, 0);
	gone = (struct frontend_gone){ .kind = FRONTEND_GONE_LINK, .id = 7 };
	assert_int_equal(view_take_gone(&view, &gone), 0);
	assert_null(view_link(&view, 7));
}

static void uses_are(uint64_t program_id, size_t expected, const uint64_t *links)
{
	size_t count = SIZE_MAX;
	const struct view_use *uses = view_program_uses(&view, program_id, &count);

	assert_int_equal(count, expected);
	for (size_t i = 0; links && i < count; i++) {
		assert_int_equal(uses[i].link->id, links[i]);
		assert_ptr_equal(uses[i].link, view_link(&view, links[i]));
		assert_int_equal(uses[i].link->head->program_id, program_id);
	}
}

static void links_are_found_by_program(void **state)
{
	struct record_link link = { .type = PROGRAM_TYPE_XDP };
	struct frontend_gone gone = { .kind = FRONTEND_GONE_LINK, .id = 4 };

	(void)state;
	uses_are(1, 0, NULL);
	/* 100 links of programs 1, 2 and 3, in no order: 37 and 101 have no common factor */
	for (uint64_t i = 1; i <= 100; i++) {
		link.id = i * 37 % 101;
		link.program_id = 1 + link.id % 3;
		assert_int_equal(view_take_link(&view, &link), 0);
	}
	for (uint64_t program_id = 1; program_id <= 3; program_id++) {
		uint64_t expected[100];
		size_t count = 0;

		for (uint64_t id = 1; id <= 100; id++) {
			if (1 + id % 3 == program_id)
				expected[count++] = id;
		}
		uses_are(program_id, count, expected);
	}
	/* all but three go */
	for (gone.id = 1; gone.id <= 97; gone.id++)
		assert_int_equal(view_take_gone(&view, &gone), 0);
	uses_are(1, 1, (uint64_t[]){ 99 });
	uses_are(2, 1, (uint64_t[]){ 100 });
	uses_are(3, 1, (uint64_t[]){ 98 });
	/* an update gives a link to another program; the same row again changes nothing */
	link = (struct record_link){ .id = 100, .program_id = 1, .type = PROGRAM_TYPE_XDP };
	assert_int_equal(view_take_link(&view, &link), 0);
	assert_int_equal(view_take_link(&view, &link), 0);
	uses_are(1, 2, (uint64_t[]){ 99, 100 });
	uses_are(2, 0, NULL);
	uses_are(0, 0, NULL);
	uses_are(UINT64_MAX, 0, NULL);
}

static void impossible_rows_are_refused(void **state)
{
	static struct frontend_globals globals = { .program_id = 1 };
	struct record_program row;
	struct record_link link = { .id = 1 };
	struct record_chain chain = { .ifindex = 1, .type = PROGRAM_TYPE_TCX };
	struct record_status status = { .opener = 1 };
	struct frontend_gone gone = { .kind = 4, .id = 1 };

	(void)state;
#define refused(change)                                                    \
	do {                                                               \
		row = program(1);                                          \
		change;                                                    \
		assert_int_equal(view_take_program(&view, &row), -EPROTO); \
	} while (0)
	refused(row.id = 0);
	refused(row.map_count = LOAD_MAPS_MAX + 1);
	refused(row.metadata.count = METADATA_MAX + 1);
	refused(memset(row.name, 'x', sizeof(row.name)));
	refused(row.application[5] = 'x');
	refused(memset(row.kernel_name, 'x', sizeof(row.kernel_name)));
	refused((row.map_count = 1, memset(row.maps[0].name, 'x', sizeof(row.maps[0].name))));
	refused((row.metadata.count = 1, row.metadata.entries[0].value[9] = 'x'));
#undef refused
	row = program(1);
	assert_int_equal(view_take_program(&view, &row), 0);
	globals.globals.count = LOAD_GLOBALS_MAX + 1;
	assert_int_equal(view_take_globals(&view, &globals), -EPROTO);
	globals.globals.count = 1;
	globals.globals.data_size = GLOBAL_DATA_MAX + 1;
	assert_int_equal(view_take_globals(&view, &globals), -EPROTO);
	globals.globals.data_size = 10;
	globals.globals.entries[0] = (struct record_global){ .name = "g", .offset = 8, .size = 3 };
	assert_int_equal(view_take_globals(&view, &globals), -EPROTO);
	globals.globals.entries[0].offset = 11;
	globals.globals.entries[0].size = UINT32_MAX;
	assert_int_equal(view_take_globals(&view, &globals), -EPROTO);
	link.metadata.count = METADATA_MAX + 1;
	assert_int_equal(view_take_link(&view, &link), -EPROTO);
	link.metadata.count = 0;
	memset(link.target.interface, 'x', sizeof(link.target.interface));
	assert_int_equal(view_take_link(&view, &link), -EPROTO);
	memset(link.target.interface, 0, sizeof(link.target.interface));
	link.target.given = 1u << 31;
	assert_int_equal(view_take_link(&view, &link), -EPROTO);
	link.target.given = 0;
	link.target.follow = 2;
	assert_int_equal(view_take_link(&view, &link), -EPROTO);
	chain.count = CHAIN_PROGRAMS_MAX + 1;
	assert_int_equal(view_take_chain(&view, &chain), -EPROTO);
	memset(status.kernel_release, 'x', sizeof(status.kernel_release));
	assert_int_equal(view_take_status(&view, &status), -EPROTO);
	assert_int_equal(view_take_gone(&view, &gone), -EPROTO);
}

static void budgets_are_shared(void **state)
{
	struct accounts accounts;
	struct account *one, *other;

	(void)state;
	accounts_init(&accounts, 100);
	one = account_ref(&accounts, 1);
	other = account_ref(&accounts, 2);
	assert_ptr_equal(account_ref(&accounts, 1), one);
	assert_int_equal(account_charge(&accounts, one, 51), -EDQUOT);
	assert_int_equal(account_charge(&accounts, one, 50), 0);
	assert_int_equal(account_charge(&accounts, one, 1), -EDQUOT);
	assert_int_equal(account_charge(&accounts, other, 50), 0);
	account_refund(&accounts, one, 10);
	assert_int_equal(account_charge(&accounts, other, 1), -EDQUOT);
	assert_int_equal(account_charge(&accounts, one, UINT64_MAX), -EDQUOT);
	account_refund(&accounts, one, 40);
	account_refund(&accounts, other, 50);
	assert_int_equal(accounts.bytes, 0);
	account_unref(&accounts, one);
	assert_int_equal(accounts.count, 2);
	account_unref(&accounts, one);
	account_unref(&accounts, other);
	assert_int_equal(accounts.count, 0);
	free(accounts.items);
}

static void buffers_grow_with_what_is_there(void **state)
{
	struct accounts accounts;
	struct buffer buffer = { .bytes = NULL };
	struct payer payer = { .accounts = &accounts };

	(void)state;
	accounts_init(&accounts, 2 << 20);
	payer.account = account_ref(&accounts, 1);
	assert_int_equal(buffer_append(&payer, &buffer, (const uint8_t *)"abc", 3), 0);
	assert_int_equal(accounts.bytes, 3);
	assert_int_equal(buffer_grow(&payer, &buffer, 1 << 20), 0);
	assert_int_equal(buffer.capacity, 3 + 65536);
	buffer.used = buffer.capacity;
	assert_int_equal(buffer_grow(&payer, &buffer, 1 << 20), 0);
	assert_int_equal(buffer.capacity, 2 * (3 + 65536));
	buffer.used = buffer.capacity;
	assert_int_equal(buffer_grow(&payer, &buffer, buffer.used + 5), 0);
	assert_int_equal(buffer.capacity, 2 * (3 + 65536) + 5);
	assert_int_equal(buffer_reserve(&payer, &buffer, (1 << 20) + 1), -EDQUOT);
	assert_int_equal(buffer.capacity, 2 * (3 + 65536) + 5);
	assert_memory_equal(buffer.bytes, "abc", 3);
	buffer_shrink(&payer, &buffer, 3);
	assert_int_equal(accounts.bytes, 3);
	buffer_consume(&payer, &buffer, 1);
	assert_memory_equal(buffer.bytes, "bc", 2);
	buffer_consume(&payer, &buffer, 2);
	assert_null(buffer.bytes);
	assert_int_equal(accounts.bytes, 0);
	account_unref(&accounts, payer.account);
	free(accounts.items);
}

static void policy_rows(void **state)
{
	static const gid_t groups[] = { 5, 6, 7 };
	static const struct {
		gid_t access_gid;
		uid_t uid;
		gid_t gid;
		unsigned int group_count;
		bool allowed;
	} rows[] = {
		{ 7, 0, 0, 0, true },         { 7, 0, 9, 3, true },
		{ 7, 1000, 7, 0, true },      { 7, 1000, 9, 3, true },
		{ 7, 1000, 9, 2, false },     { 7, 1000, 9, 0, false },
		{ 8, 1000, 9, 3, false },     { 0, 1000, 9, 3, false },
		{ (gid_t)-1, 0, 9, 3, true }, { (gid_t)-1, 1000, (gid_t)-1, 3, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(policy_allows(rows[i].access_gid, rows[i].uid, rows[i].gid, groups,
		                               rows[i].group_count),
		                 rows[i].allowed);
}

static void policy_sees_the_peer(void **state)
{
	struct record_peer peer = { .uid = 77 };
	bool allowed = false;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(policy_peer(fds[0], 5, &peer, &allowed), 0);
	assert_int_equal(peer.uid, getuid());
	assert_int_equal(peer.gid, getgid());
	assert_int_equal(peer.pid, getpid());
	assert_int_equal(allowed, getuid() == 0);
	(void)close(fds[0]);
	(void)close(fds[1]);
	assert_int_equal(policy_peer(fds[0], 5, &peer, &allowed), -EBADF);
}

static void policy_says_who_may(void **state)
{
	struct record_peer peer = { .uid = 1000 };
	struct error error;

	(void)state;
	policy_refuse(995, &peer, "load", &error);
	assert_int_equal(error.code, ERROR_PERMISSION_DENIED);
	assert_string_equal(error.message,
	                    "permission denied: uid 1000 may not load: only root and "
	                    "members of bpfd's access group (gid 995) may");
	policy_refuse((gid_t)-1, &peer, "load", &error);
	assert_string_equal(error.message,
	                    "permission denied: uid 1000 may not load: only root may");
}

static void kernel_names(void **state)
{
	(void)state;
	assert_string_equal(map_type_name(1), "hash");
	assert_string_equal(map_type_name(27), "ringbuf");
	assert_string_equal(map_type_name(32), "cgrp_storage");
	assert_null(map_type_name(0));
	assert_null(map_type_name(1000));
	assert_string_equal(prog_type_name(28), "ext");
	assert_string_equal(prog_type_name(6), "xdp");
	assert_string_equal(prog_type_name(1), "socket_filter");
	assert_string_equal(prog_type_name(32), "netfilter");
	for (uint32_t type = 1; type <= 32; type++)
		assert_non_null(prog_type_name(type));
	assert_null(prog_type_name(0));
	assert_null(prog_type_name(33));
	assert_null(prog_type_name(99));
	for (uint32_t type = 1; type < PROGRAM_TYPE_END; type++) {
		if (program_type_row(type))
			assert_non_null(prog_type_name(program_type_row(type)->bpf_type));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(programs_are_in_order, empty),
		cmocka_unit_test_teardown(many_come_and_go, empty),
		cmocka_unit_test_teardown(a_program_keeps_its_globals, empty),
		cmocka_unit_test_teardown(positions_come_from_the_chain, empty),
		cmocka_unit_test_teardown(links_are_found_by_program, empty),
		cmocka_unit_test_teardown(impossible_rows_are_refused, empty),
		cmocka_unit_test(budgets_are_shared),
		cmocka_unit_test(buffers_grow_with_what_is_there),
		cmocka_unit_test(policy_rows),
		cmocka_unit_test(policy_sees_the_peer),
		cmocka_unit_test(policy_says_who_may),
		cmocka_unit_test(kernel_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
