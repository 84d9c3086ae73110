/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The rows of broker/attach.c against this machine's kernel: a program that has its interface
 * alone, tracepoints by the real opener, and what is refused. Needs no extension programs.
 */
#include "broker/attach.h"
#include "broker/attach_event.h"
#include "broker/attach_link.h"
#include "broker/kernel.h"
#include "common/program_type.h"
#include "common/target.h"
#include "tests/xdp/harness.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PASS_ALWAYS (1u << XDP_PASS | 1u << 31)
#define CALLS 100

static struct host host;
static struct attach_context context;
static struct record_program program; /* XDP, of the form that attaches alone */
static struct chain_member member;
static size_t member_count; /* how many of bpfd's programs the broker says run there */
static unsigned int changes;
static struct record_chain last_chain;
static unsigned int fail_at, calls;

static size_t members(void *state, const struct record_link *link, struct chain_member *out,
                      size_t most)
{
	(void)state;
	if (link->target.netns_id || link->target.ifindex != host.ifindex || !member_count || !most)
		return 0;
	out[0] = member;
	return 1;
}

static bool own(void *state, uint32_t kernel_id)
{
	(void)state;
	return kernel_id == program.kernel_id;
}

static void chain_changed(void *state, const struct record_chain *chain)
{
	(void)state;
	changes++;
	last_chain = *chain;
}

static int bpf_failing(enum bpf_cmd command, union bpf_attr *attr, unsigned int size)
{
	return ++calls == fail_at ? -EIO : kernel_real.bpf(command, attr, size);
}

static const struct kernel_operations failing = { .bpf = bpf_failing };

static struct record_link xdp_link(void)
{
	struct record_link link = { .id = 7,
		                    .type = PROGRAM_TYPE_XDP,
		                    .target = { .interface = "in", .exclusive = 1 } };

	return link;
}

static struct record_link tracepoint_link(const char *group, const char *name)
{
	struct record_link link = { .id = 9, .type = PROGRAM_TYPE_TRACEPOINT };

	memcpy(link.target.group, group, strlen(group));
	memcpy(link.target.name, name, strlen(name));
	return link;
}

/* Checks, and expects a refusal with this code whose text holds these words. */
static void check_refused(const struct record_program *what, const struct record_link *link,
                          uint32_t code, const char *words)
{
	struct record_link copy = *link;
	struct error error = {};

	assert_true(attach_type(link->type)->check(&context, what, &copy, &error) < 0);
	assert_int_equal(error.code, code);
	if (!strstr(error.message, words))
		print_message("    %s\n", error.message);
	assert_non_null(strstr(error.message, words));
	assert_memory_equal(&copy, link, sizeof(copy));
}

/* What the broker asks before it asks the type: target_check() refuses it with these words. */
static void target_refused(const struct record_link *link, const char *words)
{
	struct error error = {};

	assert_int_equal(target_check(link->type, &link->target, &error), -EINVAL);
	assert_int_equal(error.code, ERROR_INVALID_ARGUMENT);
	if (!strstr(error.message, words))
		print_message("    %s\n", error.message);
	assert_non_null(strstr(error.message, words));
}

/* Every type has its functions, and nothing else has a row. */
static void rows(void **state)
{
	(void)state;
	assert_null(attach_type(PROGRAM_TYPE_NONE));
	assert_null(attach_type(PROGRAM_TYPE_END));
	assert_null(attach_type(UINT32_MAX));
	for (uint32_t type = 1; type < PROGRAM_TYPE_END; type++) {
		const struct attach_type *row = attach_type(type);

		assert_int_equal(row != NULL, program_type_row(type) != NULL);
		if (!row)
			continue;
		assert_non_null(row->check);
		assert_non_null(row->attach);
		assert_non_null(row->detach);
		assert_non_null(row->update);
		assert_non_null(row->adopt);
		assert_true(row->make || row->attach != attach_link_attach);
		assert_true(row->event || row->attach != attach_event_attach);
	}
}

