/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A library's name and a function become the path and the offset that bpfd takes: here, in the
 * user's own process, because bpfd reads no such file. */
#include "client/lib/binary.h"
#include "client/lib/elf_symbols.h"
#include "client/lib/error.h"
#include "common/cleanup.h"

#include <errno.h>
#include <string.h>

static struct bpfd_symbol *symbol_new(const char *path, uint64_t offset)
{
	size_t size = strlen(path) + 1;
	struct bpfd_symbol *symbol = malloc(sizeof(*symbol) + size);

	if (!symbol)
		return NULL;
	memcpy(symbol + 1, path, size);
	symbol->path = (const char *)(symbol + 1);
	symbol->offset = offset;
	return symbol;
}

int bpfd_symbol_find(const struct bpfd_symbol_query *query, struct bpfd_symbol **symbol,
                     struct bpfd_error **error)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	uint64_t offset = 0;
	int result = binary_path_find(query, &path, error);

	if (result < 0)
		return result;
	if (query->function && !*query->function)
		return error_make(error, -EINVAL, BPFD_ERROR_INVALID_ARGUMENT,
		                  "the function's name is empty");
	if (query->function) {
		fd = binary_open(path, query->container_pid, error);
		if (fd < 0)
			return fd;
		result = elf_function_find(fd, path, query->function, &offset, error);
		if (result < 0)
			return result;
	}
	*symbol = symbol_new(path, offset);
	return *symbol ? 0 : error_memory(error);
}

void bpfd_symbol_free(struct bpfd_symbol *symbol)
{
	free(symbol);
}
