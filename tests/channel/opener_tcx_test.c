/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The real opener asked about hooks of tcx: what runs there, and to link a program. */
#include "broker/kernel.h"
#include "broker/opener_client.h"
#include "common/kernel_release.h"
#include "common/kernel_uapi.h"
#include "tests/xdp/harness.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

static struct host host;

static struct opener_tcx_link tcx_question(void)
{
	struct opener_tcx_link question = { .at = { .netns = "/proc/self/ns/net",
		                                    .hook = { host.ifindex, KERNEL_TCX_INGRESS } },
		                            .anchor = { .flags = KERNEL_F_AFTER } };
	struct stat own;

	/* the opener's own namespace is that of this test */
	assert_int_equal(stat("/proc/self/ns/net", &own), 0);
	question.at.netns_id = own.st_ino;
	return question;
}

static bool kernel_has_tcx(void)
{
	struct utsname name;

	assert_int_equal(uname(&name), 0);
	return kernel_release_is(name.release, 6, 6);
}

static int tcx_program_load(void)
{
	struct chain_member loaded;

	return tc_program_load(&host, NULL, "one", 5, -1, &loaded);
}

static void tcx_link(void **state)
{
	struct opener_tcx_link question = tcx_question();
	struct error error = {};
	struct tcx_order order = {};
	int program_fd, link_fd = -7, second_fd = -7;

	(void)state;
	if (!kernel_has_tcx())
		skip();
	program_fd = tcx_program_load();
	assert_int_equal(opener_tcx_query(&host.opener, &question.at, &order, &error), 0);
	assert_int_equal(order.count, 0);
	assert_int_equal(opener_tcx_link(&host.opener, &question, program_fd, &link_fd, &error), 0);
	assert_int_equal(fcntl(link_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(opener_tcx_query(&host.opener, &question.at, &order, &error), 0);
	assert_int_equal(order.count, 1);
	assert_int_not_equal(order.entries[0].link_id, 0);
	assert_int_equal(packet_trace(&host), 0x5);
	/* what the kernel says comes back as it is */
	assert_int_equal(opener_tcx_link(&host.opener, &question, program_fd, &second_fd, &error),
	                 -EEXIST);
	question.revision = order.revision + 1;
	assert_int_equal(opener_tcx_link(&host.opener, &question, program_fd, &second_fd, &error),
	                 -ESTALE);
	question.at.hook.ifindex = INT32_MAX;
	assert_int_equal(opener_tcx_query(&host.opener, &question.at, &order, &error), -ENODEV);
	assert_int_equal(second_fd, -7);
	/* the link is the asker's: it changes it, and ends it */
	(void)close(link_fd);
	assert_int_equal(packet_trace(&host), 0);
	(void)close(program_fd);
}

static void tcx_refused(void **state)
{
	const struct opener_tcx_link good = tcx_question();
	struct {
		struct opener_tcx_link question;
		int result;
	} rows[] = {
		{ good, -EINVAL }, { good, -EINVAL }, { good, -EINVAL },
		{ good, -EINVAL }, { good, -EINVAL }, { good, -ENODEV },
		{ good, -ENODEV }, { good, -ENODEV }, { good, -ENODEV },
	};
	struct tcx_order order = {};
	struct error error;
	int link_fd = -7, not_a_program = memfd_create("none", MFD_CLOEXEC);

	(void)state;
	rows[0].question.at.hook.attach_type = KERNEL_TRACE_UPROBE_MULTI;
	rows[1].question.at.hook.attach_type = BPF_XDP;
	rows[2].question.at.hook.ifindex = 0;
	rows[3].question.at.hook.ifindex = UINT32_MAX;
	rows[4].question.anchor.flags |= BPF_F_REPLACE;
	rows[5].question.at.netns_id++;
	(void)strcpy(rows[6].question.at.netns, "/proc/self/ns/pid");
	(void)strcpy(rows[7].question.at.netns, "/run/no/such/thing");
	(void)strcpy(rows[8].question.at.netns, "relative");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		error = (struct error){};
		assert_int_equal(opener_tcx_link(&host.opener, &rows[i].question, not_a_program,
		                                 &link_fd, &error),
		                 rows[i].result);
		assert_true(strlen(error.message) > 0);
		if (i == 4)
			continue; /* what is asked about a hook has no place */
		assert_int_equal(
			opener_tcx_query(&host.opener, &rows[i].question.at, &order, &error),
			rows[i].result);
	}
	assert_int_equal(opener_tcx_link(&host.opener, &good, not_a_program, &link_fd, &error),
	                 -EINVAL);
	assert_int_equal(opener_tcx_link(NULL, &good, not_a_program, &link_fd, &error),
	                 -EOPNOTSUPP);
	assert_int_equal(opener_tcx_query(NULL, &good.at, &order, &error), -EOPNOTSUPP);
	assert_int_equal(link_fd, -7);
	(void)close(not_a_program);
}

/* Whatever is asked, nothing is kept: neither what came nor what was made. */
static void nothing_kept(void **state)
{
	const struct opener_tcx_link good = tcx_question();
	struct opener_tcx_link bad = good;
	size_t before = opener_descriptors(&host);
	int program_fd = tcx_program_load();
	struct tcx_order order;
	struct error error;

	(void)state;
	bad.at.netns_id++;
	for (int i = 0; i < 100; i++) {
		int link_fd = -1;

		/* an older kernel refuses all of it */
		(void)opener_tcx_query(&host.opener, &good.at, &order, &error);
		if (opener_tcx_link(&host.opener, &good, program_fd, &link_fd, &error) == 0)
			(void)close(link_fd);
		assert_int_equal(
			opener_tcx_link(&host.opener, &good, STDIN_FILENO, &link_fd, &error) < 0,
			1);
		assert_int_equal(opener_tcx_link(&host.opener, &bad, program_fd, &link_fd, &error),
		                 -ENODEV);
	}
	(void)close(program_fd);
	assert_int_equal(opener_descriptors(&host), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcx_link),
		cmocka_unit_test(tcx_refused),
		cmocka_unit_test(nothing_kept),
	};
	int result;

	host_open(&host);
	host_opener_start(&host);
	result = cmocka_run_group_tests(tests, NULL, NULL);
	host_opener_stop(&host);
	return result;
}