static void check_fills(void **state)
{
	struct record_link link = xdp_link();
	struct error error = {};

	(void)state;
	assert_int_equal(attach_type(PROGRAM_TYPE_XDP)->check(&context, &program, &link, &error),
	                 0);
	assert_int_equal(link.target.ifindex, host.ifindex);
	assert_int_equal(link.target.priority, 33); /* the object's own */
	assert_int_equal(link.target.proceed_on, PASS_ALWAYS);
	link = xdp_link();
	link.target.given = TARGET_BIT(TARGET_PRIORITY) | TARGET_BIT(TARGET_PROCEED_ON);
	link.target.priority = PRIORITY_MAX;
	link.target.proceed_on = 1u << XDP_DROP;
	assert_int_equal(attach_type(PROGRAM_TYPE_XDP)->check(&context, &program, &link, &error),
	                 0);
	assert_int_equal(link.target.priority, PRIORITY_MAX);
	assert_int_equal(link.target.proceed_on, 1u << XDP_DROP | 1u << 31);
}

static void check_refuses(void **state)
{
	struct record_link link = xdp_link();
	struct record_program component = program;

	(void)state;
	memcpy(link.target.interface, "eth99", 6);
	check_refused(&program, &link, ERROR_NOT_FOUND, "\"eth99\" does not exist");
	memset(link.target.interface, 0, sizeof(link.target.interface));
	target_refused(&link, "interface is missing");
	link = xdp_link();
	link.target.given = TARGET_BIT(TARGET_PRIORITY);
	link.target.priority = PRIORITY_MAX + 1;
	target_refused(&link, "out of range");
	link = xdp_link();
	link.target.given = TARGET_BIT(TARGET_PROCEED_ON);
	link.target.proceed_on = 1u << 5;
	target_refused(&link, "proceed_on 0x20 has return values");
	link = xdp_link();
	link.target.mode = 3;
	target_refused(&link, "mode 3 is unknown");
	/* the two forms */
	component.form = PROGRAM_FORM_EXTENSION;
	link = xdp_link();
	check_refused(&component, &link, ERROR_INVALID_ARGUMENT, "load it again with --exclusive");
	link.target.exclusive = 0;
	if (xdp_extension_errno(context.xdp))
		check_refused(&program, &link, ERROR_UNSUPPORTED,
		              "this kernel refuses extension programs");
	else
		check_refused(&program, &link, ERROR_INVALID_ARGUMENT,
		              "was loaded with --exclusive");
}

static void alone(void **state)
{
	const struct attach_type *type = attach_type(PROGRAM_TYPE_XDP);
	struct record_link link = xdp_link(), other;
	struct error error = {};

	(void)state;
	changes = 0;
	assert_int_equal(type->check(&context, &program, &link, &error), 0);
	assert_int_equal(type->attach(&context, &program, member.program_fd, &link, &error), 0);
	assert_int_equal(link.target.mode, XDP_MODE_NATIVE);
	assert_int_equal(changes, 1);
	assert_int_equal(last_chain.count, 1);
	assert_int_equal(last_chain.entries[0].link_id, 7);
	assert_int_equal(attached_id(&host), program.kernel_id);
	assert_int_equal(packet_trace(&host), 1);
	/* once more is no change; another finds it there */
	member_count = 1;
	other = xdp_link();
	other.id = 8;
	check_refused(&program, &other, ERROR_ALREADY_EXISTS, "by link 7");
	other.target.ifindex = host.ifindex;
	assert_int_equal(type->attach(&context, &program, member.program_fd, &other, &error),
	                 -EBUSY);
	member_count = 0;
	/* the broker starts again */
	link.state = 0;
	assert_int_equal(type->adopt(&context, &program, member.program_fd, &link, &error), 0);
	assert_int_equal(link.state, LINK_STATE_ATTACHED);
	assert_int_equal(type->detach(&context, &link, &error), 0);
	assert_int_equal(attached_id(&host), 0);
	assert_int_equal(pins_count(), 0);
	assert_int_equal(last_chain.count, 0);
	assert_int_equal(type->detach(&context, &link, &error), 0); /* nothing there is no error */
	assert_int_equal(type->adopt(&context, &program, member.program_fd, &link, &error), 0);
	assert_int_equal(link.state, LINK_STATE_REMOVED);
	link.target.ifindex = 0x7ffffff0;
	assert_int_equal(type->adopt(&context, &program, member.program_fd, &link, &error), 0);
	assert_int_equal(link.state, LINK_STATE_GONE);
	assert_int_equal(type->detach(&context, &link, &error), 0);
}

