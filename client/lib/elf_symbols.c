/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/elf_symbols.h"

#include "client/lib/elf_file.h"
#include "client/lib/error.h"
#include "common/cleanup.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#define PLACES_KEPT 3
#define VERSION_HIDDEN 0x8000 /* in .gnu.version: not what a new program is linked to */

/* What counts more among functions of one name. */
enum rank { RANK_NONE, RANK_OLD_VERSION, RANK_LOCAL, RANK_GLOBAL };

/* The places of the best rank, each once. */
struct search {
	const struct elf_file *file;
	const char *function;
	size_t length;
	enum rank rank;
	uint64_t places[PLACES_KEPT];
	size_t place_count; /* the last one is there for "and more" */
	bool chosen_later;  /* by a resolver, when a program starts (STT_GNU_IFUNC) */
	size_t function_count;
	bool has_symtab;
};

/* One table of symbols. */
struct table {
	uint8_t *symbols;
	uint8_t *names;    /* with a zero behind them */
	uint8_t *versions; /* NULL: none */
	size_t count;
	size_t name_bytes;
	size_t version_count;
};

static void table_cleanup(const struct table *table)
{
	free(table->symbols);
	free(table->names);
	free(table->versions);
}

static void elf_file_cleanup(struct elf_file *file)
{
	elf_file_close(file);
}

static int versions_read(const struct elf_file *file, struct table *table)
{
	struct elf_section section;

	if (!elf_section_find(file, SHT_GNU_versym, &section))
		return 0;
	table->version_count = (size_t)section.size_bytes / sizeof(uint16_t);
	return elf_section_read(file, &section, &table->versions);
}

static int table_read(const struct elf_file *file, const struct elf_section *section,
                      struct table *table)
{
	struct elf_section names;
	int result;

	if (section->entry_bytes != elf_symbol_size(file) ||
	    !elf_section_get(file, section->link, &names) || names.type != SHT_STRTAB)
		return -ENOEXEC;
	table->count = (size_t)(section->size_bytes / section->entry_bytes);
	table->name_bytes = (size_t)names.size_bytes;
	result = elf_section_read(file, section, &table->symbols);
	if (result == 0)
		result = elf_section_read(file, &names, &table->names);
	if (result == 0 && section->type == SHT_DYNSYM)
		result = versions_read(file, table);
	return result;
}

static bool version_hidden(const struct table *table, size_t index)
{
	uint16_t version;

	if (index >= table->version_count)
		return false;
	memcpy(&version, table->versions + index * sizeof(version), sizeof(version));
	return version & VERSION_HIDDEN;
}

static enum rank symbol_rank(const struct search *search, const struct table *table, size_t index,
                             const struct elf_symbol *symbol)
{
	const char *name = (const char *)table->names + symbol->name;
	const char *rest = name + search->length;

	if (symbol->name >= table->name_bytes ||
	    strncmp(name, search->function, search->length) != 0)
		return RANK_NONE;
	if (*rest && *rest != '@')
		return RANK_NONE;
	if ((rest[0] == '@' && rest[1] != '@') || version_hidden(table, index))
		return RANK_OLD_VERSION;
	return symbol->binding == STB_LOCAL ? RANK_LOCAL : RANK_GLOBAL;
}

static void place_add(struct search *search, enum rank rank, const struct elf_symbol *symbol)
{
	if (rank < search->rank)
		return;
	if (rank > search->rank) {
		search->rank = rank;
		search->place_count = 0;
		search->chosen_later = false;
	}
	search->chosen_later |= symbol->type == STT_GNU_IFUNC;
	for (size_t i = 0; i < search->place_count; i++) {
		if (search->places[i] == symbol->address)
			return;
	}
	if (search->place_count < PLACES_KEPT)
		search->places[search->place_count++] = symbol->address;
}

static int table_search(struct search *search, const struct elf_section *section)
{
	_cleanup_(table) struct table table = {};
	size_t size = elf_symbol_size(search->file);
	int result = table_read(search->file, section, &table);

	for (size_t i = 0; result == 0 && i < table.count; i++) {
		struct elf_symbol symbol = elf_symbol_take(search->file, table.symbols + i * size);
		enum rank rank;

		if ((symbol.type != STT_FUNC && symbol.type != STT_GNU_IFUNC) ||
		    symbol.section == SHN_UNDEF)
			continue;
		search->function_count++;
		rank = symbol_rank(search, &table, i, &symbol);
		if (rank != RANK_NONE)
			place_add(search, rank, &symbol);
	}
	return result;
}

