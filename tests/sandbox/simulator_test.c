/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What each policy's filter says to a system call: rows of call, arguments and verdict. */
#include "tests/sandbox/policies.h"
#include "tests/sandbox/simulator.h"

#include <asm/unistd.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/membarrier.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#define FOREIGN AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#define FOREIGN AUDIT_ARCH_ARM
#else
#error "add this architecture's audit numbers"
#endif

#define ALLOW SECCOMP_RET_ALLOW
#define KILL SECCOMP_RET_KILL_PROCESS
#define FAIL(errno_value) (SECCOMP_RET_ERRNO | (errno_value))
#define UPPER (UINT64_C(1) << 32) /* a bit that the kernel does not look at in an int */
#define THREAD                                                                              \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | \
	 CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)
#define NEW_FILE (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)

/* One bit per policy, in the order of policy_table. */
enum {
	L = 1,
	B = 2,
	G = 4,
	F = 8,
	W = 16,  /* the loader: worker */
	H = 32,  /* the opener on the host alone */
	C = 64,  /* the opener that looks into containers */
	T = 128, /* the fetcher */
	V = 256, /* the verifier */
	I = 512, /* bpfd-image */
	O = H | C,
	N = L | T, /* who may connect; the launcher, for fetchers are born behind its filter */
	S = N | I, /* who has sockets of the internet */
	ALL = 1023
};

struct row {
	const char *what;
	unsigned int policies;
	unsigned int verdict;
	int number;
	uint64_t arguments[6];
};

