/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An object's sections and names, by pread(): nothing but the section table is kept. For image/
 * alone. */
#ifndef BPFD_IMAGE_ELF_FILE_H
#define BPFD_IMAGE_ELF_FILE_H

#include "image/elf_check.h"

#define ELF_SECTIONS_MAX 16384

struct elf_file {
	int fd;
	uint64_t size;
	struct elf_machine machine;
	Elf64_Ehdr header;
	Elf64_Shdr *sections; /* header.e_shnum of them */
};

/* Reads and checks header and section table. 0; -EINVAL (BAD_OBJECT), -ENOMEM, -errno, with a
 * sentence. */
int elf_file_open(int fd, uint64_t size, const struct elf_machine *machine, struct elf_file *file,
                  struct error *error);
void elf_file_close(struct elf_file *file);

/* Exactly `size` bytes. 0 or -errno with a sentence. */
int elf_file_read(const struct elf_file *file, uint64_t offset, void *bytes, size_t size,
                  struct error *error);

/* The text at `offset` of a table of texts, cut to `size` bytes with its zero. -EINVAL (BAD_OBJECT)
 * where there is none. */
int elf_file_text(const struct elf_file *file, uint32_t section, uint32_t offset, char *text,
                  size_t size, struct error *error);

#endif
