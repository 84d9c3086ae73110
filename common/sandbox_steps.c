/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/sandbox_steps.h"
#include "common/capability.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

int sandbox_capabilities_present(const struct sandbox_policy *policy, struct error *error)
{
	struct capability_sets sets;
	char names[256];
	int result = capability_sets_read(&sets);

	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "the %s cannot read its capabilities: %s", policy->role,
		                 strerror(-result));
	uint64_t missing = policy->capabilities & ~sets.permitted;

	if (missing)
		return error_set(error, -EPERM, ERROR_PERMISSION_DENIED,
		                 "the %s needs %s, which this process does not hold: start bpfd as "
		                 "root with it (in a container, add the capability)",
		                 policy->role, capability_names(missing, names, sizeof(names)));
	return 0;
}

int sandbox_gain_close(const struct sandbox_policy *policy, struct error *error)
{
	const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED;
	struct capability_sets sets;
	int result = capability_sets_read(&sets);

	if (result == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		result = -errno;
	if (result == 0 && (sets.effective & (UINT64_C(1) << CAP_SETPCAP))) {
		result = capability_bounding_limit(policy->capabilities);
		if (result == 0 && prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0)
			result = -errno;
	}
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "the %s cannot give up gaining privileges by exec: %s",
		                 policy->role, strerror(-result));
	return 0;
}

int sandbox_rlimits_apply(const struct sandbox_policy *policy, struct error *error)
{
	for (size_t i = 0; i < policy->rlimit_count; i++) {
		__rlimit_resource_t resource = (__rlimit_resource_t)policy->rlimits[i].resource;
		rlim_t most = policy->rlimits[i].value;
		struct rlimit limit;

		if (getrlimit(resource, &limit) < 0)
			return error_set(error, -errno, ERROR_KERNEL,
			                 "the %s cannot read its resource limit %d: %s",
			                 policy->role, (int)resource, strerror(errno));
		if (limit.rlim_max > most)
			limit.rlim_max = most;
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(resource, &limit) < 0)
			return error_set(error, -errno, ERROR_KERNEL,
			                 "the %s cannot lower its resource limit %d: %s",
			                 policy->role, (int)resource, strerror(errno));
	}
	return 0;
}

int sandbox_parent_bind(const struct sandbox_policy *policy, struct error *error)
{
	pid_t parent = getppid();

	if (policy->survives_parent)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_set(error, -errno, ERROR_KERNEL,
		                 "the %s cannot bind its life to its parent's: %s", policy->role,
		                 strerror(errno));
	if (getppid() != parent)
		return error_set(error, -ESRCH, ERROR_UNAVAILABLE,
		                 "the %s's parent process has ended", policy->role);
	return 0;
}
