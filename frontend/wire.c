/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WIRE_FIELDS_MAX 32 /* fields of one message type */
#define WIRE_DEPTH_MAX 8   /* messages within messages */
#define WIRE_PATH_SIZE 160
#define WIRE_REPEATED_MAX 256 /* elements of one field: more than any field may have */

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED_64 = 1, WIRE_BYTES = 2, WIRE_FIXED_32 = 5 };

/* What is left of one message, and where it lies: as which field of which other one. */
struct wire_cursor {
	const uint8_t *bytes;
	size_t size;
	unsigned int depth;
	const struct wire_cursor *outer;
	const ProtobufCFieldDescriptor *field; /* NULL: it is the request */
	uint32_t index;                        /* of a repeated field's element */
	size_t *raw_bytes;
	struct error *error;
};

/* One field as it lies there: a number, or a run of bytes. */
struct wire_value {
	enum wire_type type;
	uint64_t number;
	const uint8_t *bytes;
	size_t size;
};

#define wire_refuse(cursor, ...) \
	error_set((cursor)->error, -EINVAL, ERROR_INVALID_ARGUMENT, __VA_ARGS__)

/* "load.programs[2]": the name by which errors call it, made for none but them. */
static const char *path_print(const struct wire_cursor *cursor, char path[WIRE_PATH_SIZE])
{
	const struct wire_cursor *levels[WIRE_DEPTH_MAX + 2];
	size_t count = 0, used = 0;

	for (; cursor->field && count < WIRE_DEPTH_MAX + 2; cursor = cursor->outer)
		levels[count++] = cursor;
	if (count == 0)
		return "the request";
	path[0] = '\0';
	for (size_t left = count; left > 0 && used < WIRE_PATH_SIZE; left--) {
		const struct wire_cursor *level = levels[left - 1];
		char index[16] = "";

		if (level->field->label == PROTOBUF_C_LABEL_REPEATED)
			(void)snprintf(index, sizeof(index), "[%u]", level->index);
		used += (size_t)snprintf(path + used, WIRE_PATH_SIZE - used, "%s%s%s",
		                         left < count ? "." : "", level->field->name, index);
	}
	return path;
}

#define wire_path(cursor) path_print(cursor, (char[WIRE_PATH_SIZE]){})

static int varint_take(struct wire_cursor *cursor, uint64_t *number)
{
	uint64_t value = 0;

	for (unsigned int at = 0; at < 10 && at < cursor->size; at++) {
		uint8_t byte = cursor->bytes[at];

		if (at == 9 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << (7 * at);
		if (byte & 0x80)
			continue;
		cursor->bytes += at + 1;
		cursor->size -= at + 1;
		*number = value;
		return 0;
	}
	return wire_refuse(cursor,
	                   "%s is no protobuf message: a number in it is cut short or too long",
	                   wire_path(cursor));
}

static int bytes_take(struct wire_cursor *cursor, struct wire_value *value)
{
	uint64_t size = 0;
	int r = varint_take(cursor, &size);

	if (r < 0)
		return r;
	if (size > cursor->size)
		return wire_refuse(
			cursor,
			"%s is no protobuf message: a field of %llu bytes has only %zu left",
			wire_path(cursor), (unsigned long long)size, cursor->size);
	value->bytes = cursor->bytes;
	value->size = (size_t)size;
	cursor->bytes += size;
	cursor->size -= (size_t)size;
	return 0;
}

static int tag_take(struct wire_cursor *cursor, uint32_t *number, enum wire_type *type)
{
	uint64_t tag = 0;
	int r = varint_take(cursor, &tag);

	if (r < 0)
		return r;
	if (tag >> 3 == 0 || tag >> 32)
		return wire_refuse(cursor, "%s is no protobuf message: it has no field number %llu",
		                   wire_path(cursor), (unsigned long long)(tag >> 3));
	*number = (uint32_t)(tag >> 3);
	*type = (enum wire_type)(tag & 7);
	return 0;
}

/* Length of the UTF-8 sequence that starts with this byte, or 0; `least` is the smallest code point
 * of that length. */
static size_t sequence_length(uint8_t byte, uint32_t *least)
{
	static const struct {
		uint8_t mask, lead;
		uint32_t least;
	} kinds[] = { { 0x80, 0x00, 1 },
		      { 0xe0, 0xc0, 0x80 },
		      { 0xf0, 0xe0, 0x800 },
		      { 0xf8, 0xf0, 0x10000 } };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if ((byte & kinds[i].mask) == kinds[i].lead) {
			*least = kinds[i].least;
			return i + 1;
		}
	}
	return 0;
}

