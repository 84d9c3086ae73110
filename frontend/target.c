/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/target.h"

#include "common/log.h"
#include "common/program_type.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ACTIONS_MAX 32
#define SHOWN_SIZE 200 /* of a text, in an error */

#define refuse(error, ...) error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT, __VA_ARGS__)

static bool oneof_given(const ProtobufCFieldDescriptor *field, const char *message)
{
	uint32_t given;

	memcpy(&given, message + field->quantifier_offset, sizeof(given));
	return given == field->id;
}

/* A number of any of the types that the message has. Beyond what the record takes it is -1, which
 * no field allows. */
static int64_t number_read(const ProtobufCFieldDescriptor *field, const char *at)
{
	uint64_t wide;
	uint32_t narrow;

	if (field->type == PROTOBUF_C_TYPE_UINT64) {
		memcpy(&wide, at, sizeof(wide));
		return wide > INT64_MAX ? -1 : (int64_t)wide;
	}
	memcpy(&narrow, at, sizeof(narrow)); /* bool and enum are ints */
	return field->type == PROTOBUF_C_TYPE_SINT32 ? (int64_t)(int32_t)narrow : (int64_t)narrow;
}

static void number_write(const ProtobufCFieldDescriptor *field, char *message, int64_t number)
{
	uint32_t narrow = (uint32_t)number;

	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		memcpy(message + field->quantifier_offset, &field->id, sizeof(field->id));
	if (field->type == PROTOBUF_C_TYPE_UINT64)
		memcpy(message + field->offset, &number, sizeof(number));
	else
		memcpy(message + field->offset, &narrow, sizeof(narrow));
}

static int text_field_take(const struct target_field_row *row, const char *text,
                           struct record_target *out, struct error *error)
{
	size_t length = strlen(text);
	char shown[SHOWN_SIZE];

	if (length >= row->size)
		return refuse(error, "%s \"%s\" is %zu bytes long: at most %u are allowed",
		              row->name, log_escape(text, shown, sizeof(shown)), length,
		              row->size - 1);
	memcpy((char *)out + row->offset, text, length);
	return 0;
}

/* "0 (aborted), 1 (drop), ..." */
static const char *actions_list(const struct action_table *actions, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < actions->count && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%d (%s)", i ? ", " : "",
		                         actions->rows[i].code, actions->rows[i].name);
	return out;
}

int proceed_on_take(uint32_t type, const int32_t *codes, size_t count, uint32_t *mask,
                    struct error *error)
{
	const struct program_type_row *row = program_type_row(type);
	uint32_t taken = 0;
	char list[400];

	if (!row || !row->actions)
		return refuse(error,
		              "proceed_on is given, which %s programs do not take: they are in no "
		              "chain",
		              row ? row->name : "these");
	for (size_t i = 0; i < count; i++) {
		uint32_t bit;

		if (!action_by_code(row->actions, codes[i]))
			return refuse(error,
			              "proceed_on has %d, which is no return value of %s programs: "
			              "they are %s",
			              codes[i], row->name,
			              actions_list(row->actions, list, sizeof(list)));
		bit = 1u << (codes[i] + row->actions->bias);
		if (taken & bit)
			return refuse(error, "proceed_on has %d twice", codes[i]);
		taken |= bit;
	}
	*mask = taken;
	return 0;
}

static int field_take(const Bpfd__V1__Target *message, const ProtobufCFieldDescriptor *descriptor,
                      uint32_t type, struct record_target *out, struct error *error)
{
	const char *bytes = (const char *)message, *at = bytes + descriptor->offset;
	enum target_field field = target_field_by_name(descriptor->name);
	const struct target_field_row *row;
	bool optional = descriptor->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;
	int64_t number;

	if (field == TARGET_FIELD_END)
		return 0; /* the places, which are no field */
	row = target_field_row(field);
	if (row->kind == TARGET_KIND_TEXT)
		return text_field_take(row, *(const char *const *)(const void *)at, out, error);
	if (row->kind == TARGET_KIND_ACTIONS) {
		if (!message->n_proceed_on)
			return 0;
		out->given |= TARGET_BIT(field);
		if (!program_type_row(type)->actions)
			return 0; /* target_check() refuses that it is given at all */
		return proceed_on_take(type, message->proceed_on, message->n_proceed_on,
		                       &out->proceed_on, error);
	}
	if (optional && !oneof_given(descriptor, bytes))
		return 0;
	number = number_read(descriptor, at);
	if (number < 0 && !row->is_signed)
		return refuse(error, "%s is out of range: it goes to %lld", row->name,
		              (long long)row->most);
	if (optional)
		out->given |= TARGET_BIT(field);
	target_number_set(out, field, number);
	return 0;
}

