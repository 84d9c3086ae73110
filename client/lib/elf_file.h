/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * An ELF file's headers and sections, of both classes, by elf(5). Whoever wrote the file is a
 * stranger: nothing is read beyond its end, and no block of it is taken that is larger than
 * ELF_BLOCK_MAX bytes.
 */
#ifndef BPFD_CLIENT_ELF_FILE_H
#define BPFD_CLIENT_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_BLOCK_MAX (512u << 20)

/* Opaque to others, but for `type` and the counts. */
struct elf_file {
	int fd; /* the caller's */
	bool wide;
	uint16_t type; /* ET_* */
	uint64_t size_bytes;
	uint8_t *segments;
	uint8_t *sections;
	size_t segment_count;
	size_t section_count;
};

struct elf_section {
	uint32_t type; /* SHT_* */
	uint32_t link;
	uint64_t offset;
	uint64_t size_bytes;
	uint64_t entry_bytes;
};

struct elf_symbol {
	uint64_t address;
	uint32_t name; /* in the section that the symbols' section links to */
	uint16_t section;
	uint8_t type;    /* STT_* */
	uint8_t binding; /* STB_* */
};

/*
 * Reads the headers of the file, which stays the caller's. 0; -ENOEXEC if it is no ELF file of this
 * machine's byte order, or a broken one; -EFBIG if a part is too large; -ENOMEM; or what pread(2)
 * says. The file must be closed after success.
 */
int elf_file_open(int fd, struct elf_file *file);
void elf_file_close(struct elf_file *file);

/* True, and the section, if there is one of this number. */
bool elf_section_get(const struct elf_file *file, size_t index, struct elf_section *section);

/* True, and the first section of the type. */
bool elf_section_find(const struct elf_file *file, uint32_t type, struct elf_section *section);

/* All bytes of the section and a zero behind them, for free(3). Errors as of elf_file_open(). */
int elf_section_read(const struct elf_file *file, const struct elf_section *section,
                     uint8_t **bytes);

/* How many bytes a symbol takes. */
size_t elf_symbol_size(const struct elf_file *file);
struct elf_symbol elf_symbol_take(const struct elf_file *file, const uint8_t *bytes);

/* True, and where in the file the instruction lies that is at this address when it runs. */
bool elf_offset_find(const struct elf_file *file, uint64_t address, uint64_t *offset);

#endif