bool wire_text_ok(const uint8_t *bytes, size_t size)
{
	for (size_t at = 0; at < size;) {
		uint32_t least;
		size_t length = sequence_length(bytes[at], &least);

		if (length == 0 || length > size - at)
			return false;

		uint32_t point = length == 1 ? bytes[at] : bytes[at] & (0x7fu >> length);

		for (size_t i = 1; i < length; i++) {
			if ((bytes[at + i] & 0xc0) != 0x80)
				return false;
			point = point << 6 | (bytes[at + i] & 0x3f);
		}
		if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
			return false;
		at += length;
	}
	return true;
}

/* The types that bpfd.proto uses and that travel as numbers; the others below travel as bytes. */
static int number_check(const struct wire_cursor *cursor, const ProtobufCFieldDescriptor *field,
                        uint64_t number)
{
	unsigned long long shown = number;

	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT64:
		return 0;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_SINT32:
		if (number > UINT32_MAX)
			return wire_refuse(cursor, "%s is %llu: at most %u fits", wire_path(cursor),
			                   shown, UINT32_MAX);
		return 0;
	case PROTOBUF_C_TYPE_BOOL:
		if (number > 1)
			return wire_refuse(cursor, "%s is %llu: a bool is 0 or 1",
			                   wire_path(cursor), shown);
		return 0;
	case PROTOBUF_C_TYPE_ENUM:
		if (number > INT32_MAX ||
		    !protobuf_c_enum_descriptor_get_value(field->descriptor, (int)number))
			return wire_refuse(
				cursor, "%s is %lld: %s has no such value", wire_path(cursor),
				(long long)number,
				((const ProtobufCEnumDescriptor *)field->descriptor)->short_name);
		return 0;
	default:
		return wire_refuse(cursor, "%s has the wrong wire type for a number",
		                   wire_path(cursor));
	}
}

static bool travels_as_bytes(ProtobufCType type)
{
	return type == PROTOBUF_C_TYPE_STRING || type == PROTOBUF_C_TYPE_BYTES ||
	       type == PROTOBUF_C_TYPE_MESSAGE;
}

static int many_refuse(const struct wire_cursor *cursor)
{
	return wire_refuse(cursor, "%s has too many elements: no field may have more than %d",
	                   wire_path(cursor), WIRE_REPEATED_MAX);
}

/* A packed run of numbers. */
static int packed_check(const struct wire_cursor *cursor, const ProtobufCFieldDescriptor *field,
                        const struct wire_value *value)
{
	struct wire_cursor run = *cursor;
	uint64_t number = 0;
	int r = 0;

	run.bytes = value->bytes;
	run.size = value->size;
	for (unsigned int count = 0; r == 0 && run.size; count++) {
		if (count == WIRE_REPEATED_MAX)
			return many_refuse(cursor);
		r = varint_take(&run, &number);
		if (r == 0)
			r = number_check(cursor, field, number);
	}
	return r;
}

static int message_check(const ProtobufCMessageDescriptor *descriptor, struct wire_cursor cursor);

