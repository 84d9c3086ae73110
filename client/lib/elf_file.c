/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/elf_file.h"

#include "common/cleanup.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTE_ORDER_HERE ELFDATA2LSB
#else
#define BYTE_ORDER_HERE ELFDATA2MSB
#endif

/* What the ELF header says of the two tables. */
struct tables {
	uint64_t segments_offset;
	uint64_t sections_offset;
	size_t segment_bytes;
	size_t section_bytes;
	size_t segment_count;
	size_t section_count;
};

struct segment {
	uint32_t type;
	uint32_t flags;
	uint64_t offset;
	uint64_t address;
	uint64_t size_bytes;
};

static int bytes_read(int fd, uint64_t offset, uint8_t *out, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = pread(fd, out + done, size - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -ENOEXEC; /* it became shorter meanwhile */
		done += (size_t)got;
	}
	return 0;
}

static int block_read(const struct elf_file *file, uint64_t offset, uint64_t size, uint8_t **out)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	int result;

	if (offset > file->size_bytes || size > file->size_bytes - offset)
		return -ENOEXEC;
	if (size > ELF_BLOCK_MAX)
		return -EFBIG;
	bytes = malloc((size_t)size + 1);
	if (!bytes)
		return -ENOMEM;
	result = bytes_read(file->fd, offset, bytes, (size_t)size);
	if (result < 0)
		return result;
	bytes[size] = 0;
	*out = steal_ptr(&bytes);
	return 0;
}

#define TABLES_OF(header)                                                                     \
	(struct tables)                                                                       \
	{                                                                                     \
		.segments_offset = (header).e_phoff, .sections_offset = (header).e_shoff,     \
		.segment_bytes = (header).e_phentsize, .section_bytes = (header).e_shentsize, \
		.segment_count = (header).e_phnum, .section_count = (header).e_shnum,         \
	}
#define SEGMENT_OF(header)                                                                       \
	(struct segment)                                                                         \
	{                                                                                        \
		.type = (header).p_type, .flags = (header).p_flags, .offset = (header).p_offset, \
		.address = (header).p_vaddr, .size_bytes = (header).p_filesz,                    \
	}
#define SECTION_OF(header)                                                                        \
	(struct elf_section)                                                                      \
	{                                                                                         \
		.type = (header).sh_type, .link = (header).sh_link, .offset = (header).sh_offset, \
		.size_bytes = (header).sh_size, .entry_bytes = (header).sh_entsize                \
	}
#define SYMBOL_OF(symbol)                                                              \
	(struct elf_symbol)                                                            \
	{                                                                              \
		.address = (symbol).st_value, .name = (symbol).st_name,                \
		.section = (symbol).st_shndx, .type = ELF64_ST_TYPE((symbol).st_info), \
		.binding = ELF64_ST_BIND((symbol).st_info)                             \
	}

/* The structure of the file's class, from bytes that need not be aligned. */
#define TAKE(file, bytes, kind, convert)                          \
	({                                                        \
		Elf64_##kind wide_;                               \
		Elf32_##kind narrow_;                             \
		if ((file)->wide)                                 \
			memcpy(&wide_, bytes, sizeof(wide_));     \
		else                                              \
			memcpy(&narrow_, bytes, sizeof(narrow_)); \
		(file)->wide ? convert(wide_) : convert(narrow_); \
	})
#define SIZE(file, kind) ((file)->wide ? sizeof(Elf64_##kind) : sizeof(Elf32_##kind))

static int header_read(struct elf_file *file, struct tables *tables)
{
	uint8_t bytes[sizeof(Elf64_Ehdr)] = {};
	Elf32_Ehdr header;
	int result;

	if (file->size_bytes < sizeof(header))
		return -ENOEXEC;
	result = bytes_read(file->fd, 0, bytes,
	                    file->size_bytes < sizeof(bytes) ? (size_t)file->size_bytes
	                                                     : sizeof(bytes));
	if (result < 0)
		return result;
	memcpy(&header, bytes, sizeof(header)); /* what is looked at lies alike in both classes */
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_DATA] != BYTE_ORDER_HERE ||
	    (header.e_ident[EI_CLASS] != ELFCLASS32 && header.e_ident[EI_CLASS] != ELFCLASS64))
		return -ENOEXEC;
	file->wide = header.e_ident[EI_CLASS] == ELFCLASS64;
	file->type = header.e_type;
	*tables = TAKE(file, bytes, Ehdr, TABLES_OF);
	return 0;
}

