/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/netns.h"
#include "common/cleanup.h"
#include "common/log.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* asm-generic/socket.h has it from Linux 5.14 */
#endif

static int number_of(int netns_fd, uint32_t *out)
{
	struct stat status;

	if (fstat(netns_fd, &status) < 0)
		return -errno;
	/* the kernel's numbers are of that size; bpfd tells chains apart by them */
	if (status.st_ino < RECORD_NETNS_LEAST || status.st_ino > UINT32_MAX)
		return -ERANGE;
	*out = (uint32_t)status.st_ino;
	return 0;
}

static uint64_t cookie_of(int socket_fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	if (getsockopt(socket_fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0)
		return 0;
	return cookie;
}

int netns_socket_open(struct attach_context *context, const char *path, struct netns_socket *out,
                      struct error *error)
{
	_cleanup_close_ int netns_fd = -1, socket_fd = -1;
	uint32_t own = 0, id = 0;
	int result = 0;

	*out = (struct netns_socket){ .inside = { .fd = -1 } };
	if (!path[0])
		return 0;
	result = opener_netns_socket(context->opener, path, &netns_fd, &socket_fd, error);
	if (result < 0)
		return result;
	result = number_of(netns_fd, &id);
	if (result == 0)
		result = number_of(context->netns_fd, &own);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "cannot ask for a network namespace's number: %s",
		                 strerror(-result));
	if (id == own)
		return 0;
	out->id = id;
	out->cookie = cookie_of(socket_fd);
	out->inside = (struct netlink){ .fd = steal_fd(&socket_fd), .sequence = 1 };
	out->netlink = &out->inside;
	return 0;
}

void netns_socket_cleanup(struct netns_socket *socket)
{
	netlink_close(&socket->inside);
}

static int netns_gone(struct error *error, const struct record_target *target)
{
	char shown[TARGET_PATH_SIZE * 4 + 1];

	return error_set(error, -ENODEV, ERROR_NOT_FOUND,
	                 "the network namespace of interface \"%s\" is gone: \"%.200s\" does not "
	                 "lead to it any more",
	                 target->interface, log_escape(target->netns, shown, sizeof(shown)));
}

int netns_socket_again(struct attach_context *context, const struct record_target *target,
                       struct netns_socket *out, struct error *error)
{
	struct netns_socket found;
	int result = netns_socket_open(context, target->netns, &found, error);

	if (result == -ENOENT || result == -EINVAL)
		return netns_gone(error, target);
	if (result < 0)
		return result;
	if (found.id != target->netns_id) {
		netns_socket_cleanup(&found);
		return netns_gone(error, target);
	}
	*out = found;
	if (out->netlink)
		out->netlink = &out->inside;
	return 0;
}

static int interface_missing(struct error *error, const struct record_target *target)
{
	char shown[TARGET_PATH_SIZE * 4 + 1];

	if (!target->netns[0])
		return error_set(error, -ENODEV, ERROR_NOT_FOUND,
		                 "interface \"%s\" does not exist in bpfd's network namespace: "
		                 "check the name with \"ip link\"",
		                 target->interface);
	return error_set(error, -ENODEV, ERROR_NOT_FOUND,
	                 "interface \"%s\" does not exist in network namespace \"%.200s\": check "
	                 "the name with \"ip -n NAME link\"",
	                 target->interface, log_escape(target->netns, shown, sizeof(shown)));
}

int netns_interface_find(struct attach_context *context, struct record_target *target,
                         struct error *error)
{
	struct netns_socket socket;
	struct netlink_interface found;
	int result = netns_socket_open(context, target->netns, &socket, error);

	if (result < 0)
		return result;
	if (socket.netlink)
		result = netlink_interface_query(socket.netlink, 0, target->interface, &found);
	else
		result = xdp_interface_query(context->xdp, target->interface, &found);
	netns_socket_cleanup(&socket);
	if (result == -ENODEV)
		return interface_missing(error, target);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL, "cannot ask for interface \"%s\": %s",
		                 target->interface, strerror(-result));
	target->ifindex = found.ifindex;
	target->netns_id = socket.id;
	return 0;
}

struct xdp_place netns_place(const struct record_target *target, struct netns_socket *socket)
{
	return (struct xdp_place){ .ifindex = target->ifindex,
		                   .netns = (uint32_t)target->netns_id,
		                   .path = socket->netlink ? target->netns : NULL,
		                   .netlink = socket->netlink };
}
