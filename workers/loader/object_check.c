/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/elf_check.h"
#include "workers/loader/loader.h"

int object_check(const void *bytes, size_t size, struct error *error)
{
	const struct elf_machine machine = elf_machine_host();
	const unsigned char *start = bytes;
	Elf64_Ehdr header;
	int result = elf_header_check(start, size, &machine, &header, error);

	for (size_t i = 0; result == 0 && i < header.e_shnum; i++) {
		Elf64_Shdr section;

		result = elf_section_check(start + header.e_shoff + i * sizeof(section), size,
		                           &machine, &section, error);
	}
	return result;
}
