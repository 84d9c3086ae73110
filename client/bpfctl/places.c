/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/places.h"

#include "common/program_type.h"
#include "common/target.h"

#include <string.h>

/* Does anything have to be looked up? */
static _Bool place_is_named(const struct arguments *arguments)
{
	const struct program_type_row *row = program_type_row(arguments->type);

	return row && row->needs & TARGET_BIT(TARGET_OFFSET) &&
	       (arguments->target.function || arguments->target.path[0] != '/');
}

/* A function's name goes along as a description, if it fits. */
static const char *function_described(const char *function)
{
	const struct target_field_row *row = target_field_row(TARGET_FUNCTION);

	return function && strlen(function) < row->size && row->text_ok(function) ? function : NULL;
}

/* Adds the function's offset. The symbol has the file's path. */
static int place_find(const struct bpfd_target *target, const char **function, uint64_t *offset,
                      struct bpfd_symbol **symbol, struct bpfd_error **error)
{
	struct bpfd_symbol_query query = {
		.binary = target->path,
		.function = *function,
		.pid = target->pid,
		.container_pid = target->container_pid,
	};
	int result = bpfd_symbol_find(&query, symbol, error);

	if (result < 0)
		return result;
	*offset += (*symbol)->offset; /* both are below 2^63 */
	*function = function_described(*function);
	return 0;
}

int places_find(const struct arguments *arguments, struct places_found *found,
                struct bpfd_target *target, struct bpfd_error **error)
{
	int result;

	found->symbol = NULL;
	*target = arguments->target;
	if (!place_is_named(arguments))
		return 0;
	memcpy(found->places, arguments->places, sizeof(found->places));
	target->places = found->places;
	result = place_find(target, &target->function, &target->offset, &found->symbol, error);
	for (size_t i = 0; i < target->place_count && result == 0; i++) {
		struct bpfd_symbol *other = NULL;
		struct bpfd_place *place = &found->places[i];

		result = place_find(target, &place->function, &place->offset, &other, error);
		bpfd_symbol_free(other);
	}
	if (result == 0)
		target->path = found->symbol->path;
	return result;
}

void places_free(struct places_found *found)
{
	bpfd_symbol_free(found->symbol);
}