static int bytes_check(const struct wire_cursor *cursor, const ProtobufCFieldDescriptor *field,
                       const struct wire_value *value)
{
	struct wire_cursor inner = *cursor;

	switch (field->type) {
	case PROTOBUF_C_TYPE_BYTES:
		*cursor->raw_bytes += value->size;
		return 0;
	case PROTOBUF_C_TYPE_STRING:
		if (!wire_text_ok(value->bytes, value->size))
			return wire_refuse(cursor, "%s is not UTF-8 text without NUL bytes",
			                   wire_path(cursor));
		return 0;
	case PROTOBUF_C_TYPE_MESSAGE:
		inner.bytes = value->bytes;
		inner.size = value->size;
		inner.depth++;
		return message_check(field->descriptor, inner);
	default:
		if (field->label != PROTOBUF_C_LABEL_REPEATED)
			return wire_refuse(cursor,
			                   "%s has the wrong wire type: a number is expected",
			                   wire_path(cursor));
		return packed_check(cursor, field, value);
	}
}

static int value_take(struct wire_cursor *cursor, const ProtobufCFieldDescriptor *field,
                      struct wire_value *value)
{
	if (value->type == WIRE_BYTES)
		return bytes_take(cursor, value);
	if (value->type == WIRE_VARINT && !travels_as_bytes(field->type))
		return varint_take(cursor, &value->number);
	return wire_refuse(cursor,
	                   "field \"%s\" of %s has wire type %d, which its type does not have",
	                   field->name, wire_path(cursor), (int)value->type);
}

/* A field that is not repeated comes once, and of a oneof comes one member. */
static int once_check(const struct wire_cursor *cursor,
                      const ProtobufCMessageDescriptor *descriptor,
                      const ProtobufCFieldDescriptor *field, const uint32_t *counts)
{
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return 0;
	if (counts[field - descriptor->fields])
		return wire_refuse(cursor, "field \"%s\" of %s is given twice", field->name,
		                   wire_path(cursor));
	if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
		return 0;
	for (unsigned int i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *other = &descriptor->fields[i];

		if (counts[i] && other->flags & PROTOBUF_C_FIELD_FLAG_ONEOF &&
		    other->quantifier_offset == field->quantifier_offset)
			return wire_refuse(cursor,
			                   "%s has both \"%s\" and \"%s\": give one of them",
			                   wire_path(cursor), other->name, field->name);
	}
	return 0;
}

static int field_check(const ProtobufCMessageDescriptor *descriptor, struct wire_cursor *cursor,
                       uint32_t *counts)
{
	struct wire_value value = { .bytes = NULL };
	uint32_t number = 0;
	int r = tag_take(cursor, &number, &value.type);

	if (r < 0)
		return r;

	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field(descriptor, number);

	if (!field)
		return wire_refuse(
			cursor,
			"%s has a field %u that version 1 of the protocol does not know: "
			"is the client newer than bpfd?",
			wire_path(cursor), number);
	r = once_check(cursor, descriptor, field, counts);
	if (r == 0)
		r = value_take(cursor, field, &value);
	if (r < 0)
		return r;

	struct wire_cursor named = *cursor;

	named.outer = cursor;
	named.field = field;
	named.index = counts[field - descriptor->fields]++;
	if (counts[field - descriptor->fields] > WIRE_REPEATED_MAX)
		return many_refuse(&named);
	if (value.type == WIRE_BYTES)
		return bytes_check(&named, field, &value);
	return number_check(&named, field, value.number);
}

static int message_check(const ProtobufCMessageDescriptor *descriptor, struct wire_cursor cursor)
{
	uint32_t counts[WIRE_FIELDS_MAX] = { 0 };

	if (descriptor->n_fields > WIRE_FIELDS_MAX || cursor.depth > WIRE_DEPTH_MAX)
		return wire_refuse(&cursor, "%s is nested too deeply", wire_path(&cursor));
	while (cursor.size) {
		int r = field_check(descriptor, &cursor, counts);

		if (r < 0)
			return r;
	}
	return 0;
}

int wire_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t size,
               size_t *raw_bytes, struct error *error)
{
	size_t counted = 0;
	struct wire_cursor cursor = {
		.bytes = bytes, .size = size, .raw_bytes = &counted, .error = error
	};
	int r = message_check(descriptor, cursor);

	if (r == 0)
		*raw_bytes = counted;
	return r;
}
