/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libbpf asks the kernel of a few files whether it may read them, and opens them then: of one,
 * where Ubuntu keeps its kernel's version, for each object that it opens. What it may not read the
 * open itself says, and that one is not shown to this process. So it is answered here
 * (--wrap=faccessat), and the system call is not among the allowed ones.
 */
#include <errno.h>
#include <string.h>

int __wrap_faccessat(int directory, const char *path, int mode, int flags);

int __wrap_faccessat(int directory, const char *path, int mode, int flags)
{
	(void)directory;
	(void)mode;
	(void)flags;
	if (strcmp(path, "/proc/version_signature") != 0)
		return 0;
	errno = ENOENT;
	return -1;
}
