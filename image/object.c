/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/object.h"

#include "common/cleanup.h"
#include "image/elf_file.h"
#include "image/manifest.h"
#include "image/object_maps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SYMBOLS_BLOCK 1024
#define BTF_READ_MAX (4u << 20) /* of larger ones the maps' types stay unknown */

enum section_use { SECTION_OTHER = 0, SECTION_PROGRAMS = 1, SECTION_MAPS = 2 };

struct reading {
	struct elf_file file;
	unsigned char *uses; /* enum section_use of each section */
	const Elf64_Shdr *symbols;
	const Elf64_Shdr *btf;
	uint32_t programs; /* so far */
	uint32_t maps;
	const struct object_visitor *visitor;
	void *context;
};

int image_object_check(int fd, uint64_t size, struct error *error)
{
	const struct elf_machine machine = elf_machine_host();
	struct elf_file file;
	int result = elf_file_open(fd, size, &machine, &file, error);

	if (result == 0)
		elf_file_close(&file);
	return result;
}

int image_object_check_for(int fd, uint64_t size, const char *architecture, struct error *error)
{
	struct elf_machine machine = { .name = architecture };
	struct elf_file file;
	int result;

	if (!architecture_is_known(architecture, &machine.big_endian))
		return error_set(
			error, -EINVAL, ERROR_INVALID_ARGUMENT,
			"\"%.31s\" is no architecture that bpfd knows: write it as OCI does, "
			"amd64, arm64, ppc64le, riscv64, s390x, ...",
			architecture);
	result = elf_file_open(fd, size, &machine, &file, error);
	if (result == 0)
		elf_file_close(&file);
	return result;
}

static int sections_sort(struct reading *reading, struct error *error)
{
	for (uint32_t i = 0; i < reading->file.header.e_shnum; i++) {
		const Elf64_Shdr *section = &reading->file.sections[i];
		char name[16];
		int result;

		if (section->sh_type == SHT_SYMTAB && !reading->symbols)
			reading->symbols = section;
		if (section->sh_type != SHT_PROGBITS)
			continue;
		result = elf_file_text(&reading->file, reading->file.header.e_shstrndx,
		                       section->sh_name, name, sizeof(name), error);
		if (result < 0)
			return result;
		if (section->sh_flags & SHF_EXECINSTR)
			reading->uses[i] = strcmp(name, ".text") ? SECTION_PROGRAMS : SECTION_OTHER;
		else if (strcmp(name, ".maps") == 0)
			reading->uses[i] = SECTION_MAPS;
		else if (strcmp(name, ".BTF") == 0)
			reading->btf = section;
	}
	return 0;
}

static int bad_name(struct error *error, const char *what)
{
	return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
	                 "the object has a %s whose name is empty, too long, there twice or not "
	                 "printable: give it another name",
	                 what);
}

static bool is_printable(const char *text)
{
	for (; *text; text++) {
		if (*text <= 0x20 || *text > 0x7e)
			return false;
	}
	return true;
}

static int name_read(const struct reading *reading, const Elf64_Sym *symbol, char *name,
                     size_t size, struct error *error)
{
	return elf_file_text(&reading->file, reading->symbols->sh_link, symbol->st_name, name, size,
	                     error);
}

static int count_one(uint32_t *count, const char *what, struct error *error)
{
	if (++*count <= OBJECT_NAMES_MAX)
		return 0;
	return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
	                 "the object has more than %d %s: split it", OBJECT_NAMES_MAX, what);
}

static int program_add(struct reading *reading, const Elf64_Sym *symbol, struct error *error)
{
	const Elf64_Shdr *section = &reading->file.sections[symbol->st_shndx];
	char name[FUNCTION_NAME_SIZE + 1];
	char section_name[FUNCTION_NAME_SIZE] = "";
	const char *type = section_name;
	int result = count_one(&reading->programs, "programs", error);

	if (result == 0)
		result = name_read(reading, symbol, name, sizeof(name), error);
	if (result == 0)
		result = elf_file_text(&reading->file, reading->file.header.e_shstrndx,
		                       section->sh_name, section_name, sizeof(section_name), error);
	if (result < 0)
		return result;
	/* libbpf's mark of those that are not loaded unless asked for */
	if (*type == '?')
		type++;
	if (!is_printable(name) || !is_printable(type) ||
	    reading->visitor->program(reading->context, name, type) < 0)
		return bad_name(error, "program");
	return 0;
}

static int map_add(struct reading *reading, const Elf64_Sym *symbol, struct error *error)
{
	char name[MAP_NAME_SIZE + 1];
	int result = count_one(&reading->maps, "maps", error);

	if (result == 0)
		result = name_read(reading, symbol, name, sizeof(name), error);
	if (result < 0)
		return result;
	if (!is_printable(name) || reading->visitor->map(reading->context, name) < 0)
		return bad_name(error, "map");
	return 0;
}

