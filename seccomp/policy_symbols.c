/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Names that policies may use: one is added with the policy that needs it. */
#include "seccomp/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/landlock.h>
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
#include <sys/resource.h>
#include <sys/socket.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* from Linux 5.14 */
#endif

struct symbol {
	const char *name;
	uint64_t value;
};

#define SYMBOL(name)                    \
	{                               \
#name, (uint64_t)(name) \
	}

static const struct symbol constants[] = {
	/* the lower half of an argument: all the kernel looks at where it takes an int */
	{ "INT", UINT32_MAX },
	SYMBOL(BPF_MAP_CREATE),
	SYMBOL(BPF_MAP_LOOKUP_ELEM),
	SYMBOL(BPF_MAP_UPDATE_ELEM),
	SYMBOL(BPF_MAP_FREEZE),
	SYMBOL(BPF_PROG_LOAD),
	SYMBOL(BPF_PROG_BIND_MAP),
	SYMBOL(BPF_PROG_GET_FD_BY_ID),
	SYMBOL(BPF_MAP_GET_FD_BY_ID),
	SYMBOL(BPF_BTF_GET_FD_BY_ID),
	SYMBOL(BPF_MAP_DELETE_ELEM),
	SYMBOL(BPF_MAP_GET_NEXT_KEY),
	SYMBOL(BPF_PROG_GET_NEXT_ID),
	SYMBOL(BPF_MAP_GET_NEXT_ID),
	SYMBOL(BPF_LINK_GET_NEXT_ID),
	SYMBOL(BPF_LINK_GET_FD_BY_ID),
	SYMBOL(BPF_ENABLE_STATS),
	SYMBOL(BPF_ITER_CREATE),
	SYMBOL(BPF_OBJ_PIN),
	SYMBOL(BPF_OBJ_GET),
	SYMBOL(BPF_OBJ_GET_INFO_BY_FD),
	SYMBOL(BPF_BTF_LOAD),
	SYMBOL(BPF_LINK_CREATE),
	SYMBOL(BPF_LINK_UPDATE),
	SYMBOL(BPF_LINK_DETACH),
	SYMBOL(BPF_PROG_QUERY),
	SYMBOL(BPF_RAW_TRACEPOINT_OPEN),
	SYMBOL(AF_INET),
	SYMBOL(AF_INET6),
	SYMBOL(AF_NETLINK),
	SYMBOL(AF_UNIX),
	SYMBOL(AT_EMPTY_PATH),
	SYMBOL(CLONE_NEWNET),
	SYMBOL(FALLOC_FL_KEEP_SIZE),
	SYMBOL(MEMBARRIER_CMD_GLOBAL),
	SYMBOL(NETLINK_CAP_ACK),
	SYMBOL(NETLINK_EXT_ACK),
	SYMBOL(NETLINK_ROUTE),
	SYMBOL(NS_GET_NSTYPE),
	SYMBOL(PERF_EVENT_IOC_SET_BPF),
	SYMBOL(CLONE_CHILD_CLEARTID),
	SYMBOL(CLONE_CHILD_SETTID),
	SYMBOL(CLONE_FILES),
	SYMBOL(CLONE_FS),
	SYMBOL(CLONE_PARENT_SETTID),
	SYMBOL(CLONE_SETTLS),
	SYMBOL(CLONE_SIGHAND),
	SYMBOL(CLONE_SYSVSEM),
	SYMBOL(CLONE_THREAD),
	SYMBOL(CLONE_VM),
	SYMBOL(SIGCHLD),
	SYMBOL(F_GETFL),
	SYMBOL(F_SETFL),
	SYMBOL(F_SETFD),
	SYMBOL(F_DUPFD_CLOEXEC),
	SYMBOL(F_ADD_SEALS),
	SYMBOL(F_GET_SEALS),
	SYMBOL(PROT_EXEC),
	SYMBOL(PROT_WRITE),
	SYMBOL(O_ACCMODE),
	SYMBOL(O_RDONLY),
	SYMBOL(O_WRONLY),
	SYMBOL(O_CREAT),
	SYMBOL(O_EXCL),
	SYMBOL(O_NOFOLLOW),
	SYMBOL(O_CLOEXEC),
	SYMBOL(PR_CAP_AMBIENT),
	SYMBOL(PR_GET_NO_NEW_PRIVS),
	SYMBOL(PR_SET_DUMPABLE),
	SYMBOL(PR_SET_NO_NEW_PRIVS),
	SYMBOL(PR_SET_PDEATHSIG),
	SYMBOL(SIGKILL),
	SYMBOL(FIONREAD),
	SYMBOL(IPV6_RECVERR),
	SYMBOL(IP_RECVERR),
	SYMBOL(SOL_IP),
	SYMBOL(SOL_IPV6),
	SYMBOL(SOL_NETLINK),
	SYMBOL(SOL_SOCKET),
	SYMBOL(SOCK_CLOEXEC),
	SYMBOL(SOCK_SEQPACKET),
	SYMBOL(SOL_TCP),
	SYMBOL(SO_ERROR),
	SYMBOL(SO_NETNS_COOKIE),
	SYMBOL(SO_PEERCRED),
	SYMBOL(SO_PEERGROUPS),
	SYMBOL(SO_RCVTIMEO),
	SYMBOL(TCP_NODELAY),
};

