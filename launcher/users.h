/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The users that the roles run as. Names are looked up in /etc/passwd and /etc/group alone: they
 * are system users of this host, and a look-up through NSS would map its modules into a process
 * that is root.
 */
#ifndef BPFD_LAUNCHER_USERS_H
#define BPFD_LAUNCHER_USERS_H

#include "launcher/config.h"

#include <sys/types.h>

struct user {
	uid_t uid;
	gid_t gid; /* the primary group; of a numeric user that has no entry: the same number */
};

struct users {
	struct user broker;
	struct user frontend;
	struct user loader;
	struct user fetcher;  /* all zero where images are switched off */
	struct user verifier; /* likewise */
	gid_t access_gid;     /* who may use bpfd */
};

/* The files to look in; tests have their own. */
extern const char *users_passwd_path, *users_group_path;

/*
 * 0; -ENOENT with `error` (which name is missing, and how to make it); -EINVAL when two roles share
 * a user or one of them is root: a role that shares its uid could be traced by the other.
 */
int users_find(const struct config *config, struct users *out, struct error *error);

#endif