static int tables_search(struct search *search)
{
	struct elf_section section;
	int result = 0;

	if (elf_section_find(search->file, SHT_SYMTAB, &section)) {
		search->has_symtab = true;
		result = table_search(search, &section);
	}
	if (result == 0 && elf_section_find(search->file, SHT_DYNSYM, &section))
		result = table_search(search, &section);
	return result;
}

static int error_file(struct bpfd_error **error, int result, const char *path)
{
	switch (result) {
	case -ENOMEM:
		return error_memory(error);
	case -ENOEXEC:
		return error_make(error, result, BPFD_ERROR_BAD_OBJECT,
		                  "\"%s\" is not a whole program or shared library of this "
		                  "machine: it is no ELF file, or a broken one",
		                  path);
	case -EFBIG:
		return error_make(error, result, BPFD_ERROR_BAD_OBJECT,
		                  "the symbols of \"%s\" are larger than %u MiB: give an offset "
		                  "in the file instead of a function",
		                  path, ELF_BLOCK_MAX >> 20);
	default:
		return error_make(error, result, BPFD_ERROR_INVALID_ARGUMENT,
		                  "cannot read \"%s\": %s", path, strerror(-result));
	}
}

static int error_none(struct bpfd_error **error, const struct search *search, const char *path)
{
	if (search->function_count == 0)
		return error_make(error, -ENOENT, BPFD_ERROR_NOT_FOUND,
		                  "\"%s\" names no functions: it was stripped; give an offset in "
		                  "the file instead",
		                  path);
	if (!search->has_symtab)
		return error_make(error, -ENOENT, BPFD_ERROR_NOT_FOUND,
		                  "\"%s\" exports no function \"%s\", and the names of others were "
		                  "stripped from it: check the name with \"nm -D\", or give an "
		                  "offset in the file instead",
		                  path, search->function);
	return error_make(error, -ENOENT, BPFD_ERROR_NOT_FOUND,
	                  "\"%s\" has no function \"%s\": check the name with \"nm\" or \"nm -D\"",
	                  path, search->function);
}

static int error_several(struct bpfd_error **error, const struct search *search, const char *path)
{
	uint64_t one = search->places[0], other = search->places[1];

	(void)elf_offset_find(search->file, one, &one);
	(void)elf_offset_find(search->file, other, &other);
	return error_make(error, -ENOTUNIQ, BPFD_ERROR_INVALID_ARGUMENT,
	                  "\"%s\" has several functions \"%s\", at the offsets %llu, %llu%s: give "
	                  "one of them instead of the name",
	                  path, search->function, (unsigned long long)one,
	                  (unsigned long long)other, search->place_count > 2 ? " and more" : "");
}

static int place_give(const struct search *search, const char *path, uint64_t *offset,
                      struct bpfd_error **error)
{
	if (search->rank == RANK_NONE)
		return error_none(error, search, path);
	if (search->chosen_later)
		return error_make(
			error, -EOPNOTSUPP, BPFD_ERROR_UNSUPPORTED,
			"\"%s\" of \"%s\" is one of several functions, chosen for the processor "
			"when a program starts: name the one that is used, or give its offset",
			search->function, path);
	if (search->place_count > 1)
		return error_several(error, search, path);
	if (!elf_offset_find(search->file, search->places[0], offset))
		return error_make(error, -ENOEXEC, BPFD_ERROR_BAD_OBJECT,
		                  "function \"%s\" has no instructions in \"%s\": debug files have "
		                  "names alone, so name the program itself",
		                  search->function, path);
	return 0;
}

int elf_function_find(int fd, const char *path, const char *function, uint64_t *offset,
                      struct bpfd_error **error)
{
	_cleanup_(elf_file) struct elf_file file = {};
	struct search search = { .file = &file, .function = function, .length = strlen(function) };
	int result = elf_file_open(fd, &file);

	if (result == 0 && file.type != ET_EXEC && file.type != ET_DYN)
		result = -ENOEXEC;
	if (result == 0)
		result = tables_search(&search);
	return result < 0 ? error_file(error, result, path)
	                  : place_give(&search, path, offset, error);
}
