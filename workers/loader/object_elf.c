/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Two things that libbpf knows from the ELF file and does not tell. */
#include "workers/loader/loader.h"

#include <bpf/btf.h>
#include <gelf.h>
#include <string.h>

struct symbols {
	Elf *elf;
	Elf_Data *data;
	size_t count;
	size_t names; /* section of their names */
};

static Elf_Scn *section_of_type(Elf *elf, uint32_t type, GElf_Shdr *header)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(elf, section))) {
		if (gelf_getshdr(section, header) && header->sh_type == type)
			return section;
	}
	return NULL;
}

static bool symbols_open(const struct object *object, struct symbols *symbols)
{
	GElf_Shdr header;
	Elf_Scn *section;

	/* libelf only reads what it is given this way */
	symbols->elf = elf_memory((char *)(uintptr_t)object->bytes, object->size);
	if (!symbols->elf)
		return false;
	section = section_of_type(symbols->elf, SHT_SYMTAB, &header);
	symbols->data = section ? elf_getdata(section, NULL) : NULL;
	if (!symbols->data || header.sh_entsize == 0) {
		(void)elf_end(symbols->elf);
		return false;
	}
	symbols->count = header.sh_size / header.sh_entsize;
	symbols->names = header.sh_link;
	return true;
}

static const char *symbol_name(const struct symbols *symbols, size_t index, GElf_Sym *symbol)
{
	if (index >= symbols->count || !gelf_getsym(symbols->data, (int)index, symbol))
		return NULL;
	return elf_strptr(symbols->elf, symbols->names, symbol->st_name);
}

bool object_symbol_is_weak(const struct object *object, const char *name)
{
	struct symbols symbols;
	bool weak = false;

	if (!symbols_open(object, &symbols))
		return false;
	for (size_t i = 0; i < symbols.count; i++) {
		GElf_Sym symbol;
		const char *found = symbol_name(&symbols, i, &symbol);

		if (found && strcmp(found, name) == 0 && GELF_ST_BIND(symbol.st_info) == STB_WEAK)
			weak = true;
	}
	(void)elf_end(symbols.elf);
	return weak;
}

static bool section_is_named(Elf *elf, Elf_Scn *section, const char *wanted)
{
	size_t names;
	GElf_Shdr header;
	const char *name;

	if (!section || !gelf_getshdr(section, &header) || elf_getshdrstrndx(elf, &names) < 0)
		return false;
	name = elf_strptr(elf, names, header.sh_name);
	return name && strcmp(name, wanted) == 0;
}

struct btf *object_btf_original(const struct object *object)
{
	Elf *elf = elf_memory((char *)(uintptr_t)object->bytes, object->size);
	Elf_Scn *section = NULL;
	Elf_Data *data = NULL;
	struct btf *btf = NULL;

	while (elf && (section = elf_nextscn(elf, section))) {
		if (section_is_named(elf, section, ".BTF"))
			data = elf_getdata(section, NULL);
	}
	if (data && data->d_buf)
		btf = btf__new(data->d_buf, (uint32_t)data->d_size);
	(void)elf_end(elf);
	return btf;
}

static bool relocations_name(const struct symbols *symbols, Elf_Scn *section,
                             const GElf_Shdr *header, const char *function)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;

	for (size_t i = 0; data && i < count; i++) {
		GElf_Rel relocation;
		GElf_Sym symbol;
		const char *name;

		if (!gelf_getrel(data, (int)i, &relocation))
			return false;
		name = symbol_name(symbols, GELF_R_SYM(relocation.r_info), &symbol);
		if (name && GELF_ST_TYPE(symbol.st_info) == STT_FUNC && strcmp(name, function) == 0)
			return true;
	}
	return false;
}

bool object_is_tail_target(const struct object *object, const char *function)
{
	struct symbols symbols;
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	bool found = false;

	if (!symbols_open(object, &symbols))
		return false;
	while (!found && (section = elf_nextscn(symbols.elf, section))) {
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_REL &&

		    section_is_named(symbols.elf, elf_getscn(symbols.elf, header.sh_info), ".maps"))
			found = relocations_name(&symbols, section, &header, function);
	}
	(void)elf_end(symbols.elf);
	return found;
}