/* clang-format off */
static const struct row rows[] = {
	/* everybody speaks on a channel, logs and ends */
	{ "recvmsg", ALL, ALLOW, __NR_recvmsg, {} },
	{ "sendmsg", ALL, ALLOW, __NR_sendmsg, {} },
	{ "write", ALL, ALLOW, __NR_write, {} },
	{ "close", ALL, ALLOW, __NR_close, {} },
	{ "exit_group", ALL, ALLOW, __NR_exit_group, {} },

	/* a gate and its broker let those go on who have more to say; nobody else has a use for it */
	{ "sched_yield", B | G, ALLOW, __NR_sched_yield, {} },
	{ "sched_yield", ALL & ~(B | G), KILL, __NR_sched_yield, {} },
	/* the loader answers libbpf's question itself */
	{ "faccessat2", L | W, KILL, __NR_faccessat2, {} },

	/* nobody's business, whoever asks */
	{ "ptrace", ALL, KILL, __NR_ptrace, {} },
	{ "process_vm_readv", ALL, KILL, __NR_process_vm_readv, {} },
	{ "io_uring_setup", ALL, KILL, __NR_io_uring_setup, {} },
	{ "mount", ALL, KILL, __NR_mount, {} },
	{ "open_tree", ALL, KILL, __NR_open_tree, {} },
	{ "unshare", ALL, KILL, __NR_unshare, { CLONE_NEWUSER } },
	{ "setns", ALL, KILL, __NR_setns, {} },
	{ "init_module", ALL, KILL, __NR_init_module, {} },
	{ "finit_module", ALL, KILL, __NR_finit_module, {} },
	{ "kexec_load", ALL, KILL, __NR_kexec_load, {} },
	{ "open_by_handle_at", ALL, KILL, __NR_open_by_handle_at, {} },
	{ "add_key", ALL, KILL, __NR_add_key, {} },
	{ "userfaultfd", ALL, KILL, __NR_userfaultfd, {} },
	{ "pidfd_getfd", ALL, KILL, __NR_pidfd_getfd, {} },
	{ "memfd_secret", ALL, KILL, 447, {} },
	{ "clone3", ALL & ~S, KILL, __NR_clone3, {} },
	/* glibc then takes clone, whose flags can be seen */
	{ "clone3", S, FAIL(ENOSYS), __NR_clone3, {} },
	{ "setuid by its own call", ALL, KILL, __NR_setuid, {} },
	{ "execveat", ALL, KILL, __NR_execveat, {} },
	{ "socket, IPv4", ALL & ~S, KILL, __NR_socket, { AF_INET, SOCK_STREAM } },
	{ "socket, packet", ALL, KILL, __NR_socket, { AF_PACKET, SOCK_RAW } },
	{ "connect", ALL & ~S, KILL, __NR_connect, {} },
	{ "bind", ALL, KILL, __NR_bind, {} },
	{ "listen", ALL, KILL, __NR_listen, {} },
	{ "symlink", ALL, KILL, __NR_symlinkat, {} },
	{ "link", ALL, KILL, __NR_linkat, {} },
	{ "chroot", ALL, KILL, __NR_chroot, {} },
	{ "a number that is no call", ALL, KILL, 100000, {} },
	{ "minus one", ALL, KILL, -1, {} },

	/* only the launcher starts programs and changes identity */
	{ "execve", L, ALLOW, __NR_execve, {} },
	{ "execve", ALL & ~L, KILL, __NR_execve, {} },
	{ "setresuid", L, ALLOW, __NR_setresuid, {} },
	{ "setresuid", ALL & ~L, KILL, __NR_setresuid, {} },
	{ "setgroups", ALL & ~L, KILL, __NR_setgroups, {} },
	{ "fork", L | B, ALLOW, __NR_clone, { CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD } },
	{ "fork", ALL & ~(L | B), KILL, __NR_clone, { CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD } },
	{ "a thread", ALL, KILL, __NR_clone, { CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD } },
	{ "fork into a user namespace", ALL, KILL, __NR_clone,
		{ CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD | CLONE_NEWUSER } },
	{ "kill", L | B, ALLOW, __NR_kill, { 1, SIGKILL } },
	{ "kill", ALL & ~(L | B), KILL, __NR_kill, { 1, SIGKILL } },

	/* memory: data only; a loader is born behind the launcher's filter and must map libc's code */
	{ "map data", ALL & ~O, ALLOW, __NR_mmap, { 0, 4096, PROT_READ | PROT_WRITE } },
	{ "map code", ALL & ~L, KILL, __NR_mmap, { 0, 4096, PROT_READ | PROT_EXEC } },
	{ "map code", L, ALLOW, __NR_mmap, { 0, 4096, PROT_READ | PROT_EXEC } },
	{ "map writable code", ALL, KILL, __NR_mmap, { 0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC } },
	{ "make data code", ALL, KILL, __NR_mprotect, { 0, 4096, PROT_READ | PROT_EXEC } },
	{ "make data writable code", ALL, KILL, __NR_mprotect, { 0, 4096, PROT_WRITE | PROT_EXEC } },
	{ "make data read-only", L, ALLOW, __NR_mprotect, { 0, 4096, PROT_READ } },
	{ "pkey_mprotect", ALL, KILL, __NR_pkey_mprotect, { 0, 4096, PROT_READ | PROT_EXEC } },

	/* bpf(2) by its command: who may do what */
	{ "MAP_CREATE", B | G, ALLOW, __NR_bpf, { BPF_MAP_CREATE } },
	{ "MAP_CREATE", F | W | O, KILL, __NR_bpf, { BPF_MAP_CREATE } },
	{ "PROG_LOAD", B | G, ALLOW, __NR_bpf, { BPF_PROG_LOAD } },
	{ "PROG_LOAD", F | W | O, KILL, __NR_bpf, { BPF_PROG_LOAD } },
	{ "BTF_LOAD", B | G, ALLOW, __NR_bpf, { BPF_BTF_LOAD } },
	{ "MAP_FREEZE", B | G, ALLOW, __NR_bpf, { BPF_MAP_FREEZE } },
	{ "MAP_UPDATE_ELEM", B | G, ALLOW, __NR_bpf, { BPF_MAP_UPDATE_ELEM } },
	{ "OBJ_GET_INFO_BY_FD", B | G | O, ALLOW, __NR_bpf, { BPF_OBJ_GET_INFO_BY_FD } },
	{ "LINK_UPDATE", B, ALLOW, __NR_bpf, { BPF_LINK_UPDATE } },
	{ "LINK_UPDATE", G | F | W | O, KILL, __NR_bpf, { BPF_LINK_UPDATE } },
	{ "LINK_DETACH", B, ALLOW, __NR_bpf, { BPF_LINK_DETACH } },
	{ "LINK_DETACH", G | F | W | O, KILL, __NR_bpf, { BPF_LINK_DETACH } },
	{ "PROG_QUERY", B | O, ALLOW, __NR_bpf, { BPF_PROG_QUERY } },
	{ "PROG_QUERY", G | F | W, KILL, __NR_bpf, { BPF_PROG_QUERY } },
	{ "PROG_ATTACH", ALL, KILL, __NR_bpf, { BPF_PROG_ATTACH } },
	{ "PROG_DETACH", ALL, KILL, __NR_bpf, { BPF_PROG_DETACH } },
	{ "MAP_LOOKUP_ELEM", ALL & ~B, KILL, __NR_bpf, { BPF_MAP_LOOKUP_ELEM } },
	{ "OBJ_PIN", B, ALLOW, __NR_bpf, { BPF_OBJ_PIN } },
	{ "OBJ_PIN", G | F | W | O, KILL, __NR_bpf, { BPF_OBJ_PIN } },
	{ "OBJ_GET", B | O, ALLOW, __NR_bpf, { BPF_OBJ_GET } },
	{ "OBJ_GET", G | F, KILL, __NR_bpf, { BPF_OBJ_GET } },
	{ "LINK_CREATE", B | O, ALLOW, __NR_bpf, { BPF_LINK_CREATE } },
	{ "LINK_CREATE", G | F | W, KILL, __NR_bpf, { BPF_LINK_CREATE } },
	{ "PROG_GET_FD_BY_ID", O, ALLOW, __NR_bpf, { BPF_PROG_GET_FD_BY_ID } },
	{ "PROG_GET_FD_BY_ID", B | G | F, KILL, __NR_bpf, { BPF_PROG_GET_FD_BY_ID } },
	{ "MAP_GET_FD_BY_ID", O, ALLOW, __NR_bpf, { BPF_MAP_GET_FD_BY_ID } },
	{ "PROG_GET_NEXT_ID", O, ALLOW, __NR_bpf, { BPF_PROG_GET_NEXT_ID } },
	{ "PROG_GET_NEXT_ID", B | G | F | W, KILL, __NR_bpf, { BPF_PROG_GET_NEXT_ID } },
	{ "MAP_GET_NEXT_ID", O, ALLOW, __NR_bpf, { BPF_MAP_GET_NEXT_ID } },
	{ "MAP_GET_NEXT_ID", B | G | F | W, KILL, __NR_bpf, { BPF_MAP_GET_NEXT_ID } },
	{ "LINK_GET_NEXT_ID", O, ALLOW, __NR_bpf, { BPF_LINK_GET_NEXT_ID } },
	{ "LINK_GET_NEXT_ID", B | G | F | W, KILL, __NR_bpf, { BPF_LINK_GET_NEXT_ID } },
	{ "LINK_GET_FD_BY_ID", O, ALLOW, __NR_bpf, { BPF_LINK_GET_FD_BY_ID } },
	{ "LINK_GET_FD_BY_ID", B | G | F | W, KILL, __NR_bpf, { BPF_LINK_GET_FD_BY_ID } },
	{ "BTF_GET_NEXT_ID", B | G | F | W | O, KILL, __NR_bpf, { BPF_BTF_GET_NEXT_ID } },
	{ "BTF_GET_FD_BY_ID", O, ALLOW, __NR_bpf, { BPF_BTF_GET_FD_BY_ID } },
	{ "BTF_GET_FD_BY_ID", B | G | F | W, KILL, __NR_bpf, { BPF_BTF_GET_FD_BY_ID } },
	{ "MAP_GET_NEXT_KEY", B, ALLOW, __NR_bpf, { BPF_MAP_GET_NEXT_KEY } },
	{ "MAP_GET_NEXT_KEY", G | F | W | O, KILL, __NR_bpf, { BPF_MAP_GET_NEXT_KEY } },
	{ "MAP_DELETE_ELEM", B, ALLOW, __NR_bpf, { BPF_MAP_DELETE_ELEM } },
	{ "MAP_DELETE_ELEM", G | F | W | O, KILL, __NR_bpf, { BPF_MAP_DELETE_ELEM } },
	{ "MAP_LOOKUP_AND_DELETE_ELEM", ALL, KILL, __NR_bpf, { BPF_MAP_LOOKUP_AND_DELETE_ELEM } },
	{ "ITER_CREATE", B, ALLOW, __NR_bpf, { BPF_ITER_CREATE } },
	{ "ITER_CREATE", G | F | W | O, KILL, __NR_bpf, { BPF_ITER_CREATE } },
	{ "read an iterator", F, ALLOW, __NR_read, {} },
	{ "PROG_ATTACH", B | G | F | W | O, KILL, __NR_bpf, { BPF_PROG_ATTACH } },
	{ "PROG_TEST_RUN", G | F | W | O, KILL, __NR_bpf, { BPF_PROG_TEST_RUN } },
	{ "RAW_TRACEPOINT_OPEN", B, ALLOW, __NR_bpf, { BPF_RAW_TRACEPOINT_OPEN } },
	{ "RAW_TRACEPOINT_OPEN", G | F | W | O, KILL, __NR_bpf, { BPF_RAW_TRACEPOINT_OPEN } },
	{ "MAP_DELETE_ELEM", G | F | W | O, KILL, __NR_bpf, { BPF_MAP_DELETE_ELEM } },
	{ "ENABLE_STATS", O, ALLOW, __NR_bpf, { BPF_ENABLE_STATS } },
	{ "ENABLE_STATS", B | G | F | W, KILL, __NR_bpf, { BPF_ENABLE_STATS } },
	{ "a command of the future", B | G | F | W | O, KILL, __NR_bpf, { 1000 } },
	/* the kernel reads an int: the upper half must change nothing */
	{ "PROG_LOAD + 1<<32", B | G, ALLOW, __NR_bpf, { UPPER | BPF_PROG_LOAD } },
	{ "PROG_LOAD + 1<<32", F | W | O, KILL, __NR_bpf, { UPPER | BPF_PROG_LOAD } },
	{ "OBJ_PIN + 1<<32", G | F | W | O, KILL, __NR_bpf, { UPPER | BPF_OBJ_PIN } },
	{ "PROG_GET_FD_BY_ID + 1<<32", B | G | F, KILL, __NR_bpf, { UPPER | BPF_PROG_GET_FD_BY_ID } },
	{ "PROG_ATTACH + 1<<63", B | G | F | W | O, KILL, __NR_bpf, { UINT64_C(1) << 63 | BPF_PROG_ATTACH } },
	/* libbpf's calls go to the gate: the loader makes none */
	{ "bpf", L | W, KILL, __NR_bpf, { BPF_PROG_LOAD } },
	{ "bpf + 1<<32", L | W, KILL, __NR_bpf, { UPPER | BPF_MAP_CREATE } },
	{ "bpf", I | T | V, KILL, __NR_bpf, { BPF_PROG_LOAD } },
	{ "prlimit64", W, FAIL(EPERM), __NR_prlimit64, {} },
	{ "ioctl", ALL, KILL, __NR_ioctl, {} },

	/* files */
	{ "read a file", L | B | W | O, ALLOW, __NR_openat, { (uint64_t)AT_FDCWD, 0, O_RDONLY | O_CLOEXEC } },
	{ "write a file", ALL, KILL, __NR_openat, { (uint64_t)AT_FDCWD, 0, O_WRONLY | O_CLOEXEC } },
	{ "make a new file", B | N, ALLOW, __NR_openat, { (uint64_t)AT_FDCWD, 0, NEW_FILE } },
	{ "make a new file", ALL & ~(B | N), KILL, __NR_openat, { (uint64_t)AT_FDCWD, 0, NEW_FILE } },
	{ "make or empty a file", ALL, KILL, __NR_openat, { (uint64_t)AT_FDCWD, 0, NEW_FILE & ~O_EXCL } },
	{ "empty a file", ALL, KILL, __NR_openat, { (uint64_t)AT_FDCWD, 0, NEW_FILE | O_TRUNC } },
	{ "write and read a file", ALL, KILL, __NR_openat, { (uint64_t)AT_FDCWD, 0, O_RDWR | O_CREAT } },
	{ "open", F | G, KILL, __NR_openat, { (uint64_t)AT_FDCWD, 0, O_RDONLY } },
	{ "openat2", ALL, KILL, __NR_openat2, {} },
	{ "unlink", B | N | O, ALLOW, __NR_unlinkat, {} },
	{ "unlink", G | F | W | V, KILL, __NR_unlinkat, {} },
	{ "mkdir", ALL & ~B, KILL, __NR_mkdir, {} },
	{ "chmod", ALL & ~B, KILL, __NR_chmod, {} },
	{ "sendfile", B, ALLOW, __NR_sendfile, {} },
	{ "sendfile", ALL & ~B, KILL, __NR_sendfile, {} },
	{ "rename", B | N, ALLOW, __NR_renameat, {} },
	{ "rename", ALL & ~(B | N), KILL, __NR_renameat, {} },
	{ "inotify_add_watch", B, ALLOW, __NR_inotify_add_watch, {} },
	{ "inotify_add_watch", ALL & ~B, KILL, __NR_inotify_add_watch, {} },
	{ "fsync", B | N, ALLOW, __NR_fsync, {} },
	{ "fsync", ALL & ~(B | N), KILL, __NR_fsync, {} },

	/* clients */
	{ "accept4", F, ALLOW, __NR_accept4, {} },
	{ "accept4", ALL & ~F, KILL, __NR_accept4, {} },
	{ "SO_PEERCRED", F, ALLOW, __NR_getsockopt, { 5, SOL_SOCKET, SO_PEERCRED } },
	{ "SO_TYPE", F, KILL, __NR_getsockopt, { 5, SOL_SOCKET, SO_TYPE } },
	{ "an option of another level", F, KILL, __NR_getsockopt, { 5, 6, SO_PEERCRED } },
	{ "setsockopt", ALL, KILL, __NR_setsockopt, {} },

	/* the broker waits for packets that are inside a dispatcher */
	{ "membarrier, global", B, ALLOW, __NR_membarrier, { MEMBARRIER_CMD_GLOBAL } },
	{ "membarrier, register", B, KILL, __NR_membarrier, { MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED } },
	{ "membarrier, global", ALL & ~B, KILL, __NR_membarrier, { MEMBARRIER_CMD_GLOBAL } },

	/* perf events: the opener opens, the broker attaches by link, */
	{ "perf_event_open", O, ALLOW, __NR_perf_event_open, {} },
	{ "perf_event_open", ALL & ~O, KILL, __NR_perf_event_open, {} },
	/* or, before there were such links, by setting the program on the event, and nothing else */
	{ "PERF_EVENT_IOC_SET_BPF", B, ALLOW, __NR_ioctl, { 5, PERF_EVENT_IOC_SET_BPF, 6 } },
	{ "PERF_EVENT_IOC_SET_BPF, a bit above", B, ALLOW, __NR_ioctl, { 5, UPPER | PERF_EVENT_IOC_SET_BPF, 6 } },
	{ "PERF_EVENT_IOC_SET_BPF", ALL & ~B, KILL, __NR_ioctl, { 5, PERF_EVENT_IOC_SET_BPF, 6 } },
	{ "PERF_EVENT_IOC_ENABLE", ALL, KILL, __NR_ioctl, { 5, PERF_EVENT_IOC_ENABLE, 0 } },
	{ "PERF_EVENT_IOC_SET_FILTER", ALL, KILL, __NR_ioctl, { 5, PERF_EVENT_IOC_SET_FILTER, 0 } },
	{ "PERF_EVENT_IOC_SET_OUTPUT", ALL, KILL, __NR_ioctl, { 5, PERF_EVENT_IOC_SET_OUTPUT, 6 } },
	{ "PERF_EVENT_IOC_QUERY_BPF", ALL, KILL, __NR_ioctl, { 5, PERF_EVENT_IOC_QUERY_BPF, 0 } },
	/* what kind of namespace a file is */
	{ "fstatfs", O, ALLOW, __NR_fstatfs, { 5, 0 } },
	{ "fstatfs", ALL & ~O, KILL, __NR_fstatfs, { 5, 0 } },
	{ "NS_GET_NSTYPE", O, ALLOW, __NR_ioctl, { 5, NS_GET_NSTYPE } },
	/* and a socket made inside of one */
	{ "setns", O, ALLOW, __NR_setns, { 5, CLONE_NEWNET } },
	{ "setns of mounts", O, KILL, __NR_setns, { 5, CLONE_NEWNS } },
	{ "setns of any kind", O, KILL, __NR_setns, { 5, 0 } },
	{ "setns", ALL & ~O, KILL, __NR_setns, { 5, CLONE_NEWNET } },
	{ "a routing socket", O, ALLOW, __NR_socket, { AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE } },
	{ "another netlink socket", O, KILL, __NR_socket, { AF_NETLINK, SOCK_RAW, NETLINK_AUDIT } },
	{ "a socket of the internet", O, KILL, __NR_socket, { AF_INET, SOCK_RAW, NETLINK_ROUTE } },
	{ "a routing socket", ALL & ~(O | S), KILL, __NR_socket, { AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE } },
	/* glibc's resolver asks for one, and for nscd's, and lives with a no */
	{ "a routing socket", S, FAIL(EAFNOSUPPORT), __NR_socket, { AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE } },
	{ "a local socket", S, FAIL(EAFNOSUPPORT), __NR_socket, { AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC } },
	{ "a local socket", ALL & ~S, KILL, __NR_socket, { AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC } },
	{ "SO_RCVTIMEO", O, ALLOW, __NR_setsockopt, { 5, SOL_SOCKET, SO_RCVTIMEO } },
	{ "NETLINK_EXT_ACK", O, ALLOW, __NR_setsockopt, { 5, SOL_NETLINK, NETLINK_EXT_ACK } },
	{ "NETLINK_LISTEN_ALL_NSID", O, KILL, __NR_setsockopt, { 5, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID } },
	{ "SO_NETNS_COOKIE", B, ALLOW, __NR_getsockopt, { 5, SOL_SOCKET, 71 } },
	{ "SO_NETNS_COOKIE", ALL & ~B, KILL, __NR_getsockopt, { 5, SOL_SOCKET, 71 } },
	{ "NS_GET_USERNS", O, KILL, __NR_ioctl, { 5, NS_GET_USERNS } },
	{ "NS_GET_NSTYPE", ALL & ~O, KILL, __NR_ioctl, { 5, NS_GET_NSTYPE } },
	/* names in a container are walked one by one */
	{ "readlinkat", C, ALLOW, __NR_readlinkat, {} },
	{ "readlinkat", ALL & ~C, KILL, __NR_readlinkat, {} },
	{ "find a file", O, ALLOW, __NR_openat, { 5, 0, O_PATH | O_NOFOLLOW | O_CLOEXEC } },
	{ "a file's kind", L | B | G | W | O, ALLOW, __NR_newfstatat, { 5, 0, 0, AT_EMPTY_PATH } },

	/* fetchers connect to registries; behind the launcher's filter, which therefore lets it through */
	{ "socket, IPv4", S, ALLOW, __NR_socket, { AF_INET, SOCK_STREAM } },
	{ "socket, IPv6", S, ALLOW, __NR_socket, { AF_INET6, SOCK_DGRAM } },
	{ "socket, IPv6 + 1<<32", S, ALLOW, __NR_socket, { UPPER | AF_INET6, SOCK_DGRAM } },
	{ "socket, IPv6", ALL & ~S, KILL, __NR_socket, { AF_INET6, SOCK_DGRAM } },
	{ "socket, vsock", ALL, KILL, __NR_socket, { AF_VSOCK, SOCK_STREAM } },
	{ "connect", S, ALLOW, __NR_connect, {} },
	{ "accept4", T | V | I, KILL, __NR_accept4, {} },
	{ "recvfrom", V, KILL, __NR_recvfrom, {} },
	{ "sendto", V, KILL, __NR_sendto, {} },
	{ "SO_ERROR", S, ALLOW, __NR_getsockopt, { 5, SOL_SOCKET, SO_ERROR } },
	{ "SO_ERROR", ALL & ~S, KILL, __NR_getsockopt, { 5, SOL_SOCKET, SO_ERROR } },
	{ "SO_PEERCRED", S, KILL, __NR_getsockopt, { 5, SOL_SOCKET, SO_PEERCRED } },
	{ "TCP_NODELAY", S, ALLOW, __NR_setsockopt, { 5, SOL_TCP, TCP_NODELAY } },
	{ "TCP_REPAIR", S, KILL, __NR_setsockopt, { 5, SOL_TCP, 19 } },
	{ "SO_BINDTODEVICE", S, KILL, __NR_setsockopt, { 5, SOL_SOCKET, 25 } },
	{ "FIONREAD", S, ALLOW, __NR_ioctl, { 5, FIONREAD } },
	{ "FIONREAD", ALL & ~S, KILL, __NR_ioctl, { 5, FIONREAD } },
	{ "TIOCSTI", ALL, KILL, __NR_ioctl, { 5, 0x5412 } },
	/* one thread for a name, no process */
	{ "a thread as libc makes it", S, ALLOW, __NR_clone, { THREAD } },
	{ "a thread as libc makes it", ALL & ~S, KILL, __NR_clone, { THREAD } },
	{ "a thread with namespaces of its own", ALL, KILL, __NR_clone, { THREAD | CLONE_NEWNET } },
	{ "fork", T | V | I, KILL, __NR_clone, { SIGCHLD } },
	{ "vfork", ALL, KILL, __NR_vfork, {} },
	{ "execve", T | V | I, KILL, __NR_execve, {} },
	/* the cache is written by name: a new file, flushed, renamed */
	{ "make a new file + 1<<32", N, ALLOW, __NR_openat, { (uint64_t)AT_FDCWD, 0, UPPER | NEW_FILE } },
	{ "append to a file", S, KILL, __NR_openat, { (uint64_t)AT_FDCWD, 0, O_WRONLY | O_APPEND } },
	{ "flock", N, ALLOW, __NR_flock, { 5, 2 } },
	{ "utimensat", N, ALLOW, __NR_utimensat, {} },
	{ "utimensat", ALL & ~N, KILL, __NR_utimensat, {} },
	/* the frontend makes a fetcher's channel, and looks at what comes through it; a file by name it does not even see */
	{ "a channel", F, ALLOW, __NR_socketpair, { AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC } },
	{ "a channel + 1<<32", F, ALLOW, __NR_socketpair, { UPPER | AF_UNIX, UPPER | SOCK_SEQPACKET | SOCK_CLOEXEC } },
	{ "a pair of streams", F, KILL, __NR_socketpair, { AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC } },
	{ "a pair that exec leaves open", F, KILL, __NR_socketpair, { AF_UNIX, SOCK_SEQPACKET } },
	{ "a pair of another family", F, KILL, __NR_socketpair, { AF_INET, SOCK_SEQPACKET | SOCK_CLOEXEC } },
	{ "room in a memfd", F, ALLOW, __NR_fallocate, { 5, FALLOC_FL_KEEP_SIZE } },
	{ "a hole in it", F, KILL, __NR_fallocate, { 5, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE } },
	{ "a memfd's size", F, ALLOW, __NR_newfstatat, { 5, 0, 0, AT_EMPTY_PATH } },
	{ "a file's kind by its name", F, KILL, __NR_newfstatat, { (uint64_t)AT_FDCWD, 0, 0, 0 } },
	{ "a link's kind by its name", F, KILL, __NR_newfstatat, { (uint64_t)AT_FDCWD, 0, 0, AT_SYMLINK_NOFOLLOW } },
	{ "seals", F, ALLOW, __NR_fcntl, { 5, F_GET_SEALS } },
	/* a verifier has its memfds and its channel */
	{ "pread", V, ALLOW, __NR_pread64, {} },
	{ "seals", V | T, ALLOW, __NR_fcntl, { 5, F_GET_SEALS } },
	{ "memfd_create", V, KILL, __NR_memfd_create, {} },
	{ "more seals", V, KILL, __NR_fcntl, { 5, F_ADD_SEALS } },
	{ "open", V, KILL, __NR_openat, { (uint64_t)AT_FDCWD, 0, O_RDONLY } },
	{ "openat2", V, KILL, __NR_openat2, {} },
	{ "socketpair", V, KILL, __NR_socketpair, { AF_UNIX, SOCK_STREAM } },
	{ "rename", V, KILL, __NR_rename, {} },
	/* bpfd-image reads the resolver's files, and leaves what it made in a file in memory */
	{ "read a file", I, ALLOW, __NR_openat, { (uint64_t)AT_FDCWD, 0, O_RDONLY | O_CLOEXEC } },
	{ "pwrite", I, ALLOW, __NR_pwrite64, {} },
	{ "memfd_create", I, KILL, __NR_memfd_create, {} },
	{ "unlink", I, KILL, __NR_unlinkat, {} },

	/* what a filter can still load is less: only a loader's birth and a gate's need it */
	{ "seccomp", L | B, ALLOW, __NR_seccomp, { SECCOMP_SET_MODE_FILTER } },
	{ "seccomp", ALL & ~(L | B), KILL, __NR_seccomp, { SECCOMP_SET_MODE_FILTER } },
	{ "capset", ALL & ~(L | B), KILL, __NR_capset, {} },
	{ "prctl, dumpable", G | F | W | O | I, KILL, __NR_prctl, { PR_SET_DUMPABLE, 1 } },
	{ "prctl, capability bounding set", ALL, KILL, __NR_prctl, { PR_CAPBSET_DROP, 0 } },
	{ "prctl, seccomp", ALL, KILL, __NR_prctl, { PR_SET_SECCOMP, 0 } },
};
/* clang-format on */

