/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Build-time tool: turns a dispatcher's object into C tables (see bpf/dispatcher_tables.h), so that
 * the broker, which is privileged, parses neither ELF nor BTF. It refuses an object that is not
 *what the tables can say.
 *
 *	bpfd-embed xdp xdp_dispatcher.bpf.o > xdp_dispatcher_tables.c
 */
#include "bpf/dispatcher_tables.h"
#include "bpf/tc_dispatcher.h"
#include "bpf/xdp_dispatcher.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INSNS_MAX 1024
#define REFERENCES_MAX 64

#ifndef R_BPF_64_64
#define R_BPF_64_64 1
#define R_BPF_64_32 10
#endif

_Static_assert(XDP_DISPATCHER_SLOTS == DISPATCHER_SLOTS && TC_DISPATCHER_SLOTS == DISPATCHER_SLOTS,
               "all dispatchers have as many slots");

/* What differs between the dispatchers. */
struct kind {
	const char *section; /* of the main function; as an argument it names the kind */
	const char *name;
	const char *map_name;
	const char *title;
	const char *program_type;
	const char *attach_type;
	size_t config_size_bytes;
};

static const struct kind kinds[] = {
	{ "xdp", XDP_DISPATCHER_NAME, "xdp_disp.rodata", "XDP", "BPF_PROG_TYPE_XDP", "BPF_XDP",
	  sizeof(struct xdp_dispatcher_config) },
	{ "tc", TC_DISPATCHER_NAME, "tc_disp.rodata", "TC", "BPF_PROG_TYPE_SCHED_CLS", "0",
	  sizeof(struct tc_dispatcher_config) },
};

struct image {
	const struct kind *kind;
	Elf *elf;
	size_t names; /* section of the sections' names */
	struct bpf_insn insns[INSNS_MAX];
	size_t main_count; /* instructions of the main section, which comes first */
	size_t insn_count;
	size_t text_index, rodata_index;
	size_t references[REFERENCES_MAX];
	size_t reference_count;
	struct btf *btf;
	const char *license;
};

static Elf_Scn *section_find(const struct image *image, const char *name)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(image->elf, section))) {
		GElf_Shdr header;

		if (!gelf_getshdr(section, &header))
			errx(1, "cannot read a section: %s", elf_errmsg(-1));
		if (!strcmp(elf_strptr(image->elf, image->names, header.sh_name), name))
			return section;
	}
	return NULL;
}

static Elf_Data *section_data(const struct image *image, const char *name)
{
	Elf_Scn *section = section_find(image, name);
	Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;

	if (!data || !data->d_buf)
		errx(1, "the object has no section %s", name);
	return data;
}

static size_t code_append(struct image *image, const char *name)
{
	Elf_Data *data = section_data(image, name);
	size_t count = data->d_size / sizeof(struct bpf_insn);

	if (image->insn_count + count > INSNS_MAX)
		errx(1, "more than %d instructions", INSNS_MAX);
	memcpy(image->insns + image->insn_count, data->d_buf, count * sizeof(struct bpf_insn));
	image->insn_count += count;
	return count;
}

/* A call of a function in .text: made relative to where .text begins in the image. */
static void call_relocate(struct image *image, size_t index, const GElf_Sym *symbol)
{
	struct bpf_insn *insn = &image->insns[index];
	size_t target = image->main_count + symbol->st_value / sizeof(*insn);

	if (symbol->st_shndx != image->text_index || target >= image->insn_count ||
	    insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg != BPF_PSEUDO_CALL)
		errx(1, "instruction %zu calls what is not a function of .text", index);
	insn->imm = (int)((long)target - (long)index - 1);
}

static void config_relocate(struct image *image, size_t index, const GElf_Sym *symbol)
{
	struct bpf_insn *insn = &image->insns[index];

	if (symbol->st_shndx != image->rodata_index || insn->code != (BPF_LD | BPF_IMM | BPF_DW))
		errx(1, "instruction %zu refers to what is not .rodata", index);
	if (image->reference_count == REFERENCES_MAX)
		errx(1, "more than %d references to .rodata", REFERENCES_MAX);
	image->references[image->reference_count++] = index;
	/* the first half takes the map's descriptor when the dispatcher is loaded, the second is an
	 * offset into its value */
	insn[1].imm = insn[0].imm + (int)symbol->st_value;
	insn[0].imm = 0;
	insn[0].src_reg = BPF_PSEUDO_MAP_VALUE;
}

