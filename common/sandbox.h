/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a role may do, as data made at build time from seccomp/<role>.policy, and the two steps that
 * enforce it: the launcher's forked child takes the role's identity before exec, the role confines
 * itself before it reads anything that is not root's. A step that fails ends the process: nobody
 * continues unconfined.
 */
#ifndef BPFD_COMMON_SANDBOX_H
#define BPFD_COMMON_SANDBOX_H

#include "common/error.h"
#include "proto/channel_launcher.h"

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sandbox_rlimit {
	int resource;   /* RLIMIT_* */
	uint64_t value; /* soft and hard; a lower hard limit stays */
};

/*
 * A path that Landlock leaves open. One that starts with '@' names a directory of the settings:
 * "@state",
 * "@runtime", "@bpffs", "@xdp", "@tracefs", "@helpers", "@ca", with anything that follows appended.
 */
struct sandbox_path {
	const char *path;
	uint64_t access; /* LANDLOCK_ACCESS_FS_*, cut to what the kernel knows and to what fits a
	                    file */
	_Bool optional;  /* a path that is not there is skipped; otherwise it is an error */
};

struct sandbox_policy {
	const char *role;
	_Bool root; /* the role runs as uid 0 (with the capabilities below and no other) */
	/* whoever runs it, root or not: bpfd-image. Then `root` counts for nothing. */
	_Bool any_user;
	/* starts with more than this policy leaves it and gives up the rest in sandbox_enter(): the
	 * launcher, the gate, bpfd-image */
	_Bool narrows;
	_Bool survives_parent;    /* not killed when its parent ends: the launcher */
	_Bool landlock_inherited; /* no Landlock layer of its own: the gate has the broker's */
	uint64_t landlock_scope;  /* LANDLOCK_SCOPE_* that stay inside (ABI 6) */
	uint64_t landlock_tcp; /* LANDLOCK_ACCESS_NET_* that stay open (ABI 4): none, as a rule */
	uint64_t capabilities; /* mask of 1 << CAP_*: permitted and effective, exactly */
	const struct sandbox_rlimit *rlimits;
	size_t rlimit_count;
	const struct sandbox_path *paths;
	size_t path_count;
	const struct sock_filter *filter;
	size_t filter_length;
	const char *const *needed; /* shared libraries that its binary may need */
	size_t needed_count;
};

extern const struct sandbox_policy sandbox_policy_launcher, sandbox_policy_broker,
	sandbox_policy_gate, sandbox_policy_frontend, sandbox_policy_loader, sandbox_policy_fetcher,
	sandbox_policy_verifier, sandbox_policy_opener, sandbox_policy_opener_containers,
	sandbox_policy_image;

/*
 * In the launcher's forked child, before exec: takes uid and gid (no supplementary groups but
 * `groups`), keeps exactly the policy's capabilities (in the ambient set too, so that they outlive
 * exec), drops the bounding set and locks the securebits as far as the caller's capabilities allow,
 * sets no-new-privileges, rlimits, and the parent-death signal. A parent that ended before the call
 * is noticed by the end of the role's channel, not here. 0 or -errno with `error`: -EINVAL for an
 * identity that is not the policy's (root for a role that is none, or the other way round), -EPERM
 * when a capability of the policy is not there to keep.
 */
int sandbox_identity(const struct sandbox_policy *policy, uid_t uid, gid_t gid, const gid_t *groups,
                     size_t group_count, struct error *error);

/*
 * In the role, once what it needs beforehand is open: checks that uid, capability sets and
 * no-new-privileges are exactly as the policy says (a policy that `narrows` gives up what is too
 * much first), clears the inheritable and ambient sets, sets the parent-death signal, rlimits,
 * Landlock (where the kernel has it; its version goes to `landlock_abi`, which may be NULL), makes
 * the process invisible to ptrace, and loads the seccomp filter. Call it before any thread is
 * started. `settings` may be NULL for a policy without '@' paths. 0 or -errno with `error`; the
 * caller must exit on failure.
 */
int sandbox_enter(const struct sandbox_policy *policy, const struct launcher_settings *settings,
                  uint32_t *landlock_abi, struct error *error);

#endif
