/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * bpfd and Debian's xdp-loader on one interface, both ways. xdp-loader's programs come from the
 * samples: their names stand in its status.
 */
#include "tests/xdp/harness.h"

#include <cmocka.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAMPLES BPFD_BUILD_DIR "/bpf/"
#define OUTPUT_SIZE 8192
#define RACE_PAUSE_US 200000

static struct host host;
static struct xdp *xdp;
static struct chain_member programs[4]; /* [n] leaves the digit n */

static bool own(void *state, uint32_t kernel_id)
{
	(void)state;
	return kernel_id == programs[1].kernel_id || kernel_id == programs[2].kernel_id ||
	       kernel_id == programs[3].kernel_id;
}

static uint64_t link_of(void *state, const struct xdp_place *place, uint32_t kernel_id)
{
	(void)state;
	(void)place;
	for (size_t i = 1; i < 4; i++) {
		if (programs[i].kernel_id == kernel_id)
			return programs[i].link_id;
	}
	return 0;
}

static int members_sync(size_t count, const unsigned int *digits, struct record_chain *chain)
{
	struct xdp_request request = { .place = { .ifindex = host.ifindex },
		                       .count = count,
		                       .own = own };
	struct error error = {};
	int result;

	for (size_t i = 0; i < count; i++)
		request.members[i] = programs[digits[i]];
	result = xdp_sync(xdp, &request, chain, &error);
	if (result < 0)
		print_message("    (%s)\n", error.message);
	return result;
}

#define SYNC(chain, ...)                                                                     \
	assert_int_equal(                                                                    \
		members_sync(sizeof((unsigned int[]){ __VA_ARGS__ }) / sizeof(unsigned int), \
	                     (unsigned int[]){ __VA_ARGS__ }, chain),                        \
		0)

/* The chain as text: own programs by digit, foreign ones by name. */
static void chain_expect(const struct record_chain *chain, const char *expected)
{
	char text[256] = "";

	for (uint32_t i = 0; i < chain->count; i++) {
		size_t length = strlen(text);

		if (chain->entries[i].link_id)
			(void)snprintf(text + length, sizeof(text) - length, "%s%u", i ? " " : "",
			               (unsigned int)chain->entries[i].link_id);
		else
			(void)snprintf(text + length, sizeof(text) - length, "%s%.16s",
			               i ? " " : "", chain->entries[i].kernel_name);
	}
	assert_string_equal(text, expected);
}

static void read_expect(const char *expected, uint32_t foreign_dispatcher)
{
	struct record_chain chain;
	struct error error = {};
	int result = xdp_read(xdp, &(struct xdp_place){ .ifindex = host.ifindex }, link_of, NULL,
	                      &chain, &error);

	if (result < 0)
		print_message("    (%s)\n", error.message);
	assert_int_equal(result, 0);
	chain_expect(&chain, expected);
	assert_int_equal(chain.foreign_dispatcher, foreign_dispatcher);
	assert_int_equal(chain.dispatcher_id, attached_id(&host));
}

static void loader(const char *arguments)
{
	char command[512], output[OUTPUT_SIZE];
	int status;

	(void)snprintf(command, sizeof(command), "xdp-loader %s 2>&1", arguments);
	status = host_run(command, output, sizeof(output));
	if (status)
		print_message("    %s: %s\n", command, output);
	assert_int_equal(status, 0);
}

/* What `xdp-loader status` shows as components, in its order, by name. */
static void status_expect(const char *expected)
{
	char output[OUTPUT_SIZE], text[256] = "";

	assert_int_equal(host_run("xdp-loader status in 2>&1", output, sizeof(output)), 0);
	for (char *line = strstr(output, "=>"); line; line = strstr(line + 2, "=>")) {
		char name[64];
		size_t length = strlen(text);

		assert_int_equal(sscanf(line, "=> %*d %63s", name), 1);
		(void)snprintf(text + length, sizeof(text) - length, "%s%s", length ? " " : "",
		               name);
	}
	if (strcmp(text, expected) != 0)
		print_message("%s", output);
	assert_string_equal(text, expected);
	if (*expected)
		assert_non_null(strstr(output, "xdp_dispatcher"));
}

