/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is read of /proc/<pid>/status. */
#include "launcher/report.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STATUS                                         \
	"Name:\tbpfd-broker\nUmask:\t0027\n"           \
	"Tgid:\t812\nPid:\t812\nPPid:\t800\n"          \
	"Uid:\t995\t995\t995\t995\nGid:\t1\t1\t1\t1\n" \
	"CapInh:\t0000000000000000\nCapEff:\t000000c000001000\n"

static void status_is_read(void **state)
{
	struct launcher_process process = { .landlock_abi = 4 };

	(void)state;
	assert_int_equal(report_parse(STATUS "NoNewPrivs:\t1\nSeccomp:\t2\n", &process), 0);
	assert_int_equal(process.pid, 812);
	assert_int_equal(process.uid, 995);
	assert_int_equal(process.capabilities, 0xc000001000);
	assert_int_equal(process.no_new_privileges, 1);
	assert_int_equal(process.seccomp, 2);
	assert_int_equal(process.landlock_abi, 4);
}

static void what_is_missing_is_told(void **state)
{
	struct launcher_process process = {};

	(void)state;
	assert_int_equal(report_parse("", &process), -EBADMSG);
	assert_int_equal(report_parse(STATUS "NoNewPrivs:\t1\n", &process), -EBADMSG);
	assert_int_equal(report_parse(STATUS "Seccomp:\t2\n", &process), -EBADMSG);
	assert_int_equal(report_parse(STATUS "NoNewPrivs:\t\nSeccomp:\tx\n", &process), -EBADMSG);
}

/* The real thing, of this process. */
static void own_status(void **state)
{
	struct launcher_process process = {};
	char text[4096];
	FILE *file = fopen("/proc/self/status", "re");
	size_t got;

	(void)state;
	assert_non_null(file);
	got = fread(text, 1, sizeof(text) - 1, file);
	(void)fclose(file);
	text[got] = '\0';
	assert_int_equal(report_parse(text, &process), 0);
	assert_int_equal(process.pid, getpid());
	assert_int_equal(process.uid, getuid());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_is_read),
		cmocka_unit_test(what_is_missing_is_told),
		cmocka_unit_test(own_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
