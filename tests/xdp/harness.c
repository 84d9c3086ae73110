/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/xdp/harness.h"
#include "broker/kernel.h"
#include "broker/dispatcher.h"
#include "common/netlink.h"
#include "common/sandbox.h"
#include "workers/opener/opener.h"

#include <arpa/inet.h>
#include <cmocka.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIGITS 16
#define TRACE_KEY 0 /* the digits' counts follow */
#define PACKET_SIZE 64

static uint64_t address(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

[[gnu::format(printf, 1, 2)]] static void machine_lacks(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("SKIP: ");
	vprintf(format, arguments);
	printf("\n");
	va_end(arguments);
	exit(SKIPPED);
}

int host_run(const char *command, char *output, size_t size)
{
	FILE *pipe;
	size_t length = 0;
	char rest[256];

	(void)fflush(NULL);
	pipe = popen(command, "re"); /* NOLINT(cert-env33-c): the tests' own command lines */
	if (!pipe)
		err(1, "%s", command);
	if (output) {
		length = fread(output, 1, size - 1, pipe);
		output[length] = '\0';
	}
	while (fread(rest, 1, sizeof(rest), pipe) > 0)
		;
	return WEXITSTATUS(pclose(pipe));
}

static void directories_make(struct host *host)
{
	static const char *const paths[] = { BPFFS "/xdp", BPFFS "/bpfd", BPFFS "/bpfd/dispatchers",
		                             BPFFS "/bpfd/links", BPFFS "/bpfd/programs" };

	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("bpf", BPFFS, "bpf", 0, NULL) < 0)
		machine_lacks("cannot mount bpffs in a mount namespace: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		assert_return_code(mkdir(paths[i], 0700), errno);
	(void)snprintf(host->settings.bpffs_directory, sizeof(host->settings.bpffs_directory),
	               BPFFS "/bpfd");
	(void)snprintf(host->settings.xdp_directory, sizeof(host->settings.xdp_directory),
	               BPFFS "/xdp");
	(void)snprintf(host->settings.tracefs_directory, sizeof(host->settings.tracefs_directory),
	               "/sys/kernel/tracing");
	if (access("/sys/kernel/tracing/events", F_OK) < 0)
		(void)mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
}

static int packet_socket(uint32_t ifindex)
{
	const struct sockaddr_ll self = { .sll_family = AF_PACKET,
		                          .sll_protocol = htons(ETH_P_IP),
		                          .sll_ifindex = (int)ifindex };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_return_code(fd, errno);
	assert_return_code(bind(fd, (const struct sockaddr *)&self, sizeof(self)), errno);
	return fd;
}

static void veth_make(struct host *host)
{
	/* without IPv6 addresses nobody but the test sends on the link */
	if (host_run("ip link add in type veth peer name out && ip link set in addrgenmode none && "
	             "ip link set out addrgenmode none && ip link set in up && ip link set out up",
	             NULL, 0))
		machine_lacks("cannot make a veth pair");
	host->ifindex = if_nametoindex("in");
	host->peer_ifindex = if_nametoindex("out");
	host->packet_fd = packet_socket(host->peer_ifindex);
	host->out_fd = packet_socket(host->ifindex);
}

static void trace_make(struct host *host)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY,
		                .key_size = sizeof(uint32_t),
		                .value_size = sizeof(uint64_t),
		                .max_entries = 1 + DIGITS };

	host->trace_fd = kernel_real.bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
	if (host->trace_fd < 0)
		machine_lacks("cannot make a map: %s", strerror(-host->trace_fd));
}

void host_open(struct host *host)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	memset(host, 0, sizeof(*host));
	(void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0)
		machine_lacks("cannot make namespaces: %s", strerror(errno));
	(void)host_run("ip link set lo up", NULL, 0);
	directories_make(host);
	veth_make(host);
	trace_make(host);
}

#ifdef __SANITIZE_ADDRESS__
/* A sanitizer's run-time does not live behind the real filter: the opener's code alone, in a child.
 */
static void opener_exec(const struct host *host, int launcher_fd, int broker_fd)
{
	const struct channel launcher = { launcher_fd, CHANNEL_LOWER, &channel_launcher };
	static struct channel_buffer buffer;
	static struct launcher_settings settings;
	const struct launcher_ready ready = {};
	struct opener opener = { .settings = &settings,
		                 .channel = { broker_fd, CHANNEL_LOWER, &channel_opener } };
	struct channel_message message;
	int result = channel_receive(&launcher, LAUNCHER_STATE_STARTING, &buffer, &message);

	(void)host;
	event_sources_read(&opener, "/sys/bus/event_source/devices");
	if (result == 0) {
		memcpy(&settings, message.body, sizeof(settings));
		result = netlink_open(0, &opener.netlink);
		opener.netns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	}
	if (result == 0)
		result = channel_send(&launcher, LAUNCHER_READY, 0, &ready, NULL);
	while (result == 0)
		result = opener_serve(&opener);
	exit(result == -EPIPE ? 0 : 1);
}
#else
/* As the launcher does it. */
static void opener_exec(const struct host *host, int launcher_fd, int broker_fd)
{
	const struct sandbox_policy *policy = host->settings.containers
	                                              ? &sandbox_policy_opener_containers
	                                              : &sandbox_policy_opener;
	struct error error;
	int high = fcntl(broker_fd, F_DUPFD, 100); /* out of the way of the numbers that it gets */

	if (sandbox_identity(policy, 0, 0, NULL, 0, &error) < 0)
		errx(1, "%s", error.message);
	if (dup2(launcher_fd, ROLE_FD_LAUNCHER) < 0 || dup2(high, ROLE_FD_PEER) < 0)
		err(1, "dup2");
	(void)close_range(ROLE_FD_PEER + 1, ~0u, 0);
	(void)execl(BPFD_BUILD_DIR "/bin/bpfd-opener", "bpfd-opener", NULL);
	err(1, "bpfd-opener");
}