static int symbol_use(struct reading *reading, const Elf64_Sym *symbol, struct error *error)
{
	unsigned int type = ELF64_ST_TYPE(symbol->st_info);
	enum section_use use;

	if (symbol->st_shndx >= reading->file.header.e_shnum)
		return 0;
	use = reading->uses[symbol->st_shndx];
	/* a program is global; a map may be static */
	if (use == SECTION_PROGRAMS && type == STT_FUNC &&
	    ELF64_ST_BIND(symbol->st_info) != STB_LOCAL)
		return program_add(reading, symbol, error);
	return use == SECTION_MAPS && type == STT_OBJECT ? map_add(reading, symbol, error) : 0;
}

static int symbols_read(struct reading *reading, struct error *error)
{
	_cleanup_free_ Elf64_Sym *block = NULL;
	uint64_t count = reading->symbols ? reading->symbols->sh_size / sizeof(*block) : 0;
	int result = 0;

	if (!count)
		return 0;
	block = calloc(SYMBOLS_BLOCK, sizeof(*block));
	if (!block)
		return error_set(error, -ENOMEM, ERROR_INTERNAL, "no memory to read the object");
	for (uint64_t at = 0; at < count; at += SYMBOLS_BLOCK) {
		size_t here = count - at < SYMBOLS_BLOCK ? (size_t)(count - at) : SYMBOLS_BLOCK;

		result = elf_file_read(&reading->file,
		                       reading->symbols->sh_offset + at * sizeof(*block), block,
		                       here * sizeof(*block), error);
		for (size_t i = 0; result == 0 && i < here; i++) {
			elf_symbol_order(&block[i], &reading->file.machine);
			result = symbol_use(reading, &block[i], error);
		}
		if (result < 0)
			return result;
	}
	return 0;
}

static int map_types_read(struct reading *reading, struct error *error)
{
	_cleanup_free_ void *bytes = NULL;
	int result;

	if (!reading->btf || !reading->maps || !reading->btf->sh_size ||
	    reading->btf->sh_size > BTF_READ_MAX)
		return 0;
	bytes = malloc(reading->btf->sh_size);
	if (!bytes)
		return error_set(error, -ENOMEM, ERROR_INTERNAL, "no memory to read the object");
	result = elf_file_read(&reading->file, reading->btf->sh_offset, bytes,
	                       reading->btf->sh_size, error);
	return result < 0 ? result
	                  : object_map_types(bytes, reading->btf->sh_size, reading->visitor,
	                                     reading->context, error);
}

static int machine_find(int fd, uint64_t size, struct elf_machine *machine, struct error *error)
{
	const struct elf_file file = { .fd = fd };
	unsigned char identity[EI_NIDENT] = {};
	int result = elf_file_read(&file, 0, identity,
	                           size < sizeof(identity) ? size : sizeof(identity), error);

	machine->name = "the object's machine";
	machine->big_endian = identity[EI_DATA] == ELFDATA2MSB;
	return result;
}

int image_object_walk(int fd, uint64_t size, const struct object_visitor *visitor, void *context,
                      struct error *error)
{
	_cleanup_free_ unsigned char *uses = NULL;
	struct reading reading = { .visitor = visitor, .context = context };
	struct elf_machine machine;
	int result = machine_find(fd, size, &machine, error);

	if (result == 0)
		result = elf_file_open(fd, size, &machine, &reading.file, error);
	if (result)
		return result;
	uses = calloc(reading.file.header.e_shnum, 1);
	reading.uses = uses;
	result = uses ? sections_sort(&reading, error)
	              : error_set(error, -ENOMEM, ERROR_INTERNAL, "no memory to read the object");
	if (result == 0)
		result = symbols_read(&reading, error);
	if (result == 0)
		result = map_types_read(&reading, error);
	elf_file_close(&reading.file);
	return result;
}

static int names_program(void *context, const char *name, const char *section)
{
	return image_names_add_program(context, name, section);
}

static int names_map(void *context, const char *name)
{
	return image_names_add_map(context, name, "unknown");
}

static int names_map_type(void *context, const char *name, const char *type)
{
	struct image_names *names = context;

	for (uint32_t i = 0; i < names->map_count; i++) {
		struct record_image_map *map = &names->maps[i];

		if (strcmp(map->name, name) != 0)
			continue;
		memset(map->type, 0,
		       sizeof(map->type)); /* a record has no rests of what was there */
		(void)snprintf(map->type, sizeof(map->type), "%s", type);
	}
	return 0;
}

int image_object_names(int fd, uint64_t size, struct image_names *names, struct error *error)
{
	static const struct object_visitor visitor = { names_program, names_map, names_map_type };
	struct image_names *found = calloc(1, sizeof(*found));
	int result;

	if (!found)
		return error_set(error, -ENOMEM, ERROR_INTERNAL, "no memory to read the object");
	result = image_object_walk(fd, size, &visitor, found, error);
	if (result == 0)
		memcpy(names, found, sizeof(*names));
	free(found);
	return result;
}