/* After a restart without the opener a program attached alone can still be taken off. */
static void alone_restart(void **state)
{
	const struct attach_type *type = attach_type(PROGRAM_TYPE_XDP);
	struct record_link link = xdp_link();
	struct error error = {};

	(void)state;
	assert_int_equal(type->check(&context, &program, &link, &error), 0);
	assert_int_equal(type->attach(&context, &program, member.program_fd, &link, &error), 0);
	xdp_close(context.xdp);
	assert_int_equal(xdp_open(&host.settings, NULL, &context.xdp, &error), 0);
	assert_int_equal(xdp_collect(context.xdp), 0);
	assert_int_equal(type->adopt(&context, &program, member.program_fd, &link, &error), 0);
	assert_int_equal(link.state, LINK_STATE_ATTACHED);
	assert_int_equal(type->detach(&context, &link, &error), 0);
	assert_int_equal(attached_id(&host), 0);
	assert_int_equal(pins_count(), 0);
	/* and what somebody takes off meanwhile is collected */
	assert_int_equal(type->attach(&context, &program, member.program_fd, &link, &error), 0);
	xdp_close(context.xdp);
	assert_int_equal(host_run("ip link set dev in xdp off", NULL, 0), 0);
	assert_int_equal(xdp_open(&host.settings, &host.opener, &context.xdp, &error), 0);
	assert_int_equal(xdp_collect(context.xdp), 1);
	assert_int_equal(pins_count(), 0);
}

static void alone_call_fails(void **state)
{
	const struct attach_type *type = attach_type(PROGRAM_TYPE_XDP);
	struct record_link link = xdp_link();
	struct error error = {};
	size_t descriptors = descriptors_count();
	int result = -1;

	(void)state;
	assert_int_equal(type->check(&context, &program, &link, &error), 0);
	kernel = &failing;
	for (fail_at = 1; fail_at < CALLS && result < 0; fail_at++) {
		calls = 0;
		result = type->attach(&context, &program, member.program_fd, &link, &error);
		if (result == 0)
			break;
		assert_int_equal(error.code, ERROR_KERNEL);
		assert_int_equal(attached_id(&host), 0);
		assert_int_equal(pins_count(), 0);
		assert_int_equal(descriptors_count(), descriptors);
	}
	assert_in_range(fail_at, 2, CALLS - 1);
	fail_at = 0;
	kernel = &kernel_real;
	assert_int_equal(type->detach(&context, &link, &error), 0);
}

