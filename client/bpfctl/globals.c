/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/globals.h"

#include "bpfctl/plain.h"
#include "bpfctl/typed.h"
#include "bpfctl/value.h"
#include "common/cleanup.h"

#include <bpf/libbpf.h>
#include <string.h>

#define NAMES_SIZE 200

static _Bool section_is_data(const char *name)
{
	return strcmp(name, ".rodata") == 0 || strcmp(name, ".data") == 0 ||
	       strcmp(name, ".bss") == 0 || strncmp(name, ".rodata.", 8) == 0 ||
	       strncmp(name, ".data.", 6) == 0;
}

/* How many variables of one section have the name; the id of the last one's type. The others' names
 * are collected. */
static unsigned int section_search(const struct btf *btf, const struct btf_type *section,
                                   const char *name, uint32_t *type, char names[NAMES_SIZE])
{
	const struct btf_var_secinfo *entry = btf_var_secinfos(section);
	unsigned int found = 0;

	for (uint16_t i = 0; i < btf_vlen(section); i++, entry++) {
		const struct btf_type *variable = btf__type_by_id(btf, entry->type);
		const char *own = variable ? btf__name_by_offset(btf, variable->name_off) : NULL;
		size_t used = strlen(names);

		if (!own || !btf_is_var(variable))
			continue;
		if (strcmp(own, name) == 0) {
			*type = variable->type;
			found++;
		} else if (used + strlen(own) + 3 < NAMES_SIZE) {
			(void)snprintf(names + used, NAMES_SIZE - used, "%s%s", used ? ", " : "",
			               own);
		}
	}
	return found;
}

static _Bool variable_find(struct arguments *arguments, const struct btf *btf, const char *name,
                           uint32_t *type)
{
	char names[NAMES_SIZE] = "";
	unsigned int found = 0;

	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *section = btf__type_by_id(btf, id);
		const char *own = btf__name_by_offset(btf, section->name_off);

		if (btf_is_datasec(section) && own && section_is_data(own))
			found += section_search(btf, section, name, type, names);
	}
	if (found == 1)
		return 1;
	if (found)
		return complain(arguments,
		                "the object has %u global variables \"%s\" (static ones of "
		                "different functions or files): rename them",
		                found, name);
	return complain(arguments,
	                "the object has no global variable \"%s\"; its global variables are: %s",
	                name, *names ? names : "none");
}

static _Bool typed_global(struct arguments *arguments, const struct btf *btf,
                          struct bpfd_global *global)
{
	char complaint[TYPED_COMPLAINT_SIZE];
	json_t *value = plain_parse(global->value, complaint, sizeof(complaint));
	uint32_t type = 0;
	int64_t size;
	uint8_t *bytes;
	int result;

	if (!value)
		return complain(arguments, "--global %s: its value %s", global->name, complaint);
	if (!variable_find(arguments, btf, global->name, &type)) {
		json_decref(value);
		return 0;
	}
	size = btf__resolve_size(btf, type);
	bytes = size > 0 && size <= GLOBAL_DATA_MAX ? calloc(1, (size_t)size) : NULL;
	if (!bytes) {
		json_decref(value);
		return complain(arguments,
		                "global \"%s\" has %lld bytes in the object: 1 to %d can be set",
		                global->name, (long long)size, GLOBAL_DATA_MAX);
	}
	result = typed_encode(btf, type, value, bytes, (size_t)size, complaint);
	json_decref(value);
	global->value = bytes;
	global->size = (size_t)size;
	return result == 0 || complain(arguments, "--global %s: %s", global->name, complaint);
}

/* Two digits for each byte make no more bytes than there are digits. */
static _Bool raw_global(struct arguments *arguments, struct bpfd_global *global)
{
	const char *digits = (const char *)global->value + 4;
	uint8_t *bytes = malloc(strlen(digits));

	if (!bytes || !hex_parse(digits, bytes, &global->size)) {
		free(bytes);
		return complain(arguments, "--global %s: no memory", global->name);
	}
	global->value = bytes;
	return 1;
}

static int no_print(enum libbpf_print_level level, const char *format, va_list list)
{
	(void)level;
	(void)format;
	(void)list;
	return 0;
}

_Bool globals_encode(struct arguments *arguments, const char *path)
{
	struct btf *btf = NULL;
	_Bool taken = 1;

	(void)libbpf_set_print(no_print);
	for (size_t i = 0; i < arguments->global_count && taken; i++) {
		struct bpfd_global *global = &arguments->globals[i];

		if (strncmp(global->value, "hex:", 4) == 0) {
			taken = raw_global(arguments, global);
			continue;
		}
		if (!path) {
			taken = complain(
				arguments,
				"--global %s: the types of an image's variables are not known "
				"before it is loaded: give %s=hex: and the variable's bytes",
				global->name, global->name);
			continue;
		}
		if (!btf)
			btf = btf__parse_elf(path, NULL);
		if (!btf)
			taken = complain(
				arguments,
				"--global %s: the object has no BTF type information, by which "
				"\"%s\" would be understood: compile it with -g, or give "
				"%s=hex: and the variable's bytes",
				global->name, (const char *)global->value, global->name);
		else
			taken = typed_global(arguments, btf, global);
	}
	btf__free(btf);
	return taken;
}
