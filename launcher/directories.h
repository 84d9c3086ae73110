/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The directories that bpfd lives in: made by the launcher while it is still root, each with its
 * owner and mode. None is taken over from a stranger: a symbolic link, or a directory of another
 * user, is an error.
 */
#ifndef BPFD_LAUNCHER_DIRECTORIES_H
#define BPFD_LAUNCHER_DIRECTORIES_H

#include "common/error.h"
#include "launcher/config.h"
#include "launcher/users.h"

#include <stdbool.h>
#include <sys/types.h>

struct directory {
	const char *path; /* absolute; its parent must exist */
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

/*
 * Makes the directory, or gives root's (or its own user's) existing one that owner and mode. With
 * `check_only` nothing is changed and a missing one is fine. 0; -errno with `error`: -ENOTDIR for a
 * symbolic link or a file, -EPERM for a stranger's.
 */
int directory_prepare(const struct directory *directory, bool check_only, struct error *error);

/* All directories of bpfd, in order. 0 or -errno with `error`. */
int directories_prepare(const struct config *config, const struct users *users, bool check_only,
                        struct error *error);

/* -ENODEV with `error` unless a BPF file system is mounted on `path`. */
int bpffs_check(const char *path, struct error *error);

/*
 * Lets everybody search (not read) the mount's own directory, as the broker and the users of map
 * pins must: systemd mounts it with mode 0700. What lies in it is protected by its own modes. 0 or
 * -errno with `error`.
 */
int bpffs_open_up(const char *path, struct error *error);

/* -ENODEV with `error` unless tracefs is mounted on `path`: then tracepoints cannot be attached,
 * the rest works. */
int tracefs_check(const char *path, struct error *error);

#endif
