/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Network namespaces by the path of their file, as `ip netns add` and container runtimes make it.
 */
#include "common/attach_point.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "workers/opener/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static int netns_refusal(const char *path, int result, struct error *error)
{
	char shown[OPENER_PATH_SIZE * 4 + 1];

	(void)log_escape(path, shown, sizeof(shown));
	switch (result) {
	case -ENOENT:
	case -ENOTDIR:
		return error_set(error, -ENOENT, ERROR_NOT_FOUND,
		                 "there is no network namespace \"%.200s\": see \"ip netns\"",
		                 shown);
	case -EINVAL:
		return error_set(error, result, ERROR_INVALID_ARGUMENT,
		                 "\"%.200s\" is no file of a network namespace, as \"ip netns\" "
		                 "makes them in /run/netns",
		                 shown);
	case -EACCES:
	case -EPERM:
		return error_set(error, result, ERROR_PERMISSION_DENIED,
		                 "bpfd's opener may not open \"%.200s\": it opens what lies below "
		                 "/run/netns, which must exist when bpfd starts, and with "
		                 "\"containers = yes\" in bpfd.conf /proc/PID/ns/net, too",
		                 shown);
	default:
		return error_set(error, result, ERROR_KERNEL,
		                 "the opener cannot open network namespace \"%.200s\": %s", shown,
		                 strerror(-result));
	}
}

/* Its place alone at first: nothing that a path may lead to is opened before it is known to be a
 * namespace. */
static int netns_open(const char *path, int *out)
{
	_cleanup_close_ int place_fd = open(path, O_PATH | O_CLOEXEC), fd = -1;
	struct statfs kind;
	char again[32];

	if (place_fd < 0 || fstatfs(place_fd, &kind) < 0)
		return -errno;
	if ((uint32_t)kind.f_type != NSFS_MAGIC)
		return -EINVAL;
	(void)snprintf(again, sizeof(again), "/proc/self/fd/%d", place_fd);
	fd = open(again, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return -EINVAL;
	*out = steal_fd(&fd);
	return 0;
}

static int path_open(const char *path, int *out, struct error *error)
{
	int result;

	if (!target_path_ok(path, OPENER_PATH_SIZE))
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "that is no absolute path of a file");
	result = netns_open(path, out);
	return result < 0 ? netns_refusal(path, result, error) : 0;
}

int answer_netns(struct opener *opener, const void *question, struct opener_answer *answer,
                 struct error *error)
{
	const struct opener_netns *asked = question;
	int result = path_open(asked->path, &answer->descriptors[0], error);

	(void)opener;
	if (result == 0)
		answer->type = OPENER_OPENED;
	return result;
}

static int netns_enter(int fd, const char *path, struct error *error)
{
	return setns(fd, CLONE_NEWNET) < 0 ? netns_refusal(path, -errno, error) : 0;
}

void netns_leave(const struct opener *opener)
{
	if (setns(opener->netns_fd, CLONE_NEWNET) == 0)
		return;
	log_error("cannot come back from another network namespace: %s", strerror(errno));
	_exit(1);
}

int netns_enter_same(const char *path, uint64_t id, struct error *error)
{
	_cleanup_close_ int fd = -1;
	struct stat status;
	int result = path_open(path, &fd, error);

	if (result == -ENOENT || result == -EINVAL)
		return -ENODEV;
	if (result < 0)
		return result == -EACCES ? -EPERM : result; /* netkit has a meaning for EACCES */
	if (fstat(fd, &status) < 0)
		return netns_refusal(path, -errno, error);
	if (status.st_ino != id)
		return error_set(error, -ENODEV, ERROR_NOT_FOUND,
		                 "that file leads to another network namespace by now");
	return netns_enter(fd, path, error);
}

int netns_netlink_open(const struct opener *opener, const char *path, int *netns_fd,
                       struct netlink *netlink, struct error *error)
{
	_cleanup_close_ int fd = -1;
	int result = path_open(path, &fd, error);

	if (result < 0)
		return result;
	result = netns_enter(fd, path, error);
	if (result < 0)
		return result;
	result = netlink_open(0, netlink);
	netns_leave(opener);
	if (result < 0)
		return netns_refusal(path, result, error);
	*netns_fd = steal_fd(&fd);
	return 0;
}

int answer_netns_socket(struct opener *opener, const void *question, struct opener_answer *answer,
                        struct error *error)
{
	const struct opener_netns *asked = question;
	struct netlink netlink = { .fd = -1 };
	int result =
		netns_netlink_open(opener, asked->path, &answer->descriptors[0], &netlink, error);

	if (result < 0)
		return result;
	answer->descriptors[1] = netlink.fd;
	answer->type = OPENER_OPENED_NETNS;
	return 0;
}
