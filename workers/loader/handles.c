/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libbpf wants descriptors for maps, programs and BTF, and duplicates, checks and closes them as it
 * likes. It gets empty memfds: whatever it does to them, their inode tells which handle of the
 * gate's they stand for.
 */
#include "workers/loader/loader.h"

#include "common/cleanup.h"

#include <sys/mman.h>
#include <sys/stat.h>

static struct local_object {
	dev_t device;
	ino_t inode;
	uint32_t map_type;
	uint32_t value_size;
	bool shared;
} local_objects[LOADER_HANDLES_MAX + 1]; /* by handle; [0] is never filled */

static uint32_t handle_highest; /* of those that are filled */

/* Made before anybody waits: of most objects a load needs no more than these. Each is mapped, so
 * that libbpf, which closes some, does not wait until a file is taken down. */
#define HANDLES_READY 8
static int ready[HANDLES_READY];
static size_t ready_count;

void handles_prepare(void)
{
	while (ready_count < HANDLES_READY) {
		int fd = memfd_create("bpf", MFD_CLOEXEC);

		if (fd < 0)
			return; /* who needs it tries again, and is told */
		(void)mmap(NULL, 1, PROT_NONE, MAP_SHARED, fd, 0);
		ready[ready_count++] = fd;
	}
}

static int object_open(uint32_t handle, uint32_t map_type, uint32_t value_size, bool shared)
{
	_cleanup_close_ int fd =
		ready_count ? ready[--ready_count] : memfd_create("bpf", MFD_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (handle > LOADER_HANDLES_MAX)
		return -EMFILE;
	if (handle != LOADER_HANDLE_NONE)
		local_objects[handle] = (struct local_object){ status.st_dev, status.st_ino,
			                                       map_type, value_size, shared };
	if (handle > handle_highest)
		handle_highest = handle;
	return steal_fd(&fd);
}

int handle_open(uint32_t handle, uint32_t map_type, uint32_t value_size)
{
	return object_open(handle, map_type, value_size, false);
}

int handle_open_shared(uint32_t handle, uint32_t map_type, uint32_t value_size)
{
	return object_open(handle, map_type, value_size, true);
}

struct handle handle_of(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return (struct handle){};
	for (uint32_t handle = handle_highest; handle > 0; handle--) {
		const struct local_object *object = &local_objects[handle];

		if (object->inode == status.st_ino && object->device == status.st_dev)
			return (struct handle){ handle, object->map_type, object->value_size,
				                object->shared };
	}
	return (struct handle){};
}