static const struct symbol errnos[] = {
	SYMBOL(EAFNOSUPPORT),
	SYMBOL(EPERM),
	SYMBOL(ENOSYS),
};

static const struct symbol rlimits[] = {
	{ "AS", RLIMIT_AS },       { "CORE", RLIMIT_CORE },   { "CPU", RLIMIT_CPU },
	{ "DATA", RLIMIT_DATA },   { "FSIZE", RLIMIT_FSIZE }, { "NOFILE", RLIMIT_NOFILE },
	{ "NPROC", RLIMIT_NPROC }, { "STACK", RLIMIT_STACK },
};

/* common/landlock.c cuts these to what the kernel knows and, for files, to what fits one. */
static const struct symbol accesses[] = {
	{ "read", LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR },
	{ "write", LANDLOCK_ACCESS_FS_WRITE_FILE | UINT64_C(1) << 14 /* TRUNCATE, ABI 3 */ },
	{ "execute", LANDLOCK_ACCESS_FS_EXECUTE },
	{ "make-file", LANDLOCK_ACCESS_FS_MAKE_REG },
	{ "make-directory", LANDLOCK_ACCESS_FS_MAKE_DIR },
	{ "remove-file", LANDLOCK_ACCESS_FS_REMOVE_FILE },
	{ "remove-directory", LANDLOCK_ACCESS_FS_REMOVE_DIR },
};

static const struct symbol scopes[] = {
	{ "abstract-socket", UINT64_C(1) << 0 },
	{ "signal", UINT64_C(1) << 1 },
};

static const struct symbol tcp_accesses[] = {
	{ "bind", UINT64_C(1) << 0 },
	{ "connect", UINT64_C(1) << 1 },
};

static bool symbol_find(const struct symbol *table, size_t count, const char *name, size_t length,
                        uint64_t *value)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(table[i].name) == length && memcmp(table[i].name, name, length) == 0) {
			*value = table[i].value;
			return true;
		}
	}
	return false;
}

#define FIND(table, name, length, value) \
	symbol_find(table, sizeof(table) / sizeof((table)[0]), name, length, value)

bool symbol_constant(const char *name, size_t length, uint64_t *value)
{
	return FIND(constants, name, length, value);
}

bool symbol_errno(const char *name, uint16_t *value)
{
	uint64_t found;

	if (!FIND(errnos, name, strlen(name), &found))
		return false;
	*value = (uint16_t)found;
	return true;
}

bool symbol_rlimit(const char *name, int *resource)
{
	uint64_t found;

	if (!FIND(rlimits, name, strlen(name), &found))
		return false;
	*resource = (int)found;
	return true;
}

bool symbol_access(const char *name, size_t length, uint64_t *access)
{
	return FIND(accesses, name, length, access);
}

bool symbol_scope(const char *name, size_t length, uint64_t *scope)
{
	return FIND(scopes, name, length, scope);
}

bool symbol_tcp(const char *name, size_t length, uint64_t *access)
{
	return FIND(tcp_accesses, name, length, access);
}
