/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/loader/loader.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

static const char *machine_name(unsigned int machine)
{
	switch (machine) {
	case EM_X86_64:
		return "x86-64";
	case EM_AARCH64:
		return "arm64";
	case EM_386:
		return "x86";
	case EM_ARM:
		return "arm";
	case EM_RISCV:
		return "RISC-V";
	case EM_S390:
		return "s390";
	case EM_PPC64:
		return "ppc64";
	default:
		return "another machine";
	}
}

static int truncated(struct error *error, const char *part, uint64_t end, size_t size)
{
	return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
	                 "the object is truncated: its %s would end at byte %llu, but the file has "
	                 "%zu bytes; copy or build it again",
	                 part, (unsigned long long)end, size);
}

static int identity_check(const unsigned char *bytes, size_t size, struct error *error)
{
	const int host = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;

	if (size < SELFMAG || memcmp(bytes, ELFMAG, SELFMAG) != 0)
		return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
		                 "this is not an ELF object (it does not start with \"\\x7fELF\"): "
		                 "give the .o file that clang -target bpf wrote");
	if (size < sizeof(Elf64_Ehdr))
		return truncated(error, "ELF header", sizeof(Elf64_Ehdr), size);
	if (bytes[EI_CLASS] != ELFCLASS64)
		return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
		                 "this is a 32-bit ELF file, not an eBPF object: compile it with "
		                 "clang -target bpf");
	if (bytes[EI_DATA] != host)
		return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
		                 "the object is %s-endian, this machine is not: compile it with "
		                 "clang -target bpf on a machine like this one, or with -target %s",
		                 host == ELFDATA2LSB ? "big" : "little",
		                 host == ELFDATA2LSB ? "bpfel" : "bpfeb");
	return 0;
}

static int header_check(const Elf64_Ehdr *header, size_t size, struct error *error)
{
	uint64_t end;

	if (header->e_machine != EM_BPF)
		return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
		                 "the object holds code for %s (ELF machine %u), not eBPF: compile "
		                 "it with clang -target bpf",
		                 machine_name(header->e_machine), header->e_machine);
	if (header->e_type != ET_REL)
		return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
		                 "the ELF file is not a relocatable object (type %u): give the .o "
		                 "file, compiled with -c",
		                 header->e_type);
	if (header->e_shnum == 0 || header->e_shentsize != sizeof(Elf64_Shdr))
		return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
		                 "the object has no usable section table: build it again");
	if (__builtin_add_overflow(header->e_shoff, (uint64_t)header->e_shnum * sizeof(Elf64_Shdr),
	                           &end))
		end = UINT64_MAX;
	if (end > size)
		return truncated(error, "section table", end, size);
	return 0;
}

static int sections_check(const unsigned char *bytes, const Elf64_Ehdr *header, size_t size,
                          struct error *error)
{
	for (size_t i = 0; i < header->e_shnum; i++) {
		Elf64_Shdr section;
		uint64_t end;

		memcpy(&section, bytes + header->e_shoff + i * sizeof(section), sizeof(section));
		if (section.sh_type == SHT_NOBITS || section.sh_type == SHT_NULL)
			continue;
		if (__builtin_add_overflow(section.sh_offset, section.sh_size, &end))
			end = UINT64_MAX;
		if (end > size)
			return truncated(error, "sections", end, size);
	}
	return 0;
}

int object_check(const void *bytes, size_t size, struct error *error)
{
	Elf64_Ehdr header;
	int result = identity_check(bytes, size, error);

	if (result < 0)
		return result;
	memcpy(&header, bytes, sizeof(header));
	result = header_check(&header, size, error);
	return result < 0 ? result : sections_check(bytes, &header, size, error);
}