#endif

void host_opener_start(struct host *host)
{
	struct channel launcher = { -1, CHANNEL_UPPER, &channel_launcher };
	static struct channel_buffer buffer;
	struct channel_message ready;
	int settings_pair[2], pair[2];

	assert_int_equal(channel_pair(settings_pair), 0);
	assert_int_equal(channel_pair(pair), 0);
	host->settings.opener = 1;
	host->settings.log_level = 6;
	host->opener_pid = fork();
	assert_return_code(host->opener_pid, errno);
	if (host->opener_pid == 0) {
		(void)close(settings_pair[0]);
		(void)close(pair[0]);
		opener_exec(host, settings_pair[1], pair[1]);
	}
	(void)close(settings_pair[1]);
	(void)close(pair[1]);
	launcher.fd = settings_pair[0];
	assert_int_equal(channel_send(&launcher, LAUNCHER_SETTINGS, 0, &host->settings, NULL), 0);
	assert_int_equal(channel_receive(&launcher, LAUNCHER_STATE_STARTING, &buffer, &ready), 0);
	assert_int_equal(ready.row->type, LAUNCHER_READY);
	host->opener =
		(struct opener_client){ .channel = { pair[0], CHANNEL_UPPER, &channel_opener } };
	(void)close(settings_pair[0]);
}

void host_opener_stop(struct host *host)
{
	int status;

	(void)close(host->opener.channel.fd);
	assert_int_equal(waitpid(host->opener_pid, &status, 0), host->opener_pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define INSN(code_, dst, src, off_, imm_)                                                         \
	{                                                                                         \
		.code = (code_), .dst_reg = (dst), .src_reg = (src), .off = (off_), .imm = (imm_) \
	}
#define LOAD_MAP(fd) \
	INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, fd), INSN(0, 0, 0, 0, 0)
#define LOOK_UP(fd, key)                                                              \
	INSN(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, key),                       \
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0),       \
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4), LOAD_MAP(fd), \
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem)

/* What a program is loaded as: a component for the template, or by itself. */
struct load_target {
	const struct dispatcher_tables *tables;
	int template_fd; /* -1: by itself */
	uint32_t template_btf_id;
};

static int trace_program_load(struct host *host, const struct load_target *target, const char *name,
                              unsigned int digit, int verdict)
{
	const struct bpf_insn insns[] = {
		LOOK_UP(host->trace_fd, TRACE_KEY),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 4, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_1, BPF_REG_0, 0, 0),
		INSN(BPF_ALU64 | BPF_LSH | BPF_K, BPF_REG_1, 0, 0, 4),
		INSN(BPF_ALU64 | BPF_OR | BPF_K, BPF_REG_1, 0, 0, (int)digit),
		INSN(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_0, BPF_REG_1, 0, 0),
		LOOK_UP(host->trace_fd, 1 + (int)digit),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 2, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, 1),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_0, BPF_REG_1, 0, BPF_ADD),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, verdict),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	const struct bpf_func_info function = { .type_id = target->tables->slot_btf_ids[0] };
	union bpf_attr attr = {};
	char log[4096] = "";
	int btf_fd = dispatcher_btf_load(target->tables, NULL), fd;

	attr.prog_type =
		target->template_fd >= 0 ? BPF_PROG_TYPE_EXT : target->tables->program_type;
	attr.insns = address(insns);
	attr.insn_cnt = sizeof(insns) / sizeof(*insns);
	attr.license = address("GPL");
	attr.prog_flags = host->program_flags;
	(void)snprintf(attr.prog_name, sizeof(attr.prog_name), "%s", name);
	attr.log_buf = address(log);
	attr.log_size = sizeof(log);
	attr.log_level = 1;
	if (target->template_fd >= 0) {
		attr.attach_prog_fd = (uint32_t)target->template_fd;
		attr.attach_btf_id = target->template_btf_id;
		attr.prog_btf_fd = (uint32_t)btf_fd;
		attr.func_info = address(&function);
		attr.func_info_cnt = 1;
		attr.func_info_rec_size = sizeof(function);
	}
	fd = kernel_real.bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	(void)close(btf_fd);
	if (fd < 0) {
		printf("%s: %s\n%s\n", name, strerror(-fd), log);
		fail();
	}
	return fd;
}