static void image_relocate(struct image *image, const char *relocations)
{
	Elf_Data *data = section_data(image, relocations),
		 *symbols = section_data(image, ".symtab");

	for (size_t i = 0; i < data->d_size / sizeof(Elf64_Rel); i++) {
		GElf_Rel relocation;
		GElf_Sym symbol;

		if (!gelf_getrel(data, (int)i, &relocation) ||
		    !gelf_getsym(symbols, (int)GELF_R_SYM(relocation.r_info), &symbol))
			errx(1, "cannot read relocation %zu", i);
		size_t index = relocation.r_offset / sizeof(struct bpf_insn);

		if (index + 1 >= image->main_count)
			errx(1, "relocation %zu lies outside the main function", i);
		switch (GELF_R_TYPE(relocation.r_info)) {
		case R_BPF_64_64:
			config_relocate(image, index, &symbol);
			break;
		case R_BPF_64_32:
			call_relocate(image, index, &symbol);
			break;
		default:
			errx(1, "relocation %zu is of an unknown kind", i);
		}
	}
}

/*
 * A copy of the object's types that every kernel from 5.10 takes, without the source lines among
 * its strings. Types keep their ids. libbpf filled in the sizes and offsets of the DATASECs when it
 * opened the object.
 */
static struct btf *btf_copy(const struct btf *from)
{
	struct btf *copy = btf__new_empty();

	if (!copy)
		err(1, "cannot make BTF");
	for (unsigned int id = 1; id < btf__type_cnt(from); id++) {
		const struct btf_type *type = btf__type_by_id(from, id);

		if (btf_kind(type) > BTF_KIND_DATASEC)
			errx(1, "type %u is of kind %u, which Linux 5.10 does not know", id,
			     btf_kind(type));
		if (btf__add_type(copy, from, type) != (int)id)
			errx(1, "cannot copy type %u", id);
	}
	return copy;
}

static unsigned int function_btf_id(const struct image *image, const char *name)
{
	int id = btf__find_by_name_kind(image->btf, name, BTF_KIND_FUNC);

	if (id < 0)
		errx(1, "the object's BTF has no function %s", name);
	/* a function's linkage lies where other kinds have their member count */
	if (btf_vlen(btf__type_by_id(image->btf, (unsigned int)id)) != BTF_FUNC_GLOBAL)
		errx(1, "%s is not global: nothing could replace it", name);
	return (unsigned int)id;
}

/* Where a function begins: the main function at 0, a slot where .text has it. */
static size_t function_offset(const struct image *image, const char *name)
{
	Elf_Data *symbols = section_data(image, ".symtab");
	Elf_Scn *section = section_find(image, ".symtab");
	GElf_Shdr header;

	if (!gelf_getshdr(section, &header))
		errx(1, "cannot read .symtab");
	for (size_t i = 0; i < symbols->d_size / sizeof(Elf64_Sym); i++) {
		GElf_Sym symbol;

		if (gelf_getsym(symbols, (int)i, &symbol) &&
		    GELF_ST_TYPE(symbol.st_info) == STT_FUNC &&
		    !strcmp(elf_strptr(image->elf, header.sh_link, symbol.st_name), name))
			return symbol.st_value / sizeof(struct bpf_insn) +
			       (symbol.st_shndx == image->text_index ? image->main_count : 0);
	}
	errx(1, "the object has no function %s", name);
}

static void image_open(struct image *image, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct bpf_object *object;
	char relocations[16];

	if (fd < 0)
		err(1, "%s", path);
	(void)elf_version(EV_CURRENT);
	image->elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!image->elf || elf_getshdrstrndx(image->elf, &image->names) < 0)
		errx(1, "%s: %s", path, elf_errmsg(-1));
	object = bpf_object__open_file(path, NULL);
	if (!object)
		err(1, "%s: libbpf cannot read it", path);
	image->btf = btf_copy(bpf_object__btf(object));
	bpf_object__close(object);
	if (section_data(image, ".rodata")->d_size != image->kind->config_size_bytes)
		errx(1, ".rodata does not hold exactly the configuration: peers would not know it");
	image->rodata_index = elf_ndxscn(section_find(image, ".rodata"));
	image->text_index = elf_ndxscn(section_find(image, ".text"));
	image->license = section_data(image, "license")->d_buf;
	image->main_count = code_append(image, image->kind->section);
	(void)code_append(image, ".text");
	(void)snprintf(relocations, sizeof(relocations), ".rel%s", image->kind->section);
	image_relocate(image, relocations);
}

