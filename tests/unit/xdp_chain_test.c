/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Order, merge, equality and configuration of chains: pure functions. */
#include "broker/xdp_chain.h"

#include <cmocka.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#define PASS (1u << XDP_PASS)
#define ALWAYS (1u << 31)
#define FOREIGN(id, priority_)                                                                    \
	{                                                                                         \
		.kernel_id = (id), .priority = (priority_), .proceed_on = PASS | ALWAYS, .fd = -1 \
	}
#define MEMBER(link, id, priority_)                                            \
	{                                                                      \
		.link_id = (link), .kernel_id = (id), .program_fd = (int)(id), \
		.priority = (priority_), .proceed_on = PASS                    \
	}

static bool own_is_7(void *state, uint32_t kernel_id)
{
	(void)state;
	return kernel_id == 7;
}

/* Merges and writes the kernel ids in order. */
static const char *merged(const struct xdp_chain *now, const struct xdp_request *request)
{
	static char text[128];
	struct xdp_chain next;
	size_t length = 0;

	assert_int_equal(xdp_chain_merge(now, request, &next), 0);
	text[0] = '\0';
	for (size_t i = 0; i < next.count; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%u",
		                           i ? " " : "", next.slots[i].kernel_id);
	return text;
}

static void order(void **state)
{
	static const struct {
		struct xdp_chain now;
		struct xdp_request request;
		const char *expected;
	} rows[] = {
		{ {}, {}, "" },
		{ {}, { .count = 1, .members = { MEMBER(1, 5, 50) } }, "5" },
		/* by priority, whatever the order of the request */
		{ {},
		  { .count = 3,
		    .members = { MEMBER(1, 5, 50), MEMBER(2, 6, 0), MEMBER(3, 8, 49) } },
		  "6 8 5" },
		/* ties by link id */
		{ {},
		  { .count = 3,
		    .members = { MEMBER(9, 5, 50), MEMBER(2, 6, 50), MEMBER(4, 8, 50) } },
		  "6 8 5" },
		/* foreign ones keep their order, and stand behind own ones of their priority */
		{ { .count = 3, .slots = { FOREIGN(20, 50), FOREIGN(21, 50), FOREIGN(22, 10) } },
		  { .count = 2, .members = { MEMBER(9, 5, 50), MEMBER(2, 6, 51) } },
		  "22 5 20 21 6" },
		/* an own one that runs and is not among the members goes; one that is stays once,
		   with its new priority */
		{ { .count = 3, .slots = { FOREIGN(5, 50), FOREIGN(7, 50), FOREIGN(22, 10) } },
		  { .own = own_is_7, .count = 1, .members = { MEMBER(9, 5, 5) } },
		  "5 22" },
		{ { .count = 2,
		    .slots = { { .kernel_id = 4, .own = true, .fd = -1 }, FOREIGN(22, 10) } },
		  {},
		  "22" },
		{ { .count = 1, .slots = { FOREIGN(7, 50) } }, { .own = own_is_7 }, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(merged(&rows[i].now, &rows[i].request), rows[i].expected);
}

static void eleventh(void **state)
{
	struct xdp_chain now = { .count = 6 }, next = { .count = 77 };
	struct xdp_request request = { .count = 4 };

	(void)state;
	for (uint32_t i = 0; i < 6; i++)
		now.slots[i] = (struct chain_slot)FOREIGN(100 + i, 50);
	for (uint32_t i = 0; i < 5; i++)
		request.members[i] = (struct chain_member)MEMBER(i + 1, 200 + i, 50);
	assert_int_equal(xdp_chain_merge(&now, &request, &next), 0);
	assert_int_equal(next.count, 10);
	next.count = 77;
	request.count = 5;
	assert_int_equal(xdp_chain_merge(&now, &request, &next), -E2BIG);
	assert_int_equal(next.count, 77);
	now.count = 0;
	request.count = 11;
	assert_int_equal(xdp_chain_merge(&now, &request, &next), -E2BIG);
}

static void member_fields(void **state)
{
	const struct xdp_chain now = {
		.count = 1, .slots = { { .kernel_id = 5, .fd = -1, .name = "counter" } }
	};
	const struct xdp_request request = { .count = 1,
		                             .members = { { .link_id = 3,
		                                            .kernel_id = 5,
		                                            .program_fd = 42,
		                                            .priority = 9,
		                                            .proceed_on = 0,
		                                            .frags = 1 } } };
	struct xdp_chain next;

	(void)state;
	assert_int_equal(xdp_chain_merge(&now, &request, &next), 0);
	assert_int_equal(next.slots[0].fd, 42);
	assert_int_equal(next.slots[0].proceed_on, ALWAYS);
	assert_int_equal(next.slots[0].flags, BPF_F_XDP_HAS_FRAGS);
	assert_string_equal(next.slots[0].name, "counter");
	assert_true(next.slots[0].own);
}

static void equality(void **state)
{
	const struct xdp_chain base = { .count = 2, .slots = { FOREIGN(1, 10), FOREIGN(2, 20) } };
	struct xdp_chain other = base;

	(void)state;
	assert_true(xdp_chain_equal(&base, &other));
	other.slots[0].proceed_on = PASS; /* bit 31 is always meant */
	other.slots[0].link_id = 5;
	assert_true(xdp_chain_equal(&base, &other));
#define DIFFERS(change)                                       \
	do {                                                  \
		other = base;                                 \
		change;                                       \
		assert_false(xdp_chain_equal(&base, &other)); \
	} while (0)
	DIFFERS(other.count = 1);
	DIFFERS(other.slots[1].kernel_id = 3);
	DIFFERS(other.slots[1].priority = 21);
	DIFFERS(other.slots[1].proceed_on = ALWAYS);
	DIFFERS(other.slots[1].flags = BPF_F_XDP_HAS_FRAGS);
	DIFFERS(other.slots[0] = base.slots[1]; other.slots[1] = base.slots[0]);
}

/* Byte for byte as the protocol has it. */
static void config_bytes(void **state)
{
	const struct chain_slot slots[] = {
		{ .priority = 50, .proceed_on = PASS | ALWAYS, .flags = BPF_F_XDP_HAS_FRAGS },
		{ .priority = 0x01020304, .proceed_on = ALWAYS, .flags = BPF_F_XDP_HAS_FRAGS }
	};
	struct xdp_dispatcher_config config;
	uint32_t words[31];

	(void)state;
	xdp_config_encode(slots, 2, &config);
	memcpy(words, &config, sizeof(words));
	assert_int_equal(sizeof(config), 124);
	assert_memory_equal(words, ((unsigned char[]){ 236, 2, 2, 1 }), 4);
	assert_int_equal(words[1], PASS | ALWAYS);
	assert_int_equal(words[2], ALWAYS);
	assert_int_equal(words[3], 0);
	assert_int_equal(words[11], 50);
	assert_int_equal(words[12], 0x01020304);
	assert_int_equal(words[21], BPF_F_XDP_HAS_FRAGS);
	assert_int_equal(words[23], 0);
}

static void config_frags(void **state)
{
	struct chain_slot slots[3] = { { .flags = BPF_F_XDP_HAS_FRAGS },
		                       { .flags = BPF_F_XDP_HAS_FRAGS },
		                       {} };
	struct xdp_dispatcher_config config;

	(void)state;
	xdp_config_encode(slots, 2, &config);
	assert_int_equal(config.is_xdp_frags, 1);
	xdp_config_encode(slots, 3, &config); /* one without: none */
	assert_int_equal(config.is_xdp_frags, 0);
	assert_int_equal(config.program_flags[1], BPF_F_XDP_HAS_FRAGS);
	xdp_config_encode(slots, 0, &config);
	assert_int_equal(config.is_xdp_frags, 0);
}

static void config_round_trip(void **state)
{
	const struct chain_slot slots[] = { { .priority = 1, .proceed_on = 5 },
		                            { .priority = 2, .proceed_on = 6, .flags = 32 } };
	struct xdp_dispatcher_config config;
	struct xdp_chain chain = {};

	(void)state;
	xdp_config_encode(slots, 2, &config);
	assert_int_equal(xdp_config_decode(&config, &chain), 0);
	assert_int_equal(chain.count, 2);
	assert_int_equal(chain.slots[1].priority, 2);
	assert_int_equal(chain.slots[1].proceed_on, 6);
	assert_int_equal(chain.slots[1].flags, 32);
	config.num_progs_enabled = 11;
	chain.count = 3;
	assert_int_equal(xdp_config_decode(&config, &chain), -EINVAL);
	assert_int_equal(chain.count, 3);
}

static void config_versions(void **state)
{
	static const struct {
		size_t size;
		uint32_t expected;
		unsigned char magic, version;
	} rows[] = {
		{ 124, 2, 236, 2 }, { 128, 3, 236, 3 }, { 84, 1, 0, 0 },    { 128, 0, 236, 2 },
		{ 124, 0, 236, 3 }, { 124, 0, 235, 2 }, { 124, 0, 236, 1 }, { 128, 0, 236, 4 },
		{ 123, 0, 236, 2 }, { 0, 0, 236, 2 },   { 1, 0, 236, 2 },
	};
	_Alignas(8) unsigned char bytes[128] = {};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bytes[0] = rows[i].magic;
		bytes[1] = rows[i].version;
		assert_int_equal(xdp_config_version(bytes, rows[i].size), rows[i].expected);
	}
}

static uint64_t link_of(void *state, const struct xdp_place *place, uint32_t kernel_id)
{
	assert_int_equal(place->ifindex, 4);
	return kernel_id == 2 ? *(const uint64_t *)state : 0;
}

static void record(void **state)
{
	struct xdp_chain chain = { .place = { .ifindex = 4 },
		                   .interface = "eth0",
		                   .program_id = 99,
		                   .version = 2,
		                   .mode = XDP_MODE_GENERIC,
		                   .count = 2,
		                   .slots = { FOREIGN(1, 10), FOREIGN(2, 20) } };
	struct record_chain filled;
	uint64_t link = 33;

	(void)state;
	xdp_chain_record(&chain, link_of, &link, &filled);
	assert_int_equal(filled.count, 2);
	assert_int_equal(filled.entries[0].link_id, 0);
	assert_int_equal(filled.entries[1].link_id, 33);
	assert_int_equal(filled.foreign_dispatcher, 1);
	assert_string_equal(filled.interface, "eth0");
	assert_true(xdp_chain_runs(&chain, 2));
	assert_false(xdp_chain_runs(&chain, 99)); /* the dispatcher is no program of anybody's */
	/* a program by itself */
	chain = (struct xdp_chain){ .place = { .ifindex = 4 },
		                    .program_id = 2,
		                    .program_name = "alone" };
	xdp_chain_record(&chain, link_of, &link, &filled);
	assert_int_equal(filled.count, 1);
	assert_int_equal(filled.dispatcher_version, 0);
	assert_int_equal(filled.entries[0].link_id, 33);
	assert_string_equal(filled.entries[0].kernel_name, "alone");
	assert_int_equal(filled.foreign_dispatcher, 0);
	assert_true(xdp_chain_runs(&chain, 2));
	/* nothing */
	xdp_chain_clear(&chain);
	xdp_chain_record(&chain, NULL, NULL, &filled);
	assert_int_equal(filled.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order),
		cmocka_unit_test(eleventh),
		cmocka_unit_test(member_fields),
		cmocka_unit_test(equality),
		cmocka_unit_test(config_bytes),
		cmocka_unit_test(config_frags),
		cmocka_unit_test(config_round_trip),
		cmocka_unit_test(config_versions),
		cmocka_unit_test(record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
