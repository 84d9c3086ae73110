/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/check.h"
#include "client/lib/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const char *value_check(const ProtobufCFieldDescriptor *field, const void *value)
{
	const char *text;
	int number;

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		text = *(const char *const *)value;
		return !text || utf8_ok(text, strlen(text)) ? NULL : field->name;
	case PROTOBUF_C_TYPE_ENUM:
		number = *(const int *)value;
		return protobuf_c_enum_descriptor_get_value(field->descriptor, number)
		               ? NULL
		               : field->name;
	case PROTOBUF_C_TYPE_MESSAGE:
		return message_check(*(const ProtobufCMessage *const *)value);
	default:
		return NULL;
	}
}

static size_t value_size(const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_ENUM ? sizeof(int) : sizeof(void *);
}

static const char *field_check(const ProtobufCMessage *message,
                               const ProtobufCFieldDescriptor *field)
{
	const char *base = (const char *)message;
	const char *value = base + field->offset;
	size_t count;

	if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_ENUM &&
	    field->type != PROTOBUF_C_TYPE_MESSAGE)
		return NULL;
	if (field->label != PROTOBUF_C_LABEL_REPEATED) {
		bool absent = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
		              *(const uint32_t *)(base + field->quantifier_offset) != field->id;

		return absent ? NULL : value_check(field, value);
	}
	count = *(const size_t *)(base + field->quantifier_offset);
	for (size_t i = 0; i < count; i++) {
		const char *name =
			value_check(field, *(const char *const *)value + i * value_size(field));

		if (name)
			return name;
	}
	return NULL;
}

const char *message_check(const ProtobufCMessage *message)
{
	if (!message)
		return NULL;
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const char *name = field_check(message, &message->descriptor->fields[i]);

		if (name)
			return name;
	}
	return NULL;
}
