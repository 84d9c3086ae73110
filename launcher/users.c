/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/users.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

const char *users_passwd_path = "/etc/passwd";
const char *users_group_path = "/etc/group";

#define ID_MAX (UINT32_MAX - 1) /* the last one means "no change" to setresuid(2) */

/* 0 if `name` is written in digits alone (and in range); -ENOENT if it is a name; -ERANGE. */
static int number_read(const char *name, uint32_t *out)
{
	uint64_t number = 0;

	for (const char *at = name; *at; at++) {
		if (!isdigit((unsigned char)*at))
			return -ENOENT;
		number = number * 10 + (uint64_t)(*at - '0');
		if (number > ID_MAX)
			return -ERANGE;
	}
	*out = (uint32_t)number;
	return 0;
}

static int missing(const char *kind, const char *key, const char *name, struct error *error)
{
	return error_set(error, -ENOENT, ERROR_NOT_FOUND,
	                 "the %s \"%s\" ([users] %s) does not exist: run \"systemd-sysusers\" with "
	                 "bpfd's sysusers.d/bpfd.conf, or \"%s %s\"",
	                 kind, name, key,
	                 strcmp(kind, "user") == 0 ? "useradd --system --user-group"
	                                           : "groupadd --system",
	                 name);
}

/* By name, or by number if `number` is given. */
static bool passwd_search(const char *name, const uint32_t *number, struct user *out)
{
	FILE *file = fopen(users_passwd_path, "re");
	const struct passwd *entry;
	bool found = false;

	while (file && !found && (entry = fgetpwent(file))) {
		found = number ? entry->pw_uid == *number : strcmp(entry->pw_name, name) == 0;
		if (found)
			*out = (struct user){ .uid = entry->pw_uid, .gid = entry->pw_gid };
	}
	if (file)
		(void)fclose(file);
	return found;
}

static bool group_search(const char *name, gid_t *out)
{
	FILE *file = fopen(users_group_path, "re");
	const struct group *entry;
	bool found = false;

	while (file && !found && (entry = fgetgrent(file))) {
		found = strcmp(entry->gr_name, name) == 0;
		if (found)
			*out = entry->gr_gid;
	}
	if (file)
		(void)fclose(file);
	return found;
}

static int out_of_range(const char *key, const char *name, struct error *error)
{
	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT, "[users] %s = %s: ids go up to %u",
	                 key, name, ID_MAX);
}

static int user_find(const char *key, const char *name, struct user *out, struct error *error)
{
	uint32_t number = 0;
	int numeric = number_read(name, &number);

	if (numeric == -ERANGE)
		return out_of_range(key, name, error);
	if (passwd_search(name, numeric == 0 ? &number : NULL, out))
		return 0;
	if (numeric < 0)
		return missing("user", key, name, error);
	*out = (struct user){ .uid = number, .gid = number };
	return 0;
}

static int group_find(const char *key, const char *name, gid_t *out, struct error *error)
{
	int numeric = number_read(name, out);

	if (numeric == -ERANGE)
		return out_of_range(key, name, error);
	if (numeric == 0 || group_search(name, out))
		return 0;
	return missing("group", key, name, error);
}

/* A role's user: the key in [users], where its name is, and where the answer goes. */
struct user_row {
	const char *key;
	size_t name;
	size_t user;
	bool images; /* needed for images alone */
};

static const struct user_row rows[] = {
	{ "broker", offsetof(struct config, broker_user), offsetof(struct users, broker), false },
	{ "frontend", offsetof(struct config, frontend_user), offsetof(struct users, frontend),
	  false },
	{ "loader", offsetof(struct config, loader_user), offsetof(struct users, loader), false },
	{ "fetcher", offsetof(struct config, fetcher_user), offsetof(struct users, fetcher), true },
	{ "verifier", offsetof(struct config, verifier_user), offsetof(struct users, verifier),
	  true },
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static struct user *user_of(struct users *users, const struct user_row *row)
{
	return (struct user *)(void *)((char *)users + row->user);
}

/* The first `count` rows have their users, which are all different. */
static int user_check(struct users *users, size_t count, struct error *error)
{
	const struct user_row *row = &rows[count];
	uid_t uid = user_of(users, row)->uid;

	if (uid == 0)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "[users] %s is root: it needs a user of its own", row->key);
	for (size_t i = 0; i < count; i++) {
		if (user_of(users, &rows[i])->uid == uid)
			return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
			                 "[users] %s and %s are the same user (uid %u): each needs "
			                 "one of its own",
			                 rows[i].key, row->key, uid);
	}
	return 0;
}

int users_find(const struct config *config, struct users *out, struct error *error)
{
	struct users users = {};
	int result = group_find("group", config->group, &users.access_gid, error);

	for (size_t i = 0; i < ROW_COUNT && result == 0; i++) {
		if (rows[i].images && !config->images)
			continue;
		result = user_find(rows[i].key, (const char *)config + rows[i].name,
		                   user_of(&users, &rows[i]), error);
		if (result == 0)
			result = user_check(&users, i, error);
	}
	if (result == 0)
		*out = users;
	return result;
}