static int places_take(const Bpfd__V1__Target *message, struct record_places *places,
                       struct error *error)
{
	const struct target_field_row *row = target_field_row(TARGET_FUNCTION);
	struct record_target one = {};
	int result = 0;

	memset(places, 0, sizeof(*places));
	if (!message)
		return 0;
	if (message->n_places >= PLACES_MAX)
		return refuse(error, "attach.target has %zu places: at most %u are allowed",
		              message->n_places + 1, PLACES_MAX);
	for (size_t i = 0; i < message->n_places && result == 0; i++) {
		const Bpfd__V1__Place *place = message->places[i];

		memset(one.function, 0, sizeof(one.function));
		result = text_field_take(row, place->function, &one, error);
		memcpy(places->entries[i].function, one.function, sizeof(one.function));
		places->entries[i].offset = place->offset;
	}
	places->count = (uint32_t)message->n_places;
	return result;
}

int target_take(const Bpfd__V1__Target *message, uint32_t type, struct record_target *out,
                struct record_places *places, struct error *error)
{
	const ProtobufCMessageDescriptor *descriptor = &bpfd__v1__target__descriptor;
	const struct program_type_row *row = program_type_row(type);
	int result = 0;

	memset(out, 0, sizeof(*out));
	if (!row)
		return refuse(error, "attach.type is missing: it must be the program's type");
	for (unsigned int i = 0; message && i < descriptor->n_fields && result == 0; i++)
		result = field_take(message, &descriptor->fields[i], type, out, error);
	if (result == 0)
		result = places_take(message, places, error);
	return result < 0 ? result : places_check(type, out, places, error);
}

static bool actions_give(struct arena *arena, const struct action_table *actions, uint32_t mask,
                         Bpfd__V1__Target *out)
{
	if (!actions)
		return true;
	out->proceed_on = arena_take_array(arena, ACTIONS_MAX, sizeof(*out->proceed_on));
	for (size_t i = 0; out->proceed_on && i < actions->count; i++) {
		if (mask & 1u << (actions->rows[i].code + actions->bias))
			out->proceed_on[out->n_proceed_on++] = actions->rows[i].code;
	}
	return out->proceed_on != NULL;
}

/* A link in the order of an interface has a priority, which may be 0; one outside of it has none.
 */
static bool number_shown(const struct program_type_row *type, const struct record_target *target,
                         enum target_field field)
{
	if (field != TARGET_PRIORITY || !(type->takes & TARGET_BIT(TARGET_INTERFACE)))
		return target_has(target, field);
	return !target->exclusive;
}

static void field_give(const ProtobufCFieldDescriptor *descriptor,
                       const struct program_type_row *type, const struct record_target *target,
                       Bpfd__V1__Target *out)
{
	enum target_field field = target_field_by_name(descriptor->name);
	char *at = (char *)out + descriptor->offset;
	char *text;

	if (field == TARGET_FIELD_END)
		return;
	if (target_field_row(field)->kind == TARGET_KIND_TEXT) {
		text = text_const(target_text(target, field));
		memcpy(at, &text, sizeof(text));
	} else if (target_field_row(field)->kind != TARGET_KIND_ACTIONS &&
	           number_shown(type, target, field)) {
		number_write(descriptor, (char *)out, target_number(target, field));
	}
}

static bool places_give(struct arena *arena, const struct record_places *places,
                        Bpfd__V1__Target *out)
{
	Bpfd__V1__Place *given;

	if (!places || !places->count)
		return true;
	out->places = arena_take_array(arena, places->count, sizeof(void *));
	given = arena_take_array(arena, places->count, sizeof(*given));
	if (!out->places || !given)
		return false;
	for (uint32_t i = 0; i < places->count; i++) {
		bpfd__v1__place__init(&given[i]);
		given[i].function = text_const(places->entries[i].function);
		given[i].offset = places->entries[i].offset;
		out->places[out->n_places++] = &given[i];
	}
	return true;
}

Bpfd__V1__Target *target_give(struct arena *arena, uint32_t type,
                              const struct record_target *target,
                              const struct record_places *places)
{
	const ProtobufCMessageDescriptor *descriptor = &bpfd__v1__target__descriptor;
	const struct program_type_row *row = program_type_row(type);
	Bpfd__V1__Target *out = arena_take(arena, sizeof(*out));

	if (!out || !row)
		return NULL;
	bpfd__v1__target__init(out);
	for (unsigned int i = 0; i < descriptor->n_fields; i++)
		field_give(&descriptor->fields[i], row, target, out);
	if (!places_give(arena, places, out))
		return NULL;
	if (target->exclusive)
		return out;
	return actions_give(arena, row->actions, target->proceed_on, out) ? out : NULL;
}