static unsigned int verdict_of(const struct sandbox_policy *policy, uint32_t arch, int number,
                               const uint64_t arguments[6])
{
	struct seccomp_data data = { .nr = number, .arch = arch };

	for (size_t i = 0; i < 6; i++)
		data.args[i] = arguments[i];
	return simulator_run(policy->filter, policy->filter_length, &data);
}

static void rows_have_their_verdicts(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t p = 0; p < POLICY_COUNT; p++) {
			if (!(rows[i].policies & (1u << p)))
				continue;
			unsigned int verdict = verdict_of(policy_table[p], NATIVE, rows[i].number,
			                                  rows[i].arguments);

			if (verdict == rows[i].verdict)
				continue;
			print_error("%s: %s: 0x%x instead of 0x%x\n", policy_table[p]->role,
			            rows[i].what, verdict, rows[i].verdict);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* On x86-64 the same kernel also takes 32-bit calls and x32's, whose numbers mean other things. */
static void other_architectures_are_killed(void **state)
{
	const uint64_t none[6] = {};

	(void)state;
	for (size_t p = 0; p < POLICY_COUNT; p++) {
		for (int number = 0; number < 500; number++)
			assert_int_equal(verdict_of(policy_table[p], FOREIGN, number, none), KILL);
#if defined(__x86_64__)
		for (int number = 0; number < 600; number++)
			assert_int_equal(verdict_of(policy_table[p], NATIVE,
			                            number | __X32_SYSCALL_BIT, none),
			                 KILL);
#endif
	}
}

/* Whatever number comes, the answer is one that a policy can give. */
static void every_number_has_an_answer(void **state)
{
	const uint64_t ones[6] = { UINT64_MAX, UINT64_MAX, UINT64_MAX,
		                   UINT64_MAX, UINT64_MAX, UINT64_MAX };

	(void)state;
	for (size_t p = 0; p < POLICY_COUNT; p++) {
		for (int number = -1; number < 1000; number++) {
			unsigned int verdict = verdict_of(policy_table[p], NATIVE, number, ones);

			assert_true(verdict == ALLOW || verdict == KILL ||
			            (verdict & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO);
		}
	}
}

struct nested {
	const struct sandbox_policy *outer;
	const struct sandbox_policy *inner;
};

/* A call that the outer filter kills is of no use in the inner one's policy. */
static void nested_check(const struct nested *nested, const char *what, int number,
                         const uint64_t arguments[6])
{
	unsigned int inner = verdict_of(nested->inner, NATIVE, number, arguments);
	unsigned int outer = verdict_of(nested->outer, NATIVE, number, arguments);

	if (inner != KILL && outer == KILL)
		fail_msg("%s (%d) of the %s is killed by the %s's filter", what, number,
		         nested->inner->role, nested->outer->role);
}

/* The gate is a fork of the broker, workers are the launcher's. All calls without arguments, and
 * those of the rows with theirs. */
static void layers_nest(void **state)
{
	const struct nested layers[] = {
		{ &sandbox_policy_broker, &sandbox_policy_gate },
		{ &sandbox_policy_launcher, &sandbox_policy_loader },
		{ &sandbox_policy_launcher, &sandbox_policy_fetcher },
		{ &sandbox_policy_launcher, &sandbox_policy_verifier },
	};
	const uint64_t none[6] = {};

	(void)state;
	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
		for (int number = 0; number < 500; number++)
			nested_check(&layers[i], "a call", number, none);
		for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++)
			nested_check(&layers[i], rows[row].what, rows[row].number,
			             rows[row].arguments);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_have_their_verdicts),
		cmocka_unit_test(other_architectures_are_killed),
		cmocka_unit_test(every_number_has_an_answer),
		cmocka_unit_test(layers_nest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