static int clean(void **state)
{
	struct record_chain chain;

	(void)state;
	(void)host_run("xdp-loader unload in --all 2>&1", NULL, 0);
	assert_int_equal(members_sync(0, NULL, &chain), 0);
	assert_true(xdp_collect(xdp) >= 0);
	assert_int_equal(chain.count, 0);
	assert_int_equal(attached_id(&host), 0);
	assert_int_equal(pins_count(), 0);
	return 0;
}

/* xdp-loader's dispatcher is there first: bpfd joins it by the opener. */
static void bpfd_joins(void **state)
{
	struct record_chain chain;

	(void)state;
	loader("load in " SAMPLES "xdp_filter.bpf.o -n xdp_filter"); /* priority 20 */
	read_expect("xdp_filter", 1);
	programs[1].priority = 10;
	programs[2].priority = 30;
	SYNC(&chain, 1, 2);
	chain_expect(&chain, "1 xdp_filter 2");
	assert_int_equal(chain.entries[1].priority, 20);
	assert_int_equal(chain.foreign_dispatcher, 0);
	assert_int_equal(pins_count(), 3 * 2 + 3); /* libxdp's directory is gone */
	status_expect("digit_1 xdp_filter digit_2");
	assert_int_equal(packet_trace(&host), 0x12);
	/* the last one of bpfd's goes, the foreign one stays */
	assert_int_equal(members_sync(0, NULL, &chain), 0);
	chain_expect(&chain, "xdp_filter");
	status_expect("xdp_filter");
	loader("unload in --all");
	assert_int_equal(attached_id(&host), 0);
}

/* bpfd's dispatcher is there first: xdp-loader adds one between, and takes it away. */
static void loader_joins(void **state)
{
	char command[128];
	struct record_chain chain;

	(void)state;
	programs[1].priority = 10;
	programs[2].priority = 30;
	SYNC(&chain, 1, 2);
	status_expect("digit_1 digit_2");
	loader("load in " SAMPLES "xdp_filter.bpf.o -n xdp_filter");
	status_expect("digit_1 xdp_filter digit_2");
	read_expect("1 xdp_filter 2", 1);
	assert_int_equal(packet_trace(&host), 0x12);
	/* bpfd rebuilds what xdp-loader built */
	programs[3].priority = 15;
	SYNC(&chain, 1, 2, 3);
	chain_expect(&chain, "1 3 xdp_filter 2");
	status_expect("digit_1 digit_3 xdp_filter digit_2");
	assert_int_equal(packet_trace(&host), 0x132);
	/* xdp-loader removes its own */
	(void)snprintf(command, sizeof(command), "unload in --id %u", chain.entries[2].kernel_id);
	loader(command);
	status_expect("digit_1 digit_3 digit_2");
	read_expect("1 3 2", 1);
	assert_int_equal(packet_trace(&host), 0x132);
	/* and one of bpfd's */
	(void)snprintf(command, sizeof(command), "unload in --id %u", programs[3].kernel_id);
	loader(command);
	read_expect("1 2", 1);
	SYNC(&chain, 2);
	status_expect("digit_2");
	assert_int_equal(packet_trace(&host), 2);
	assert_true(xdp_collect(xdp) >= 0);
	assert_int_equal(pins_count(), 2 + 3);
}

static void loader_unloads_all(void **state)
{
	struct record_chain chain;
	struct xdp_change change;

	(void)state;
	SYNC(&chain, 1, 2);
	while (xdp_monitor_next(xdp, &change) == 0)
		;
	loader("unload in --all");
	assert_int_equal(attached_id(&host), 0);
	while (xdp_monitor_next(xdp, &change) == 0)
		;
	assert_int_equal(pins_count(), 2); /* bpfd's private ones */
	assert_int_equal(xdp_collect(xdp), 1);
	assert_int_equal(pins_count(), 0);
	read_expect("", 0);
}

/* The broker starts again and finds its programs in a dispatcher that xdp-loader built. */
static void restart_in_foreign(void **state)
{
	struct record_chain chain;
	struct error error;

	(void)state;
	SYNC(&chain, 1);
	loader("load in " SAMPLES "xdp_counter.bpf.o -n xdp_counter -P 60");
	xdp_close(xdp);
	assert_int_equal(xdp_open(&host.settings, NULL, &xdp, &error), 0);
	/* without the opener it cannot look */
	assert_int_equal(xdp_read(xdp, &(struct xdp_place){ .ifindex = host.ifindex }, link_of,
	                          NULL, &chain, &error),
	                 0);
	assert_int_equal(chain.count, 1);
	assert_string_equal(chain.entries[0].kernel_name, "");
	assert_int_equal(members_sync(1, (unsigned int[]){ 2 }, &chain), -EBUSY);
	xdp_close(xdp);
	assert_int_equal(xdp_open(&host.settings, &host.opener, &xdp, &error), 0);
	assert_int_equal(xdp_collect(xdp), 1);
	read_expect("1 xdp_counter", 1);
	SYNC(&chain, 1, 2);
	chain_expect(&chain, "1 2 xdp_counter");
}

