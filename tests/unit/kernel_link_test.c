/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the kernel is asked to link to many places at once, and what its refusals become. */
#include "broker/kernel.h"
#include "common/kernel_uapi.h"

#include <cmocka.h>
#include <errno.h>
#include <string.h>

static union bpf_attr asked;
static enum bpf_cmd command_asked;
static int answer;

static int bpf_recorded(enum bpf_cmd command, union bpf_attr *attr, unsigned int size)
{
	assert_int_equal(size, sizeof(*attr));
	command_asked = command;
	asked = *attr;
	return answer;
}

static const struct kernel_operations recorded = { .bpf = bpf_recorded };

static int kernel_swap(void **state)
{
	(void)state;
	kernel = &recorded;
	answer = 7;
	return 0;
}

static int kernel_restore(void **state)
{
	(void)state;
	kernel = &kernel_real;
	return 0;
}

static void kprobe_multi(void **state)
{
	const char *const functions[] = { "one", "two" };

	(void)state;
	assert_int_equal(kernel_link_kprobe_multi(5, functions, 2, false), 7);
	assert_int_equal(command_asked, BPF_LINK_CREATE);
	assert_int_equal(asked.link_create.prog_fd, 5);
	assert_int_equal(asked.link_create.target_fd, 0);
	assert_int_equal(asked.link_create.attach_type, BPF_TRACE_KPROBE_MULTI);
	assert_int_equal(asked.link_create.flags, 0);
	assert_int_equal(asked.link_create.kprobe_multi.flags, 0);
	assert_int_equal(asked.link_create.kprobe_multi.cnt, 2);
	assert_ptr_equal((void *)(uintptr_t)asked.link_create.kprobe_multi.syms, functions);
	assert_int_equal(asked.link_create.kprobe_multi.addrs, 0);
	assert_int_equal(asked.link_create.kprobe_multi.cookies, 0);
	assert_int_equal(kernel_link_kprobe_multi(5, functions, 1, true), 7);
	assert_int_equal(asked.link_create.kprobe_multi.flags, BPF_F_KPROBE_MULTI_RETURN);
}

static void uprobe_multi(void **state)
{
	const uint64_t offsets[] = { 64, 128, 192 };
	struct kernel_link_create_uprobe_multi create;

	(void)state;
	assert_int_equal(kernel_link_uprobe_multi(5, "/bin/x", offsets, 3, 9, true), 7);
	memcpy(&create, &asked, sizeof(create));
	assert_int_equal(command_asked, BPF_LINK_CREATE);
	assert_int_equal(create.prog_fd, 5);
	assert_int_equal(create.attach_type, 48);
	assert_int_equal(create.flags, 0);
	assert_string_equal((const char *)(uintptr_t)create.path, "/bin/x");
	assert_ptr_equal((void *)(uintptr_t)create.offsets, offsets);
	assert_int_equal(create.ref_ctr_offsets, 0);
	assert_int_equal(create.cookies, 0);
	assert_int_equal(create.cnt, 3);
	assert_int_equal(create.multi_flags, 1);
	assert_int_equal(create.pid, 9);
	assert_int_equal(create.reserved, 0);
	/* nothing behind it: an older kernel would answer E2BIG for what it does not know */
	for (size_t i = sizeof(create); i < sizeof(asked); i++)
		assert_int_equal(((const unsigned char *)&asked)[i], 0);
}

static void refusals_pass(void **state)
{
	const char *const functions[] = { "none" };
	const uint64_t offset = 64;

	(void)state;
	answer = -ESRCH;
	assert_int_equal(kernel_link_kprobe_multi(5, functions, 1, false), -ESRCH);
	assert_int_equal(kernel_link_uprobe_multi(5, "/x", &offset, 1, 0, false), -ESRCH);
	assert_int_equal(kernel_link_perf_event(5, 6), -ESRCH);
	answer = 7;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kprobe_multi),
		cmocka_unit_test(uprobe_multi),
		cmocka_unit_test(refusals_pass),
	};

	return cmocka_run_group_tests(tests, kernel_swap, kernel_restore);
}
