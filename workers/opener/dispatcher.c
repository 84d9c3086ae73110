/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What somebody else attached to an interface: its program, its components, and, once it is off,
 * its pins. */
#include "workers/opener/opener.h"
#include "bpf/xdp_dispatcher.h"
#include "common/cleanup.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>

#define NAME_SIZE 48

static int bpf_call(enum bpf_cmd command, union bpf_attr *attr)
{
	long result = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return result < 0 ? -errno : (int)result;
}

/* Asks for the interface, in its network namespace. */
static int interface_ask(struct opener *opener, const char *netns, uint32_t ifindex,
                         struct netlink_interface *out, struct error *error)
{
	_cleanup_close_ int netns_fd = -1;
	struct netlink inside;
	int result;

	if (!netns[0])
		return netlink_interface_query(&opener->netlink, ifindex, NULL, out);
	result = netns_netlink_open(opener, netns, &netns_fd, &inside, error);
	if (result < 0)
		return result;
	result = netlink_interface_query(&inside, ifindex, NULL, out);
	netlink_close(&inside);
	return result;
}

/* 1 if the program is the one attached to the interface, 0 if not, or -errno with `error`. */
static int attached(struct opener *opener, const char *netns, uint32_t ifindex, uint32_t id,
                    struct error *error)
{
	struct netlink_interface found;
	int result;

	error->code = ERROR_NONE;
	result = interface_ask(opener, netns, ifindex, &found, error);
	if (result == -ENODEV)
		return 0;
	if (result < 0 && error->code)
		return result;
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "the opener cannot ask for interface number %u: %s", ifindex,
		                 strerror(-result));
	return found.program_id == id;
}

static int attached_require(struct opener *opener, const char *netns, uint32_t ifindex, uint32_t id,
                            struct error *error)
{
	int result = ifindex && id ? attached(opener, netns, ifindex, id, error) : 0;

	if (result == 0)
		return error_set(error, -ENOENT, ERROR_NOT_FOUND,
		                 "XDP program %u is not what is attached to interface number %u",
		                 id, ifindex);
	return result < 0 ? result : 0;
}

/* The descriptor of the program's only map; -1 if it has none or several. */
static int only_map_open(int program_fd, struct error *error)
{
	uint32_t ids[1] = {};
	struct bpf_prog_info info = { .nr_map_ids = 1, .map_ids = (uint64_t)(uintptr_t)ids };
	union bpf_attr attr = {};
	int fd;

	attr.info.bpf_fd = (uint32_t)program_fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uint64_t)(uintptr_t)&info;
	fd = bpf_call(BPF_OBJ_GET_INFO_BY_FD, &attr);
	if (fd < 0)
		return error_set(error, fd, ERROR_KERNEL,
		                 "the opener cannot ask for a program's maps: %s", strerror(-fd));
	if (info.nr_map_ids != 1)
		return -1;
	memset(&attr, 0, sizeof(attr));
	attr.map_id = ids[0];
	attr.open_flags = BPF_F_RDONLY;
	fd = bpf_call(BPF_MAP_GET_FD_BY_ID, &attr);
	return fd < 0 ? error_set(error, fd, ERROR_KERNEL, "the opener cannot open map %u: %s",
	                          ids[0], strerror(-fd))
	              : fd;
}

int answer_dispatcher(struct opener *opener, const void *question, struct opener_answer *answer,
                      struct error *error)
{
	const struct opener_dispatcher *asked = question;
	union bpf_attr attr = {};
	int result =
		attached_require(opener, asked->netns, asked->ifindex, asked->program_id, error);

	if (result < 0)
		return result;
	attr.prog_id = asked->program_id;
	_cleanup_close_ int program_fd = bpf_call(BPF_PROG_GET_FD_BY_ID, &attr);

	if (program_fd < 0)
		return error_set(error, program_fd, ERROR_KERNEL,
		                 "the opener cannot open XDP program %u: %s", asked->program_id,
		                 strerror(-program_fd));
	error->code = ERROR_NONE;
	answer->descriptors[1] = only_map_open(program_fd, error);
	if (error->code)
		return answer->descriptors[1];
	answer->type = answer->descriptors[1] < 0 ? OPENER_OPENED : OPENER_OPENED_DISPATCHER;
	answer->descriptors[0] = steal_fd(&program_fd);
	return 0;
}

int answer_component(struct opener *opener, const void *question, struct opener_answer *answer,
                     struct error *error)
{
	const struct opener_component *asked = question;
	char path[sizeof(opener->settings->xdp_directory) + NAME_SIZE];
	union bpf_attr attr = {};
	int result =
		attached_require(opener, asked->netns, asked->ifindex, asked->dispatcher_id, error);

	if (result < 0)
		return result;
	if (asked->slot >= XDP_DISPATCHER_SLOTS)
		return error_set(error, -EINVAL, ERROR_INTERNAL, "a dispatcher has no slot %u",
		                 asked->slot);
	(void)snprintf(path, sizeof(path), "%s/dispatch-%u-%u/prog%u-prog",
	               opener->settings->xdp_directory, asked->ifindex, asked->dispatcher_id,
	               asked->slot);
	attr.pathname = (uint64_t)(uintptr_t)path;
	result = bpf_call(BPF_OBJ_GET, &attr);
	if (result < 0)
		return error_set(error, result, ERROR_BUSY,
		                 "the opener cannot open %s (%s): whoever made the dispatcher on "
		                 "interface number %u must "
		                 "take it off",
		                 path, strerror(-result), asked->ifindex);
	answer->type = OPENER_OPENED;
	answer->descriptors[0] = result;
	return 0;
}

static int directory_remove(int xdp_fd, const char *name, struct error *error)
{
	_cleanup_close_ int fd =
		openat(xdp_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return error_set(error, -errno, ERROR_KERNEL, "the opener cannot open %s: %s", name,
		                 strerror(errno));
	for (unsigned int slot = 0; slot < XDP_DISPATCHER_SLOTS; slot++) {
		char file[NAME_SIZE];

		(void)snprintf(file, sizeof(file), "prog%u-link", slot);
		(void)unlinkat(fd, file, 0);
		(void)snprintf(file, sizeof(file), "prog%u-prog", slot);
		(void)unlinkat(fd, file, 0);
	}
	/* a file that stays, whatever it is, keeps the directory */
	if (unlinkat(xdp_fd, name, AT_REMOVEDIR) < 0)
		return error_set(error, -errno, ERROR_KERNEL, "the opener cannot remove %s: %s",
		                 name, strerror(errno));
	return 0;
}

int answer_pins_remove(struct opener *opener, const void *question, struct opener_answer *answer,
                       struct error *error)
{
	const struct opener_dispatcher *asked = question;
	char name[NAME_SIZE];
	int result = attached(opener, asked->netns, asked->ifindex, asked->program_id, error);

	if (result > 0)
		return error_set(
			error, -EBUSY, ERROR_BUSY,
			"XDP dispatcher %u still runs on interface number %u: its pins stay",
			asked->program_id, asked->ifindex);
	if (result < 0)
		return result;
	_cleanup_close_ int fd =
		open(opener->settings->xdp_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_set(error, -errno, ERROR_KERNEL, "the opener cannot open %s: %s",
		                 opener->settings->xdp_directory, strerror(errno));
	(void)snprintf(name, sizeof(name), "dispatch-%u-%u", asked->ifindex, asked->program_id);
	result = directory_remove(fd, name, error);
	if (result == 0)
		answer->type = OPENER_REMOVED;
	return result;
}