/* Others of the protocol hold the lock while they change files: bpfd waits for it. */
static void lock_waited_for(void **state)
{
	const struct attach_type *type = attach_type(PROGRAM_TYPE_XDP);
	struct record_link link = xdp_link();
	struct error error = {};
	struct stat status;
	int ready[2], held = 1;
	pid_t other;
	char byte;

	(void)state;
	assert_return_code(pipe(ready), errno);
	other = fork();
	assert_return_code(other, errno);
	if (other == 0) {
		held = open(BPFFS "/xdp", O_RDONLY | O_DIRECTORY);
		if (flock(held, LOCK_EX) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		(void)usleep(200000);
		(void)mkdir(BPFFS "/xdp/held", 0700);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(type->check(&context, &program, &link, &error), 0);
	assert_int_equal(type->attach(&context, &program, member.program_fd, &link, &error), 0);
	assert_return_code(stat(BPFFS "/xdp/held", &status),
	                   errno); /* made before the lock was given back */
	assert_int_equal(waitpid(other, &held, 0), other);
	assert_int_equal(held, 0);
	assert_return_code(rmdir(BPFFS "/xdp/held"), errno);
	assert_int_equal(type->detach(&context, &link, &error), 0);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

static void foreign_stays(void **state)
{
	const struct attach_type *type = attach_type(PROGRAM_TYPE_XDP);
	struct record_link link = xdp_link();
	struct error error = {};
	uint32_t id;

	(void)state;
	assert_int_equal(host_run("ip link set dev in xdp obj " BPFD_BUILD_DIR
	                          "/bpf/xdp_counter.bpf.o sec xdp",
	                          NULL, 0),
	                 0);
	id = attached_id(&host);
	assert_int_not_equal(id, 0);
	assert_int_equal(type->check(&context, &program, &link, &error), 0);
	assert_int_equal(type->attach(&context, &program, member.program_fd, &link, &error),
	                 -EBUSY);
	assert_int_equal(error.code, ERROR_BUSY);
	assert_non_null(strstr(error.message, "\"xdp_counter\""));
	assert_int_equal(type->detach(&context, &link, &error), 0);
	assert_int_equal(attached_id(&host), id);
	assert_int_equal(host_run("ip link set dev in xdp off", NULL, 0), 0);
}

static void monitor(void **state)
{
	struct xdp_change change;
	bool came = false, renamed = false, went = false;

	(void)state;
	while (xdp_monitor_next(context.xdp, &change) == 0)
		;
	assert_int_equal(host_run("ip link add new type veth peer name other && ip link set new "
	                          "name newer && "
	                          "ip link del newer",
	                          NULL, 0),
	                 0);
	while (xdp_monitor_next(context.xdp, &change) == 0) {
		came |= !change.gone && !strcmp(change.interface, "new");
		renamed |= !change.gone && !strcmp(change.interface, "newer");
		went |= change.gone && !strcmp(change.interface, "newer");
	}
	assert_true(came && renamed && went);
	assert_int_equal(xdp_monitor_next(context.xdp, &change), -EAGAIN);
}

static int tracepoint_program_load(struct record_program *out)
{
	const uint32_t key = 1 + 14; /* the digit e */
	const struct bpf_insn insns[] = {
		{ .code = BPF_ST | BPF_MEM | BPF_W,
		  .dst_reg = BPF_REG_10,
		  .off = -4,
		  .imm = (int)key },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X,
		  .dst_reg = BPF_REG_2,
		  .src_reg = BPF_REG_10 },
		{ .code = BPF_ALU64 | BPF_ADD, .dst_reg = BPF_REG_2, .imm = -4 },
		{ .code = BPF_LD | BPF_DW,
		  .dst_reg = BPF_REG_1,
		  .src_reg = BPF_PSEUDO_MAP_FD,
		  .imm = host.trace_fd },
		{},
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem },
		{ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = BPF_REG_0, .off = 2 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = 1 },
		{ .code = BPF_STX | BPF_ATOMIC | BPF_DW,
		  .dst_reg = BPF_REG_0,
		  .src_reg = BPF_REG_1,
		  .imm = BPF_ADD },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_TRACEPOINT,
		                .insn_cnt = sizeof(insns) / sizeof(*insns) };
	int fd;

	attr.insns = (uint64_t)(uintptr_t)insns;
	attr.license = (uint64_t)(uintptr_t) "GPL";
	fd = kernel_real.bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	assert_true(fd >= 0);
	*out = (struct record_program){ .type = PROGRAM_TYPE_TRACEPOINT, .name = "events" };
	assert_int_equal(kernel_program_info(fd, out), 0);
	return fd;
}

/* The kernel ends a link a little after its pin went. */
static void ends(uint32_t slot)
{
	uint64_t before;

	for (int tries = 0; tries < 500; tries++) {
		before = program_count(&host, slot);
		(void)syscall(SYS_getpid);
		assert_int_equal(host_run("true", NULL, 0), 0);
		if (program_count(&host, slot) == before)
			return;
	}
	fail_msg("the program runs although it was taken off");
}

static void tracepoint(void **state)
{
	const struct attach_type *type = attach_type(PROGRAM_TYPE_TRACEPOINT);
	struct record_link link = tracepoint_link("syscalls", "sys_enter_getpid");
	struct record_program what;
	struct error error = {};
	uint64_t before;
	int fd = tracepoint_program_load(&what);

	(void)state;
	if (access("/sys/kernel/tracing/events/syscalls/sys_enter_getpid", F_OK) < 0)
		link = tracepoint_link("sched", "sched_process_fork");
	assert_int_equal(type->check(&context, &what, &link, &error), 0);
	if (type->attach(&context, &what, fd, &link, &error) < 0) {
		print_message("    %s\n", error.message);
		fail();
	}
	assert_int_equal(access(BPFFS "/bpfd/links/9", F_OK) == 0, context.perf_links);
	before = program_count(&host, 14);
	(void)syscall(SYS_getpid);
	assert_int_equal(host_run("true", NULL, 0), 0);
	assert_true(program_count(&host, 14) > before);
	assert_int_equal(type->adopt(&context, &what, fd, &link, &error), 0);
	assert_int_equal(link.state, LINK_STATE_ATTACHED);
	what.kernel_id++;
	assert_int_equal(type->adopt(&context, &what, fd, &link, &error), 0);
	assert_int_equal(link.state, LINK_STATE_REMOVED); /* it runs another program */
	what.kernel_id--;
	assert_int_equal(type->detach(&context, &link, &error), 0);
	ends(14);
	assert_int_equal(type->detach(&context, &link, &error), 0);
	assert_int_equal(type->adopt(&context, &what, fd, &link, &error), 0);
	assert_int_equal(link.state, context.perf_links ? LINK_STATE_REMOVED : LINK_STATE_WAITING);
	perf_events_close(&context.events);
	(void)close(fd);
}

/* Only the opener may open it: without one the refusal says what to set. */
static void tracepoint_without_opener(void **state)
{
	struct record_link link = tracepoint_link("sched", "sched_process_fork");
	struct opener_client *opener = context.opener;
	struct record_program what;
	struct error error = {};
	int fd = tracepoint_program_load(&what);

	(void)state;
	context.opener = NULL;
	assert_true(
		attach_type(PROGRAM_TYPE_TRACEPOINT)->attach(&context, &what, fd, &link, &error) <
		0);
	context.opener = opener;
	assert_int_equal(error.code, ERROR_UNSUPPORTED);
	assert_non_null(strstr(error.message, "opener = yes"));
	assert_int_equal(pins_count(), 0);
	(void)close(fd);
}

static void tracepoint_refused(void **state)
{
	const struct attach_type *type = attach_type(PROGRAM_TYPE_TRACEPOINT);
	struct record_link link = tracepoint_link("sched", "no_such_event");
	struct record_program what;
	struct error error = {};
	int fd = tracepoint_program_load(&what);
	size_t descriptors = descriptors_count();

	(void)state;
	assert_int_equal(type->check(&context, &what, &link, &error), 0);
	assert_int_equal(type->attach(&context, &what, fd, &link, &error), -ENOENT);
	assert_int_equal(error.code, ERROR_NOT_FOUND);
	assert_non_null(strstr(error.message, "sched/no_such_event"));
	link = tracepoint_link("../sched", "x");
	target_refused(&link, "group \"../sched\" is not letters, digits");
	link = tracepoint_link("sched", "");
	target_refused(&link, "name is missing");
	/* an XDP program on a tracepoint */
	link = tracepoint_link("sched", "sched_process_fork");
	assert_true(type->attach(&context, &program, member.program_fd, &link, &error) < 0);
	/* the link cannot be made, or not pinned */
	kernel = &failing;
	for (fail_at = 1; fail_at <= 2; fail_at++) {
		calls = 0;
		assert_int_equal(type->attach(&context, &what, fd, &link, &error), -EIO);
		assert_int_equal(pins_count(), 0);
	}
	fail_at = 0;
	kernel = &kernel_real;
	assert_int_equal(descriptors_count(), descriptors);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(check_fills),
		cmocka_unit_test(check_refuses),
		cmocka_unit_test(alone),
		cmocka_unit_test(alone_restart),
		cmocka_unit_test(alone_call_fails),
		cmocka_unit_test(lock_waited_for),
		cmocka_unit_test(foreign_stays),
		cmocka_unit_test(monitor),
		cmocka_unit_test(tracepoint),
		cmocka_unit_test(tracepoint_without_opener),
		cmocka_unit_test(tracepoint_refused),
	};
	struct error error = {};
	int result;

	host_open(&host);
	host_opener_start(&host);
	context = (struct attach_context){ .settings = &host.settings,
		                           .opener = &host.opener,
		                           .members = members,
		                           .own = own,
		                           .chain_changed = chain_changed };
	context.perf_links = kernel_perf_links() != 0;
	if (xdp_open(&host.settings, &host.opener, &context.xdp, &error) < 0) {
		printf("xdp_open: %s\n", error.message);
		return 1;
	}
	program =
		(struct record_program){ .type = PROGRAM_TYPE_XDP,
		                         .form = PROGRAM_FORM_NATIVE,
		                         .name = "alone",
		                         .xdp = { .priority = 33, .proceed_on = 1u << XDP_PASS } };
	program_load(&host, NULL, "alone", 1, XDP_PASS, &member);
	member.link_id = 7;
	assert_int_equal(kernel_program_info(member.program_fd, &program), 0);
	result = cmocka_run_group_tests(tests, NULL, NULL);
	xdp_close(context.xdp);
	host_opener_stop(&host);
	return result;
}
