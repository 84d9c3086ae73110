/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/landlock.h"
#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What later kernels' headers add. */
#define ACCESS_FS_TRUNCATE (UINT64_C(1) << 14)  /* ABI 3 */
#define ACCESS_FS_IOCTL_DEV (UINT64_C(1) << 15) /* ABI 5 */
#define ACCESS_NET_BIND_TCP (UINT64_C(1) << 0)  /* ABI 4 */
#define ACCESS_NET_CONNECT_TCP (UINT64_C(1) << 1)

struct ruleset_attributes {
	uint64_t handled_access_fs;
	uint64_t handled_access_net; /* ABI 4 */
	uint64_t scoped;             /* ABI 6 */
};

/* Rights that a rule for anything but a directory may carry: the kernel refuses others with EINVAL.
 */
#define FILE_ACCESS                                                   \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
	 LANDLOCK_ACCESS_FS_READ_FILE | ACCESS_FS_TRUNCATE | ACCESS_FS_IOCTL_DEV)

uint32_t landlock_version(void)
{
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return version > 0 ? (uint32_t)version : 0;
}

/* Everything that a kernel of this ABI can refuse. */
static uint64_t access_known(uint32_t abi)
{
	uint64_t known = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

	if (abi >= 2)
		known |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		known |= ACCESS_FS_TRUNCATE;
	if (abi >= 5)
		known |= ACCESS_FS_IOCTL_DEV;
	return known;
}

static int ruleset_create(const struct sandbox_policy *policy, uint32_t abi)
{
	struct ruleset_attributes attributes = { .handled_access_fs = access_known(abi) };
	size_t size = offsetof(struct ruleset_attributes, handled_access_net);

	if (abi >= 4) {
		attributes.handled_access_net =
			(ACCESS_NET_BIND_TCP | ACCESS_NET_CONNECT_TCP) & ~policy->landlock_tcp;
		size = offsetof(struct ruleset_attributes, scoped);
	}
	if (abi >= 6) {
		attributes.scoped = policy->landlock_scope;
		size = sizeof(attributes);
	}
	long fd = syscall(SYS_landlock_create_ruleset, &attributes, size, 0);

	return fd < 0 ? -errno : (int)fd;
}

/* Finds what the word before the first '/' of "@word/rest" stands for. */
static const char *settings_directory(const struct launcher_settings *settings, const char *word,
                                      size_t length)
{
	const struct {
		const char *word;
		const char *directory;
	} table[] = {
		{ "@state", settings->state_directory },
		{ "@runtime", settings->runtime_directory },
		{ "@bpffs", settings->bpffs_directory },
		{ "@xdp", settings->xdp_directory },
		{ "@tracefs", settings->tracefs_directory },
		{ "@helpers", settings->helpers_directory },
		{ "@ca", settings->ca_directory },
		{ "@rules", settings->rules_directory },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strlen(table[i].word) == length && memcmp(table[i].word, word, length) == 0)
			return table[i].directory;
	}
	return NULL;
}

static int path_resolve(const char *path, const struct launcher_settings *settings,
                        char out[PATH_MAX])
{
	size_t word = strcspn(path, "/");
	const char *directory = NULL;

	if (path[0] != '@')
		return snprintf(out, PATH_MAX, "%s", path) >= PATH_MAX ? -ENAMETOOLONG : 0;
	if (settings)
		directory = settings_directory(settings, path, word);
	if (!directory || directory[0] != '/')
		return -EINVAL;
	return snprintf(out, PATH_MAX, "%s%s", directory, path + word) >= PATH_MAX ? -ENAMETOOLONG
	                                                                           : 0;
}

static int rule_add(int ruleset_fd, const char *path, uint64_t access)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISDIR(status.st_mode))
		access &= FILE_ACCESS;

	struct landlock_path_beneath_attr rule = { .allowed_access = access, .parent_fd = fd };

	if (syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return -errno;
	return 0;
}

static int path_allow(int ruleset_fd, const struct sandbox_policy *policy,
                      const struct sandbox_path *path, const struct launcher_settings *settings,
                      uint32_t abi, struct error *error)
{
	char resolved[PATH_MAX];
	int result = path_resolve(path->path, settings, resolved);

	if (result < 0)
		return error_set(error, result, ERROR_INTERNAL,
		                 "the %s's sandbox policy names %s, which the settings do not give "
		                 "as an absolute path",
		                 policy->role, path->path);
	result = rule_add(ruleset_fd, resolved, path->access & access_known(abi));
	if (result == -ENOENT && path->optional)
		return 0;
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "the %s's sandbox cannot leave %s open: %s: check that it exists "
		                 "and that the role's user may reach it",
		                 policy->role, resolved, strerror(-result));
	return 0;
}

int landlock_confine(const struct sandbox_policy *policy, const struct launcher_settings *settings,
                     uint32_t abi, struct error *error)
{
	_cleanup_close_ int ruleset_fd = ruleset_create(policy, abi);

	if (ruleset_fd < 0)
		return error_set(error, ruleset_fd, ERROR_KERNEL,
		                 "the %s's Landlock rules (ABI %u) were refused by the kernel: %s",
		                 policy->role, abi, strerror(-ruleset_fd));
	for (size_t i = 0; i < policy->path_count; i++) {
		int result =
			path_allow(ruleset_fd, policy, &policy->paths[i], settings, abi, error);

		if (result < 0)
			return result;
	}
	if (syscall(SYS_landlock_restrict_self, ruleset_fd, 0) < 0)
		return error_set(error, -errno, ERROR_KERNEL,
		                 "the %s cannot confine itself by Landlock: %s", policy->role,
		                 strerror(errno));
	return 0;
}