static void insns_print(const struct image *image)
{
	printf("static const struct bpf_insn insns[] = {\n");
	for (size_t i = 0; i < image->insn_count; i++) {
		const struct bpf_insn *insn = &image->insns[i];

		printf("\t{ 0x%02x, %u, %u, %d, %d },\n", insn->code, insn->dst_reg, insn->src_reg,
		       insn->off, insn->imm);
	}
	printf("};\n\nstatic const uint16_t references[] = {");
	for (size_t i = 0; i < image->reference_count; i++)
		printf(" %zu,", image->references[i]);
	printf(" };\n\n");
}

static void functions_print(const struct image *image)
{
	printf("static const struct bpf_func_info functions[] = {\n");
	printf("\t{ 0, %u },\n", function_btf_id(image, image->kind->name));
	if (function_offset(image, image->kind->name) != 0)
		errx(1, "%s is not the first function of its section", image->kind->name);
	for (unsigned int slot = 0; slot < DISPATCHER_SLOTS; slot++) {
		char name[8];

		(void)snprintf(name, sizeof(name), "prog%u", slot);
		printf("\t{ %zu, %u },\n", function_offset(image, name),
		       function_btf_id(image, name));
	}
	printf("};\n\n");
}

static void btf_print(const struct image *image)
{
	unsigned int size_bytes;
	const unsigned char *bytes = btf__raw_data(image->btf, &size_bytes);

	if (!bytes)
		err(1, "cannot write BTF");
	printf("static const unsigned char btf[] __attribute__((aligned(8))) = {");
	for (unsigned int i = 0; i < size_bytes; i++)
		printf("%s0x%02x,", i % 16 ? " " : "\n\t", bytes[i]);
	printf("\n};\n\n");
}

static void tables_print(const struct image *image)
{
	int config = btf__find_by_name_kind(image->btf, ".rodata", BTF_KIND_DATASEC);

	if (config < 0)
		errx(1, "the object's BTF does not describe .rodata");
	printf("const struct dispatcher_tables %s_dispatcher_tables = {\n", image->kind->section);
	printf("\t.name = \"%s\",\n\t.map_name = \"%s\",\n\t.title = \"%s\",\n", image->kind->name,
	       image->kind->map_name, image->kind->title);
	printf("\t.program_type = %s,\n\t.attach_type = %s,\n\t.config_size_bytes = %zu,\n",
	       image->kind->program_type, image->kind->attach_type, image->kind->config_size_bytes);
	printf("\t.insns = insns,\n\t.insn_count = %zu,\n", image->insn_count);
	printf("\t.config_references = references,\n\t.config_reference_count = %zu,\n",
	       image->reference_count);
	printf("\t.functions = functions,\n\t.function_count = %d,\n", DISPATCHER_SLOTS + 1);
	printf("\t.btf = btf,\n\t.btf_size_bytes = sizeof(btf),\n\t.config_btf_id = %d,\n", config);
	printf("\t.main_btf_id = %u,\n\t.slot_btf_ids = {",
	       function_btf_id(image, image->kind->name));
	for (unsigned int slot = 0; slot < DISPATCHER_SLOTS; slot++) {
		char name[8];

		(void)snprintf(name, sizeof(name), "prog%u", slot);
		printf(" %u,", function_btf_id(image, name));
	}
	printf(" },\n\t.license = \"%s\",\n};\n", image->license);
}

static const struct kind *kind_find(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!strcmp(kinds[i].section, name))
			return &kinds[i];
	}
	errx(2, "%s is no kind of dispatcher", name);
}

int main(int argc, char **argv)
{
	static struct image image;

	if (argc != 3)
		errx(2, "usage: %s KIND OBJECT", argv[0]);
	image.kind = kind_find(argv[1]);
	image_open(&image, argv[2]);
	printf("/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */\n");
	printf("/* Made by bpf/embed.c from bpf/%s.bpf.c: change that. */\n", image.kind->name);
	printf("#include \"bpf/dispatcher_tables.h\"\n\n");
	insns_print(&image);
	functions_print(&image);
	btf_print(&image);
	tables_print(&image);
	btf__free(image.btf);
	(void)elf_end(image.elf);
	return fflush(stdout) == 0 ? 0 : 1;
}
