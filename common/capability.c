/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/capability.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Those that some policy of bpfd's names; others are only counted. */
static const struct {
	unsigned int number;
	const char *name;
} capability_table[] = {
	{ CAP_KILL, "CAP_KILL" },           { CAP_SETGID, "CAP_SETGID" },
	{ CAP_SETUID, "CAP_SETUID" },       { CAP_NET_ADMIN, "CAP_NET_ADMIN" },
	{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN" }, { CAP_SYS_PTRACE, "CAP_SYS_PTRACE" },
	{ CAP_PERFMON, "CAP_PERFMON" },     { CAP_BPF, "CAP_BPF" },
};

int capability_sets_read(struct capability_sets *sets)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	sets->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	sets->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	sets->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	return 0;
}

int capability_sets_write(const struct capability_sets *sets)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = (uint32_t)sets->effective,
		  .permitted = (uint32_t)sets->permitted,
		  .inheritable = (uint32_t)sets->inheritable },
		{ .effective = (uint32_t)(sets->effective >> 32),
		  .permitted = (uint32_t)(sets->permitted >> 32),
		  .inheritable = (uint32_t)(sets->inheritable >> 32) },
	};

	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

uint64_t capability_ambient_read(void)
{
	uint64_t set = 0;

	/* EINVAL marks the end of the capabilities that this kernel knows. */
	for (unsigned int number = 0; number < 64; number++) {
		int state = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, number, 0, 0);

		if (state < 0)
			break;
		set |= (uint64_t)state << number;
	}
	return set;
}

int capability_bounding_limit(uint64_t keep)
{
	for (unsigned int number = 0; number < 64; number++) {
		int state = prctl(PR_CAPBSET_READ, number, 0, 0, 0);

		if (state < 0)
			break;
		if (state == 0 || (keep & (UINT64_C(1) << number)))
			continue;
		if (prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0)
			return -errno;
	}
	return 0;
}

const char *capability_name(unsigned int number)
{
	for (size_t i = 0; i < sizeof(capability_table) / sizeof(capability_table[0]); i++) {
		if (capability_table[i].number == number)
			return capability_table[i].name;
	}
	return NULL;
}

const char *capability_names(uint64_t mask, char *out, size_t size)
{
	size_t used = 0;

	(void)snprintf(out, size, "none");
	for (size_t i = 0; i < sizeof(capability_table) / sizeof(capability_table[0]); i++) {
		uint64_t bit = UINT64_C(1) << capability_table[i].number;

		if (!(mask & bit) || used >= size)
			continue;
		mask &= ~bit;
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "",
		                         capability_table[i].name);
	}
	if (mask && used < size)
		(void)snprintf(out + used, size - used, "%s%d more", used ? " and " : "",
		               __builtin_popcountll(mask));
	return out;
}
