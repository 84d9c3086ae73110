/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A file of any bytes: what is found lies within it. */
#include "client/lib/elf_symbols.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	struct bpfd_error *error = NULL;
	uint64_t offset = 0;

	if (fd < 0 || pwrite(fd, bytes, size, 0) != (ssize_t)size)
		abort();
	if (elf_function_find(fd, "input", "marked", &offset, &error) < 0)
		bpfd_error_free(error);
	else if (offset >= size)
		abort();
	(void)close(fd);
	return 0;
}
