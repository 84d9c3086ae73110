/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/sandbox.h"
#include "common/capability.h"
#include "common/landlock.h"
#include "common/sandbox_steps.h"

#include <errno.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int ids_check(const struct sandbox_policy *policy, struct error *error)
{
	uid_t real, effective, saved;
	gid_t real_gid, effective_gid, saved_gid;

	if (getresuid(&real, &effective, &saved) < 0 ||
	    getresgid(&real_gid, &effective_gid, &saved_gid) < 0)
		return error_set(error, -errno, ERROR_KERNEL,
		                 "the %s cannot read its user and group: %s", policy->role,
		                 strerror(errno));
	if (real != effective || real != saved || real_gid != effective_gid ||
	    real_gid != saved_gid)
		return error_set(
			error, -EPERM, ERROR_PERMISSION_DENIED,
			"the %s can still change its user or group: uids %u %u %u, gids %u %u %u",
			policy->role, real, effective, saved, real_gid, effective_gid, saved_gid);
	if (policy->any_user)
		return 0;
	if ((real == 0) != policy->root)
		return error_set(error, -EPERM, ERROR_PERMISSION_DENIED,
		                 policy->root ? "the %s must run as root, but runs as uid %u"
		                              : "the %s must not run as root (uid %u): it is "
		                                "started by the launcher, not by hand",
		                 policy->role, real);
	if (!policy->root && real_gid == 0)
		return error_set(error, -EPERM, ERROR_PERMISSION_DENIED,
		                 "the %s must not run in root's group", policy->role);
	return 0;
}

/* A policy that narrows: the rest of what the process came with goes here. */
static int capabilities_narrow(const struct sandbox_policy *policy, struct error *error)
{
	int result = sandbox_capabilities_present(policy, error);

	if (result < 0)
		return result;
	return sandbox_gain_close(policy, error);
}

/* Nothing is inherited over exec any more; no-op sets are written too, for one path instead of two.
 */
static int capabilities_settle(const struct sandbox_policy *policy, struct error *error)
{
	struct capability_sets sets = { .permitted = policy->capabilities,
		                        .effective = policy->capabilities };
	struct capability_sets before;
	int result = capability_sets_read(&before);
	char names[256];

	if (result == 0 && !policy->narrows &&
	    (before.permitted != sets.permitted || before.effective != sets.effective))
		return error_set(
			error, -EPERM, ERROR_PERMISSION_DENIED,
			"the %s was not started with exactly its capabilities: it holds %s",
			policy->role, capability_names(before.permitted, names, sizeof(names)));
	if (result == 0)
		result = capability_sets_write(&sets);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "the %s cannot settle its capability sets: %s", policy->role,
		                 strerror(-result));
	return 0;
}

/* What the kernel says now, not what was asked for. */
static int capabilities_verify(const struct sandbox_policy *policy, struct error *error)
{
	struct capability_sets sets;
	uint64_t ambient = capability_ambient_read();
	int result = capability_sets_read(&sets);
	char names[256];

	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "the %s cannot read its capabilities: %s", policy->role,
		                 strerror(-result));
	if (sets.permitted != policy->capabilities || sets.effective != policy->capabilities ||
	    sets.inheritable || ambient)
		return error_set(
			error, -EPERM, ERROR_PERMISSION_DENIED,
			"the %s's capability sets are not as its policy says: permitted %s",
			policy->role, capability_names(sets.permitted, names, sizeof(names)));
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return error_set(error, -EPERM, ERROR_PERMISSION_DENIED,
		                 "the %s was started without no-new-privileges", policy->role);
	return 0;
}

static int filter_load(const struct sandbox_policy *policy, struct error *error)
{
	struct sock_fprog program = {
		.len = (unsigned short)policy->filter_length,
		.filter = (struct sock_filter *)(uintptr_t)policy->filter,
	};

	if (policy->filter_length == 0 || policy->filter_length > BPF_MAXINSNS)
		return error_set(error, -EINVAL, ERROR_INTERNAL,
		                 "the %s's seccomp filter has %zu instructions", policy->role,
		                 policy->filter_length);
	long result =
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);

	if (result > 0)
		return error_set(error, -EBUSY, ERROR_INTERNAL,
		                 "the %s's thread %ld did not take the seccomp filter",
		                 policy->role, result);
	if (result < 0)
		return error_set(error, -errno, ERROR_KERNEL,
		                 "the %s cannot load its seccomp filter: %s (the kernel needs "
		                 "CONFIG_SECCOMP_FILTER)",
		                 policy->role, strerror(errno));
	return 0;
}

/* Identity and capabilities: what the process is. */
static int privileges_settle(const struct sandbox_policy *policy, struct error *error)
{
	int result = ids_check(policy, error);

	if (result == 0 && policy->narrows)
		result = capabilities_narrow(policy, error);
	if (result == 0)
		result = capabilities_settle(policy, error);
	if (result == 0)
		result = capabilities_verify(policy, error);
	return result;
}

int sandbox_enter(const struct sandbox_policy *policy, const struct launcher_settings *settings,
                  uint32_t *landlock_abi, struct error *error)
{
	uint32_t abi = policy->landlock_inherited ? 0 : landlock_version();
	int result = privileges_settle(policy, error);

	if (result == 0)
		result = sandbox_parent_bind(policy, error);
	if (result == 0)
		result = sandbox_rlimits_apply(policy, error);
	if (result == 0 && abi)
		result = landlock_confine(policy, settings, abi, error);
	if (result < 0)
		return result;
	/* Roles of one user must not read or trace each other; /proc/self belongs to root from here
	 * on. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_set(error, -errno, ERROR_KERNEL,
		                 "the %s cannot hide itself from ptrace: %s", policy->role,
		                 strerror(errno));
	result = filter_load(policy, error);
	if (result == 0 && landlock_abi)
		*landlock_abi = abi;
	return result;
}