static uint32_t program_id(int fd)
{
	struct record_program info;

	assert_int_equal(kernel_program_info(fd, &info), 0);
	return info.kernel_id;
}

int program_load(struct host *host, const struct xdp *xdp, const char *name, unsigned int digit,
                 int verdict, struct chain_member *member)
{
	const struct load_target target = { &xdp_dispatcher_tables, xdp ? xdp_template_fd(xdp) : -1,
		                            xdp ? xdp_template_btf_id(xdp) : 0 };
	int fd = trace_program_load(host, &target, name, digit, verdict);

	*member = (struct chain_member){ .link_id = digit,
		                         .kernel_id = program_id(fd),
		                         .program_fd = fd,
		                         .priority = PRIORITY_DEFAULT,
		                         .proceed_on = 1u << XDP_PASS,
		                         .frags = host->program_flags == BPF_F_XDP_HAS_FRAGS };
	return fd;
}

struct tc *host_tc_open(struct host *host)
{
	struct error error = {};
	struct tc *tc;

	if (tc_open(&host->settings, &tc, &error) < 0)
		errx(1, "tc_open: %s", error.message);
	if (tc_extension_errno(tc))
		machine_lacks("this kernel refuses extension programs (%s): run it by tests/vm/run",
		              strerror(tc_extension_errno(tc)));
	return tc;
}

int tc_program_load(struct host *host, const struct tc *tc, const char *name, unsigned int digit,
                    int verdict, struct chain_member *member)
{
	const struct load_target target = { &tc_dispatcher_tables, tc ? tc_template_fd(tc) : -1,
		                            tc ? tc_template_btf_id(tc) : 0 };
	int fd = trace_program_load(host, &target, name, digit, verdict);

	*member = (struct chain_member){ .link_id = digit,
		                         .kernel_id = program_id(fd),
		                         .program_fd = fd,
		                         .priority = PRIORITY_DEFAULT,
		                         .proceed_on = 1u << (TC_ACT_PIPE + 1) };
	return fd;
}

static uint64_t element_read(const struct host *host, uint32_t key)
{
	uint64_t value = 0;

	assert_int_equal(kernel_map_lookup(host->trace_fd, &key, &value), 0);
	return value;
}

uint64_t program_count(const struct host *host, unsigned int digit)
{
	return element_read(host, 1 + digit);
}

static int packet_send_from(int fd)
{
	unsigned char packet[PACKET_SIZE] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
		                              0,    0,    0,    0,    1,    8,    0 };

	return send(fd, packet, sizeof(packet), 0) == sizeof(packet) ? 0 : -errno;
}

int packet_send(const struct host *host)
{
	return packet_send_from(host->packet_fd);
}

static uint64_t packet_trace_from(struct host *host, int fd)
{
	const uint32_t key = TRACE_KEY;
	const uint64_t none = 0;
	union bpf_attr attr = {};

	(void)usleep(20000); /* strangers' packets on the link (IPv6 sets itself up) */
	attr.map_fd = (uint32_t)host->trace_fd;
	attr.key = address(&key);
	attr.value = address(&none);
	assert_int_equal(kernel_real.bpf(BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)), 0);
	/* a TC program of the sending side may drop it */
	(void)packet_send_from(fd);
	(void)usleep(20000); /* the receiving side runs in a soft interrupt */
	return element_read(host, TRACE_KEY);
}

uint64_t packet_trace(struct host *host)
{
	return packet_trace_from(host, host->packet_fd);
}

uint64_t packet_trace_out(struct host *host)
{
	return packet_trace_from(host, host->out_fd);
}

size_t descriptors_count(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(directory);
	while (readdir(directory))
		count++;
	(void)closedir(directory);
	return count;
}

size_t opener_descriptors(const struct host *host)
{
	char command[64], output[32];

	(void)snprintf(command, sizeof(command), "ls /proc/%d/fd | wc -l", host->opener_pid);
	assert_int_equal(host_run(command, output, sizeof(output)), 0);
	return strtoul(output, NULL, 10);
}

static size_t files;

static int file_count(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)path;
	(void)status;
	(void)walk;
	files += type == FTW_F || strstr(path, "/dispatch-") || strstr(path, "/tc-");
	return 0;
}

size_t pins_count(void)
{
	files = 0;
	(void)nftw(BPFFS "/xdp", file_count, 8, FTW_PHYS);
	(void)nftw(BPFFS "/bpfd", file_count, 8,
	           FTW_PHYS); /* beside them the kernel may have iterators of its own */
	return files;
}

uint32_t attached_id(const struct host *host)
{
	struct netlink netlink;
	struct netlink_interface found = {};

	assert_int_equal(netlink_open(0, &netlink), 0);
	assert_int_equal(netlink_interface_query(&netlink, host->ifindex, NULL, &found), 0);
	netlink_close(&netlink);
	return found.program_id;
}
