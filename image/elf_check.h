/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whether bytes are an eBPF object whose parts lie within it: headers alone, in either byte order.
 */
#ifndef BPFD_IMAGE_ELF_CHECK_H
#define BPFD_IMAGE_ELF_CHECK_H

#include "common/error.h"

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The machine that the object is for, in words of an error, and its byte order. */
struct elf_machine {
	const char *name;
	bool big_endian;
};

struct elf_machine elf_machine_host(void); /* "this machine" */

/*
 * `start` are the file's first bytes (all of them, or sizeof(Elf64_Ehdr)), of `size` in all. 0 and
 * *header in this machine's byte order: an eBPF relocatable for the machine, with a section table
 * that lies in the file; or -EINVAL and BAD_OBJECT with what it is instead.
 */
int elf_header_check(const unsigned char *start, uint64_t size, const struct elf_machine *machine,
                     Elf64_Ehdr *header, struct error *error);

/* One entry of the section table: 0 and *section in this machine's byte order, its bytes within the
 * file. */
int elf_section_check(const unsigned char *entry, uint64_t size, const struct elf_machine *machine,
                      Elf64_Shdr *section, struct error *error);

/* In place, where the machine's order is not this one's. */
void elf_symbol_order(Elf64_Sym *symbol, const struct elf_machine *machine);

#endif