static int segments_read(struct elf_file *file, const struct tables *tables)
{
	if (tables->segment_count == 0)
		return 0;
	if (tables->segment_bytes != SIZE(file, Phdr))
		return -ENOEXEC;
	file->segment_count = tables->segment_count;
	return block_read(file, tables->segments_offset,
	                  tables->segment_count * tables->segment_bytes, &file->segments);
}

/* A file without sections is a stripped one. From 0xff00 sections on the first one has their
 * number. */
static int sections_read(struct elf_file *file, const struct tables *tables)
{
	uint64_t count = tables->section_count;
	_cleanup_free_ uint8_t *first = NULL;
	int result;

	if (tables->sections_offset == 0)
		return 0;
	if (tables->section_bytes != SIZE(file, Shdr))
		return -ENOEXEC;
	if (count == 0) {
		result = block_read(file, tables->sections_offset, tables->section_bytes, &first);
		if (result < 0)
			return result;
		count = TAKE(file, first, Shdr, SECTION_OF).size_bytes;
	}
	if (count > ELF_BLOCK_MAX / tables->section_bytes)
		return -EFBIG;
	file->section_count = (size_t)count;
	return block_read(file, tables->sections_offset, count * tables->section_bytes,
	                  &file->sections);
}

int elf_file_open(int fd, struct elf_file *file)
{
	struct elf_file made = { .fd = fd };
	struct tables tables = {};
	struct stat status;
	int result;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -ENOEXEC;
	made.size_bytes = (uint64_t)status.st_size;
	result = header_read(&made, &tables);
	if (result == 0)
		result = segments_read(&made, &tables);
	if (result == 0)
		result = sections_read(&made, &tables);
	if (result < 0) {
		elf_file_close(&made);
		return result;
	}
	*file = made;
	return 0;
}

void elf_file_close(struct elf_file *file)
{
	free(file->segments);
	free(file->sections);
	file->segments = NULL;
	file->sections = NULL;
}

bool elf_section_get(const struct elf_file *file, size_t index, struct elf_section *section)
{
	if (index >= file->section_count)
		return false;
	*section = TAKE(file, file->sections + index * SIZE(file, Shdr), Shdr, SECTION_OF);
	return true;
}

bool elf_section_find(const struct elf_file *file, uint32_t type, struct elf_section *section)
{
	struct elf_section found;

	for (size_t i = 0; elf_section_get(file, i, &found); i++) {
		if (found.type == type) {
			*section = found;
			return true;
		}
	}
	return false;
}

int elf_section_read(const struct elf_file *file, const struct elf_section *section,
                     uint8_t **bytes)
{
	return block_read(file, section->offset, section->size_bytes, bytes);
}

size_t elf_symbol_size(const struct elf_file *file)
{
	return SIZE(file, Sym);
}

struct elf_symbol elf_symbol_take(const struct elf_file *file, const uint8_t *bytes)
{
	return TAKE(file, bytes, Sym, SYMBOL_OF);
}

bool elf_offset_find(const struct elf_file *file, uint64_t address, uint64_t *offset)
{
	for (size_t i = 0; i < file->segment_count; i++) {
		struct segment segment =
			TAKE(file, file->segments + i * SIZE(file, Phdr), Phdr, SEGMENT_OF);
		uint64_t found;

		if (segment.type != PT_LOAD || !(segment.flags & PF_X) ||
		    address < segment.address || address - segment.address >= segment.size_bytes ||
		    __builtin_add_overflow(address - segment.address, segment.offset, &found) ||
		    found >= file->size_bytes)
			continue;
		*offset = found;
		return true;
	}
	return false;
}
