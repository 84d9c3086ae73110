/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Control groups (version 2) as places to attach to. A client names one by its path; the broker
 * finds it below the mount that it saw at its start, one name at a time, and takes its place alone
 * (O_PATH): nothing is read, nothing outside of that file system is reached.
 */
#ifndef BPFD_BROKER_CGROUP_H
#define BPFD_BROKER_CGROUP_H

#include "common/error.h"
#include "proto/records.h"

#include <stdbool.h>
#include <stdint.h>

struct cgroup_tree {
	int root_fd;      /* O_PATH; -1: this host has no such file system where it belongs */
	uint64_t device;  /* of every directory in it */
	const char *path; /* where it is mounted */
};

/* Finds the mount where systemd puts it: /sys/fs/cgroup, or /sys/fs/cgroup/unified. */
void cgroup_tree_open(struct cgroup_tree *tree);
void cgroup_tree_close(struct cgroup_tree *tree);

/*
 * The control group's directory: its descriptor, and its id (the directory's inode number, which is
 * never used again). Rewrites `path` to have no needless '/'. -errno with `error`: -EINVAL for
 * a path outside of the tree or of something else, -ENOENT, -EACCES, -EOPNOTSUPP without a tree.
 */
int cgroup_open(const struct cgroup_tree *tree, char path[TARGET_PATH_SIZE], uint64_t *id,
                struct error *error);

/* Is the control group, which `target` names by path and id, no more? The kernel ends its links
 * only a while later: its directory tells at once. */
bool cgroup_gone(const struct cgroup_tree *tree, const struct record_target *target);

#endif
