/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which kernel is too old for which type, in words. */
#include "common/kernel_release.h"
#include "common/program_type.h"

#include <cmocka.h>
#include <errno.h>
#include <string.h>

static void releases(void **state)
{
	static const struct {
		const char *release;
		uint32_t type;
		bool too_new;
	} rows[] = {
		{ "6.1.0-49-amd64", PROGRAM_TYPE_NETFILTER, true },
		{ "6.3.99", PROGRAM_TYPE_NETFILTER, true },
		{ "6.4", PROGRAM_TYPE_NETFILTER, false },
		{ "6.4.0-rc1", PROGRAM_TYPE_NETFILTER, false },
		{ "6.12.3", PROGRAM_TYPE_NETFILTER, false },
		{ "7.0.0", PROGRAM_TYPE_NETFILTER, false },
		{ "10.1", PROGRAM_TYPE_NETFILTER, false },
		{ "5.10.0-33-amd64", PROGRAM_TYPE_NETFILTER, true },
		{ "5.8.0", PROGRAM_TYPE_CGROUP_SOCK_RELEASE, true },
		{ "5.9", PROGRAM_TYPE_CGROUP_SOCK_RELEASE, false },
		/* what cannot be read, or is no type, explains nothing */
		{ "", PROGRAM_TYPE_NETFILTER, false },
		{ "unknown", PROGRAM_TYPE_NETFILTER, false },
		{ "2.6.32", PROGRAM_TYPE_NONE, false },
		{ "2.6.32", PROGRAM_TYPE_END, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error error = {};
		int result = program_type_too_new(rows[i].type, rows[i].release, &error);

		assert_int_equal(result, rows[i].too_new ? -EOPNOTSUPP : 0);
		assert_int_equal(error.code, rows[i].too_new ? ERROR_UNSUPPORTED : 0);
	}
}

static void sentence(void **state)
{
	struct error error = {};

	(void)state;
	assert_int_equal(program_type_too_new(PROGRAM_TYPE_NETFILTER, "6.1.0-49-amd64", &error),
	                 -EOPNOTSUPP);
	assert_string_equal(error.message,
	                    "netfilter programs need Linux 6.4, this is 6.1.0-49-amd64");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(releases),
		cmocka_unit_test(sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
