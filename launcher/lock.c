/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/lock.h"

#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

int lock_holder(const char *path, unsigned long inode, unsigned int major_number,
                unsigned int minor_number)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		int pid;
		unsigned int line_major, line_minor;
		unsigned long line_inode;

		/* "1: FLOCK  ADVISORY  WRITE 4242 00:2a:77 0 EOF"; the kernel's own text, no
		 * stranger's */
		// NOLINTNEXTLINE(cert-err34-c): the kernel writes no number out of range
		if (sscanf(line, "%*[^:]: FLOCK %*s %*s %d %x:%x:%lu", &pid, &line_major,
		           &line_minor, &line_inode) == 4 &&
		    line_inode == inode && line_major == major_number && line_minor == minor_number)
			return pid > 0 ? pid : 0;
	}
	return 0;
}

static int busy(int fd, const char *directory, struct error *error)
{
	struct stat status;
	char who[32] = "";

	if (fstat(fd, &status) == 0) {
		int pid = lock_holder("/proc/locks", status.st_ino, major(status.st_dev),
		                      minor(status.st_dev));

		if (pid)
			(void)snprintf(who, sizeof(who), " (pid %d)", pid);
	}
	return error_set(error, -EBUSY, ERROR_BUSY,
	                 "another bpfd%s uses %s: stop it, or give this one directories of its own",
	                 who, directory);
}

int lock_take(const char *directory, const char *file, int *out, struct error *error)
{
	_cleanup_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && file) {
		int inside = openat(fd, file,
		                    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

		(void)close(fd);
		fd = inside;
	}
	if (fd < 0)
		return error_set(error, -errno, ERROR_KERNEL, "cannot open the lock in %s: %s",
		                 directory, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return busy(fd, directory, error);
		return error_set(error, -errno, ERROR_KERNEL, "cannot lock %s: %s", directory,
		                 strerror(errno));
	}
	*out = steal_fd(&fd);
	return 0;
}
