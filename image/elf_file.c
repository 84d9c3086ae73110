/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/elf_file.h"

#include "common/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int elf_file_read(const struct elf_file *file, uint64_t offset, void *bytes, size_t size,
                  struct error *error)
{
	unsigned char *next = bytes;

	while (size) {
		ssize_t got = pread(file->fd, next, size, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set(error, -errno, ERROR_INTERNAL,
			                 "cannot read the object: %s", strerror(errno));
		if (got == 0)
			return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
			                 "the object ends where it should go on: build it again");
		next += got;
		offset += (uint64_t)got;
		size -= (size_t)got;
	}
	return 0;
}

static int sections_read(struct elf_file *file, struct error *error)
{
	_cleanup_free_ Elf64_Shdr *table = NULL;
	size_t count = file->header.e_shnum;
	int result;

	if (count > ELF_SECTIONS_MAX)
		return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
		                 "the object has %zu sections, at most %d are read: split it",
		                 count, ELF_SECTIONS_MAX);
	file->sections = calloc(count, sizeof(Elf64_Shdr));
	table = file->sections ? calloc(count, sizeof(Elf64_Shdr)) : NULL;
	if (!table)
		return error_set(error, -ENOMEM, ERROR_INTERNAL, "no memory to read the object");
	result =
		elf_file_read(file, file->header.e_shoff, table, count * sizeof(Elf64_Shdr), error);
	for (size_t i = 0; result == 0 && i < count; i++)
		result = elf_section_check((const unsigned char *)&table[i], file->size,
		                           &file->machine, &file->sections[i], error);
	return result;
}

int elf_file_open(int fd, uint64_t size, const struct elf_machine *machine, struct elf_file *file,
                  struct error *error)
{
	unsigned char start[sizeof(Elf64_Ehdr)] = {};
	struct elf_file opened = { .fd = fd, .size = size, .machine = *machine };
	int result = elf_file_read(&opened, 0, start, size < sizeof(start) ? size : sizeof(start),
	                           error);

	if (result == 0)
		result = elf_header_check(start, size, machine, &opened.header, error);
	if (result == 0)
		result = sections_read(&opened, error);
	if (result < 0)
		elf_file_close(&opened);
	else
		*file = opened;
	return result;
}

void elf_file_close(struct elf_file *file)
{
	free(file->sections);
	file->sections = NULL;
}

int elf_file_text(const struct elf_file *file, uint32_t section, uint32_t offset, char *text,
                  size_t size, struct error *error)
{
	const Elf64_Shdr *table;
	uint64_t left;
	int result;

	if (section >= file->header.e_shnum)
		return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
		                 "the object has no table of names: build it again");
	table = &file->sections[section];
	if (table->sh_type != SHT_STRTAB || offset >= table->sh_size)
		return error_set(
			error, -EINVAL, ERROR_BAD_OBJECT,
			"the object has a name outside its table of names: build it again");
	left = table->sh_size - offset;
	if (left > size - 1)
		left = size - 1;
	result = elf_file_read(file, table->sh_offset + offset, text, left, error);
	if (result == 0)
		text[left] = '\0';
	return result;
}
