/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Apart from sandbox.c, so that only the launcher links libcap-ng. */
#include "common/capability.h"
#include "common/sandbox.h"
#include "common/sandbox_steps.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static int identity_check(const struct sandbox_policy *policy, uid_t uid, gid_t gid,
                          const gid_t *groups, size_t group_count, struct error *error)
{
	if ((uid == 0) != policy->root)
		return error_set(
			error, -EINVAL, ERROR_INVALID_ARGUMENT,
			policy->root
				? "the %s must run as root, not as uid %u"
				: "the %s must not run as root: give it a user of its own (uid %u)",
			policy->role, uid);
	if (policy->root)
		return 0;
	if (gid == 0)
		return error_set(
			error, -EINVAL, ERROR_INVALID_ARGUMENT,
			"the %s must not run in root's group: give its user a group of its own",
			policy->role);
	for (size_t i = 0; i < group_count; i++) {
		if (groups[i] == 0)
			return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
			                 "the %s must not be in root's group", policy->role);
	}
	return 0;
}

static int ids_take(const struct sandbox_policy *policy, uid_t uid, gid_t gid, const gid_t *groups,
                    size_t group_count, struct error *error)
{
	if (setgroups(group_count, groups) < 0 || setresgid(gid, gid, gid) < 0)
		return error_set(error, -errno, ERROR_KERNEL,
		                 "the %s cannot take gid %u: %s (is CAP_SETGID there?)",
		                 policy->role, gid, strerror(errno));
	/* Otherwise the kernel clears the permitted set as root becomes somebody else. */
	if (policy->capabilities && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return error_set(error, -errno, ERROR_KERNEL,
		                 "the %s cannot keep its capabilities over the change of user: %s",
		                 policy->role, strerror(errno));
	if (setresuid(uid, uid, uid) < 0)
		return error_set(error, -errno, ERROR_KERNEL,
		                 "the %s cannot take uid %u: %s (is CAP_SETUID there?)",
		                 policy->role, uid, strerror(errno));
	return 0;
}

/*
 * Of libcap-ng only what needs no file: the confined launcher runs this too, for loaders, and the
 * library's own handling of the bounding set reads /proc and writes to the system log.
 */
static int capabilities_take(const struct sandbox_policy *policy, struct error *error)
{
	const capng_type_t sets =
		CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE | CAPNG_AMBIENT;

	capng_clear(CAPNG_SELECT_ALL);
	for (unsigned int number = 0; number < 64; number++) {
		if (!(policy->capabilities & (UINT64_C(1) << number)))
			continue;
		if (capng_update(CAPNG_ADD, sets, number) < 0)
			return error_set(error, -EINVAL, ERROR_INTERNAL,
			                 "the %s's policy names capability %u, which is none",
			                 policy->role, number);
	}
	if (capng_apply(CAPNG_SELECT_CAPS) < 0 ||
	    (policy->capabilities && capng_apply(CAPNG_SELECT_AMBIENT) < 0))
		return error_set(error, -EPERM, ERROR_KERNEL,
		                 "the %s's capability sets were refused by the kernel: %s",
		                 policy->role, strerror(errno));
	return 0;
}

int sandbox_identity(const struct sandbox_policy *policy, uid_t uid, gid_t gid, const gid_t *groups,
                     size_t group_count, struct error *error)
{
	int result = identity_check(policy, uid, gid, groups, group_count, error);

	if (result < 0)
		return result;
	result = sandbox_capabilities_present(policy, error);
	if (result < 0)
		return result;
	result = sandbox_gain_close(policy, error);
	if (result < 0)
		return result;
	result = ids_take(policy, uid, gid, groups, group_count, error);
	if (result < 0)
		return result;
	result = capabilities_take(policy, error);
	if (result < 0)
		return result;
	result = sandbox_rlimits_apply(policy, error);
	if (result < 0)
		return result;
	/* Last: the kernel forgets this signal whenever credentials change. */
	return sandbox_parent_bind(policy, error);
}
