/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/directories.h"

#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define TEXT_SIZE (CONFIG_PATH_SIZE + 32)

static int fail(struct error *error, const char *what, const char *path)
{
	int code = errno;

	return error_set(error, -code, ERROR_KERNEL, "cannot %s the directory %s: %s", what, path,
	                 strerror(code));
}

/* The parent is root's choice and may be a link (/var/run); what is below it is taken by name,
 * never followed. */
static int parent_open(const char *path, const char *name, struct error *error)
{
	char parent[TEXT_SIZE];
	int length = name == path + 1 ? 1 : (int)(name - path) - 1;

	(void)snprintf(parent, sizeof(parent), "%.*s", length, path);
	int fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_set(error, -errno, ERROR_NOT_FOUND,
		                 "cannot make %s, for %s cannot be opened: %s", path, parent,
		                 strerror(errno));
	return fd;
}

static int owner_check(const struct directory *directory, const struct stat *status,
                       struct error *error)
{
	if (status->st_uid == 0 || status->st_uid == directory->uid)
		return 0;
	return error_set(
		error, -EPERM, ERROR_PERMISSION_DENIED,
		"the directory %s belongs to uid %u: bpfd takes over nobody's; remove it, or run "
		"\"chown -R %u %s\" if it was bpfd's",
		directory->path, status->st_uid, directory->uid, directory->path);
}

/*
 * chown first: it may clear the set-group-ID bit, which chmod without CAP_FSETID leaves out without
 * a word when the group is not the caller's own.
 */
static int owner_set(int fd, const struct directory *directory, struct stat *status,
                     struct error *error)
{
	if ((status->st_uid != directory->uid || status->st_gid != directory->gid) &&
	    fchown(fd, directory->uid, directory->gid) < 0)
		return fail(error, "change the owner of", directory->path);
	if ((status->st_mode & 07777) != directory->mode && fchmod(fd, directory->mode) < 0)
		return fail(error, "change the mode of", directory->path);
	if (fstat(fd, status) < 0)
		return fail(error, "examine", directory->path);
	if ((status->st_mode & 07777) != directory->mode)
		return error_set(
			error, -EPERM, ERROR_PERMISSION_DENIED,
			"the directory %s cannot have the mode %04o: CAP_FSETID is missing",
			directory->path, directory->mode);
	return 0;
}

int directory_prepare(const struct directory *directory, bool check_only, struct error *error)
{
	const char *name = strrchr(directory->path, '/') + 1;
	_cleanup_close_ int parent = parent_open(directory->path, name, error);
	struct stat status;

	if (parent < 0)
		return check_only && parent == -ENOENT ? 0 : parent;
	if (!check_only && mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		return fail(error, "make", directory->path);
	_cleanup_close_ int fd =
		openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && check_only && errno == ENOENT)
		return 0;
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return error_set(error, -ENOTDIR, ERROR_INVALID_ARGUMENT,
		                 "%s is not a directory (or a symbolic link): remove it, or set "
		                 "another path",
		                 directory->path);
	if (fd < 0)
		return fail(error, "open", directory->path);
	if (fstat(fd, &status) < 0)
		return fail(error, "examine", directory->path);
	int result = owner_check(directory, &status, error);

	if (result < 0 || check_only)
		return result;
	return owner_set(fd, directory, &status, error);
}

int directories_prepare(const struct config *config, const struct users *users, bool check_only,
                        struct error *error)
{
	const struct user *broker = &users->broker;
	gid_t access = users->access_gid;
	const struct {
		const char *base;
		const char *below;
		uid_t uid;
		gid_t gid;
		mode_t mode;
	} rows[] = {
		/* others may search it, not list it: fetchers pass through it to their cache, and
		   the launcher, which is root without CAP_DAC_OVERRIDE by then, names the cache in
		   its Landlock rules. What else lies in it is the broker's, by its own mode. */
		{ config->state_directory, "", broker->uid, broker->gid,
		  config->images ? 0711 : 0700 },
		{ config->state_directory, "/objects", broker->uid, broker->gid, 0700 },
		{ config->runtime_directory, "", 0, 0, 0755 },
		/* the live store; a directory of its own, for the broker alone */
		{ config->runtime_directory, "/broker", broker->uid, broker->gid, 0700 },
		{ config->bpffs, "/bpfd", broker->uid, access, 02750 },
		{ config->bpffs, "/bpfd/programs", broker->uid, broker->gid, 0700 },
		{ config->bpffs, "/bpfd/links", broker->uid, broker->gid, 0700 },
		{ config->bpffs, "/bpfd/dispatchers", broker->uid, broker->gid, 0700 },
		{ config->bpffs, "/bpfd/maps", broker->uid, access, 02750 },
		{ config->bpffs, "/bpfd/shared", broker->uid, access, 02750 },
		{ config->bpffs, "/bpfd/iters", broker->uid, access, 02750 },
		/* libxdp's, shared with root's xdp-loader (owner) and the opener, which is root
		   without capabilities */
		{ config->bpffs, "/xdp", 0, broker->gid, 0770 },
		/* the last: not where images are switched off */
		{ config->state_directory, "/images", users->fetcher.uid, users->fetcher.gid,
		  0700 },
	};
	size_t count = sizeof(rows) / sizeof(rows[0]) - (config->images ? 0 : 1);

	for (size_t i = 0; i < count; i++) {
		char path[TEXT_SIZE];
		struct directory directory = { path, rows[i].uid, rows[i].gid, rows[i].mode };

		(void)snprintf(path, sizeof(path), "%s%s", rows[i].base, rows[i].below);
		int result = directory_prepare(&directory, check_only, error);

		if (result < 0)
			return result;
	}
	return 0;
}

static int mount_check(const char *path, uint64_t magic)
{
	struct statfs status;

	if (statfs(path, &status) < 0)
		return -errno;
	return (uint32_t)status.f_type == magic ? 0 : -ENODEV;
}

int bpffs_check(const char *path, struct error *error)
{
	if (mount_check(path, BPF_FS_MAGIC) == 0)
		return 0;
	return error_set(error, -ENODEV, ERROR_UNSUPPORTED,
	                 "no BPF file system is mounted on %s: run \"mount -t bpf bpf %s\"", path,
	                 path);
}

int bpffs_open_up(const char *path, struct error *error)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const mode_t search = S_IXUSR | S_IXGRP | S_IXOTH;
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return fail(error, "examine", path);
	if ((status.st_mode & search) == search)
		return 0;
	if (fchmod(fd, (status.st_mode & 07777) | search) < 0)
		return fail(error, "change the mode of", path);
	return 0;
}

int tracefs_check(const char *path, struct error *error)
{
	if (mount_check(path, TRACEFS_MAGIC) == 0)
		return 0;
	return error_set(
		error, -ENODEV, ERROR_UNSUPPORTED,
		"tracefs is not mounted on %s, so that tracepoints cannot be attached: run "
		"\"mount -t tracefs tracefs %s\" and start bpfd again",
		path, path);
}
