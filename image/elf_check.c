/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/elf_check.h"

#include <byteswap.h>
#include <errno.h>
#include <string.h>

#define HOST_BIG (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

#define SWAP(field)                                                                   \
	((field) = (typeof(field))(sizeof(field) == 8   ? bswap_64(field)             \
	                           : sizeof(field) == 4 ? bswap_32((uint32_t)(field)) \
	                                                : bswap_16((uint16_t)(field))))

struct elf_machine elf_machine_host(void)
{
	return (struct elf_machine){ .name = "this machine", .big_endian = HOST_BIG };
}

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

static int truncated(struct error *error, const char *part, uint64_t end, uint64_t size)
{
	return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
	                 "the object is truncated: its %s would end at byte %llu, but the file has "
	                 "%llu bytes; copy or build it again",
	                 part, (unsigned long long)end, (unsigned long long)size);
}

static int identity_check(const unsigned char *start, uint64_t size,
                          const struct elf_machine *machine, struct error *error)
{
	if (size < SELFMAG || memcmp(start, ELFMAG, SELFMAG) != 0)
		return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
		                 "this is not an ELF object (it does not start with \"\\x7fELF\"): "
		                 "give the .o file that clang -target bpf wrote");
	if (size < sizeof(Elf64_Ehdr))
		return truncated(error, "ELF header", sizeof(Elf64_Ehdr), size);
	if (start[EI_CLASS] != ELFCLASS64)
		return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
		                 "this is a 32-bit ELF file, not an eBPF object: compile it with "
		                 "clang -target bpf");
	if (start[EI_DATA] != (machine->big_endian ? ELFDATA2MSB : ELFDATA2LSB))
		return error_set(
			error, -EINVAL, ERROR_BAD_OBJECT,
			"the object is %s-endian, %s is not: compile it with clang -target "
			"bpf on a machine like this one, or with -target %s",
			machine->big_endian ? "little" : "big", machine->name,
			machine->big_endian ? "bpfeb" : "bpfel");
	return 0;
}

static void header_order(Elf64_Ehdr *header, const struct elf_machine *machine)
{
	if (machine->big_endian == HOST_BIG)
		return;
	SWAP(header->e_type);
	SWAP(header->e_machine);
	SWAP(header->e_version);
	SWAP(header->e_entry);
	SWAP(header->e_phoff);
	SWAP(header->e_shoff);
	SWAP(header->e_flags);
	SWAP(header->e_ehsize);
	SWAP(header->e_phentsize);
	SWAP(header->e_phnum);
	SWAP(header->e_shentsize);
	SWAP(header->e_shnum);
	SWAP(header->e_shstrndx);
}

static void section_order(Elf64_Shdr *section, const struct elf_machine *machine)
{
	if (machine->big_endian == HOST_BIG)
		return;
	SWAP(section->sh_name);
	SWAP(section->sh_type);
	SWAP(section->sh_flags);
	SWAP(section->sh_addr);
	SWAP(section->sh_offset);
	SWAP(section->sh_size);
	SWAP(section->sh_link);
	SWAP(section->sh_info);
	SWAP(section->sh_addralign);
	SWAP(section->sh_entsize);
}

void elf_symbol_order(Elf64_Sym *symbol, const struct elf_machine *machine)
{
	if (machine->big_endian == HOST_BIG)
		return;
	SWAP(symbol->st_name);
	SWAP(symbol->st_shndx);
	SWAP(symbol->st_value);
	SWAP(symbol->st_size);
}

int elf_header_check(const unsigned char *start, uint64_t size, const struct elf_machine *machine,
                     Elf64_Ehdr *header, struct error *error)
{
	uint64_t end;
	int result = identity_check(start, size, machine, error);

	if (result < 0)
		return result;
	memcpy(header, start, sizeof(*header));
	header_order(header, machine);
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
	return end > size ? truncated(error, "section table", end, size) : 0;
}

int elf_section_check(const unsigned char *entry, uint64_t size, const struct elf_machine *machine,
                      Elf64_Shdr *section, struct error *error)
{
	uint64_t end;

	memcpy(section, entry, sizeof(*section));
	section_order(section, machine);
	if (section->sh_type == SHT_NOBITS || section->sh_type == SHT_NULL)
		return 0;
	if (__builtin_add_overflow(section->sh_offset, section->sh_size, &end))
		end = UINT64_MAX;
	return end > size ? truncated(error, "sections", end, size) : 0;
}
