/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Files whose instructions are to be probed, on the host and in containers. */
#include "common/attach_point.h"
#include "common/cleanup.h"
#include "workers/opener/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int file_refusal(const struct opener_file *asked, int result, struct error *error)
{
	char where[64] = "";

	if (asked->container_pid)
		(void)snprintf(where, sizeof(where), " in the container of process %u",
		               asked->container_pid);
	switch (result) {
	case -ENOENT:
	case -ENOTDIR:
		return error_set(error, -ENOENT, ERROR_NOT_FOUND,
		                 "%s does not exist%s: give the path of a program or a "
		                 "shared library",
		                 asked->path, where);
	case -EINVAL:
		return error_set(error, result, ERROR_INVALID_ARGUMENT,
		                 "%s%s is not a regular file: name a program or a shared library",
		                 asked->path, where);
	case -EACCES:
		return error_set(error, result, ERROR_PERMISSION_DENIED,
		                 "the opener may not reach %s%s: it is root without a right to "
		                 "others' closed directories",
		                 asked->path, where);
	default:
		return error_set(error, result, ERROR_KERNEL, "the opener cannot find %s%s: %s",
		                 asked->path, where, strerror(-result));
	}
}

static int host_file_open(const struct opener_file *asked, int *out)
{
	_cleanup_close_ int fd = open(asked->path, O_PATH | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	*out = steal_fd(&fd);
	return 0;
}

/* The root directory of the process: the kernel asks for the right to trace it. */
static int root_open(const struct opener *opener, uint32_t pid, int *out, struct error *error)
{
	char path[32];

	if (!opener->settings->containers)
		return error_set(error, -EPERM, ERROR_UNSUPPORTED,
		                 "bpfd's opener may not look into containers: set \"containers = "
		                 "yes\" in bpfd.conf, which gives it CAP_SYS_PTRACE");
	(void)snprintf(path, sizeof(path), "/proc/%u/root", pid);
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == ESRCH))
		return error_set(error, -ESRCH, ERROR_NOT_FOUND, "there is no process %u", pid);
	if (fd < 0)
		return error_set(error, -errno, ERROR_KERNEL,
		                 "the opener cannot see the files of process %u: %s", pid,
		                 strerror(errno));
	*out = fd;
	return 0;
}

int target_file_open(const struct opener *opener, const struct opener_file *asked, int *fd,
                     struct error *error)
{
	_cleanup_close_ int root_fd = -1;
	int result = 0;

	if (!target_path_ok(asked->path, sizeof(asked->path)) || asked->container_pid > INT32_MAX ||
	    asked->reserved)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "that is no absolute path of a file");
	if (!asked->container_pid) {
		result = host_file_open(asked, fd);
		return result < 0 ? file_refusal(asked, result, error) : 0;
	}
	result = root_open(opener, asked->container_pid, &root_fd, error);
	if (result < 0)
		return result;
	result = root_file_open(root_fd, asked->path, fd);
	return result < 0 ? file_refusal(asked, result, error) : 0;
}

int answer_file(struct opener *opener, const void *question, struct opener_answer *answer,
                struct error *error)
{
	int result = target_file_open(opener, question, &answer->descriptors[0], error);

	if (result == 0)
		answer->type = OPENER_OPENED;
	return result;
}