static void plain_foreign_refused(void **state)
{
	struct record_chain chain;
	uint32_t id;

	(void)state;
	assert_int_equal(host_run("ip link set dev in xdp obj " SAMPLES "xdp_counter.bpf.o sec xdp",
	                          NULL, 0),
	                 0);
	id = attached_id(&host);
	assert_int_not_equal(id, 0);
	assert_int_equal(members_sync(1, (unsigned int[]){ 1 }, &chain), -EBUSY);
	assert_int_equal(attached_id(&host), id);
	read_expect("xdp_counter", 0);
	/* bpfd takes nothing off that is not its own */
	assert_int_equal(members_sync(0, NULL, &chain), 0);
	assert_int_equal(attached_id(&host), id);
	assert_int_equal(host_run("ip link set dev in xdp off", NULL, 0), 0);
}

/* Both change the interface at the same time: nobody's program is lost. */
static void races(void **state)
{
	struct record_chain chain;
	int status, done = 0;
	pid_t other;

	(void)state;
	programs[1].priority = 10;
	programs[2].priority = 30;
	SYNC(&chain, 1);
	other = fork();
	assert_return_code(other, errno);
	if (other == 0) {
		for (int i = 0; i < 4; i++)
			done += host_run("xdp-loader load in " SAMPLES
			                 "xdp_filter.bpf.o -n xdp_filter 1>&2",
			                 NULL, 0) == 0;
		_exit(done);
	}
	for (int i = 0; waitpid(other, &status, WNOHANG) == 0; i++) {
		unsigned int digits[] = { 1, 2 };

		done += members_sync(i % 2 ? 1 : 2, digits, &chain) == 0;
		/* libxdp gives up when the dispatcher that it reads is replaced meanwhile: leave it
		 * some time */
		(void)usleep(RACE_PAUSE_US);
	}
	assert_true(WIFEXITED(status));
	print_message("    %d changes of bpfd's and %d of 4 of xdp-loader's\n", done,
	              WEXITSTATUS(status));
	assert_true(done > 0);
	SYNC(&chain, 1, 2);
	assert_int_equal(chain.count, 2 + (unsigned int)WEXITSTATUS(status));
	assert_int_equal(chain.entries[0].link_id, 1);
	assert_int_equal(packet_trace(&host), 0x12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(bpfd_joins, clean),
		cmocka_unit_test_teardown(loader_joins, clean),
		cmocka_unit_test_teardown(loader_unloads_all, clean),
		cmocka_unit_test_teardown(restart_in_foreign, clean),
		cmocka_unit_test_teardown(plain_foreign_refused, clean),
		cmocka_unit_test_teardown(races, clean),
	};
	struct error error = {};
	int result;

	host_open(&host);
	host_opener_start(&host);
	if (xdp_open(&host.settings, &host.opener, &xdp, &error) < 0) {
		printf("xdp_open: %s\n", error.message);
		return 1;
	}
	if (xdp_extension_errno(xdp) ||
	    host_run("xdp-loader help >/dev/null 2>&1", NULL, 0) == 127) {
		if (xdp_extension_errno(xdp))
			printf("SKIP: this kernel refuses extension programs (%s): run it by "
			       "tests/vm/run\n",
			       strerror(xdp_extension_errno(xdp)));
		else
			printf("SKIP: there is no xdp-loader: install xdp-tools\n");
		xdp_close(xdp);
		host_opener_stop(&host);
		return SKIPPED;
	}
	for (unsigned int i = 1; i < 4; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "digit_%x", i);
		program_load(&host, xdp, name, i, XDP_PASS, &programs[i]);
	}
	result = cmocka_run_group_tests_name("bpfd and xdp-loader on one interface", tests, NULL,
	                                     NULL);
	xdp_close(xdp);
	host_opener_stop(&host);
	return result;
}
