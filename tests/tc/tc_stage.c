/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/tc/tc_stage.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct host host;
struct tc *tc;
struct netlink netlink, monitor;
struct chain_member programs[PROGRAMS];
struct error last;
unsigned int calls, fail_at;

static int bpf_counted(enum bpf_cmd command, union bpf_attr *attr, unsigned int size)
{
	if (++calls == fail_at)
		return -EIO;
	return kernel_real.bpf(command, attr, size);
}

const struct kernel_operations counted = { .bpf = bpf_counted };

static struct tc_place place_of(uint32_t direction)
{
	return (struct tc_place){ .ifindex = host.ifindex, .direction = direction };
}

struct tc_request request_of(uint32_t direction, size_t count, const unsigned int *digits)
{
	struct tc_request request = { .place = place_of(direction), .count = count };

	for (size_t i = 0; i < count; i++)
		request.members[i] = programs[digits[i]];
	return request;
}

int chain_sync(const struct tc_request *request, struct tc_chain *chain)
{
	int result;

	last = (struct error){};
	result = tc_sync(tc, &netlink, request, chain, &last);
	if (result < 0)
		print_message("    (%s)\n", last.message);
	return result;
}

void sync_ok(const struct tc_request *request, struct tc_chain *chain)
{
	assert_int_equal(chain_sync(request, chain), 0);
}

void sync_refused(const struct tc_request *request, int result, enum error_code code,
                  const char *words)
{
	struct tc_chain chain;

	assert_int_equal(chain_sync(request, &chain), result);
	assert_int_equal(last.code, code);
	assert_non_null(strstr(last.message, words));
}

uint64_t link_of(void *state, const struct tc_place *place, uint32_t kernel_id)
{
	(void)state;
	(void)place;
	for (size_t i = 1; i < PROGRAMS; i++) {
		if (programs[i].kernel_id == kernel_id)
			return programs[i].link_id;
	}
	return 0;
}

int chain_read(uint32_t direction, struct tc_chain *chain)
{
	const struct tc_place place = place_of(direction);

	return tc_read(tc, &netlink, &place, link_of, NULL, chain, &last);
}

uint32_t filter_id(uint32_t direction)
{
	struct netlink_filter filter;

	assert_int_equal(netlink_filter_query(&netlink, host.ifindex, direction, &filter), 0);
	return filter.there ? filter.program_id : 0;
}

void all_off(void)
{
	struct tc_request none = {};
	struct tc_chain chain;

	for (uint32_t direction = DIRECTION_INGRESS; direction <= DIRECTION_EGRESS; direction++) {
		none.place = place_of(direction);
		sync_ok(&none, &chain);
		assert_int_equal(chain.dispatcher_id, 0);
		assert_int_equal(chain.count, 0);
	}
	assert_int_equal(tc_collect(tc, &netlink, 0), 0);
	assert_int_equal(pins_count(), 0);
}

int clean(void **state)
{
	struct tc_change change;

	(void)state;
	kernel = &kernel_real;
	fail_at = 0;
	all_off();
	(void)host_run("tc qdisc del dev in clsact 2>/dev/null", NULL, 0);
	while (tc_monitor_next(&monitor, &change) == 0)
		;
	for (size_t i = 1; i < PROGRAMS; i++) {
		programs[i].priority = PRIORITY_DEFAULT;
		programs[i].proceed_on = DEFAULT;
	}
	return 0;
}

void clsact_add(const char *kind)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "tc qdisc add dev in %s", kind);
	assert_int_equal(host_run(command, NULL, 0), 0);
}

void foreign_filter_add(const char *name, unsigned int digit, int verdict, const char *where)
{
	struct chain_member member;
	char path[64], command[256];
	int fd = tc_program_load(&host, NULL, name, digit, verdict, &member);

	(void)snprintf(path, sizeof(path), BPFFS "/%s", name);
	assert_int_equal(kernel_pin(fd, path), 0);
	(void)close(fd);
	(void)snprintf(command, sizeof(command),
	               "tc filter add dev in %s bpf da object-pinned %s && rm %s", where, path,
	               path);
	assert_int_equal(host_run(command, NULL, 0), 0);
}

void stage_open(void)
{
	host_open(&host);
	assert_int_equal(netlink_open(0, &netlink), 0);
	assert_int_equal(tc_monitor_open(&monitor), 0);
	tc = host_tc_open(&host);
	for (unsigned int i = 1; i < PROGRAMS; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "digit_%x", i);
		(void)tc_program_load(&host, tc, name, i, i == SHOT ? TC_ACT_SHOT : TC_ACT_PIPE,
		                      &programs[i]);
	}
}

void tc_reopen(void)
{
	tc_close(tc);
	assert_int_equal(tc_open(&host.settings, &tc, &last), 0);
}
