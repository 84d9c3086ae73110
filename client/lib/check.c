/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/check.h"

#include <stdint.h>
#include <string.h>

/* How many bytes the character has that starts here, and the least and most that its second byte
 * may be; 0 for none. */
static size_t utf8_lead(unsigned char lead, unsigned char *least, unsigned char *most)
{
	*least = 0x80;
	*most = 0xbf;
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef) {
		if (lead == 0xe0)
			*least = 0xa0;
		if (lead == 0xed)
			*most = 0x9f;
		return 3;
	}
	if (lead >= 0xf0 && lead <= 0xf4) {
		if (lead == 0xf0)
			*least = 0x90;
		if (lead == 0xf4)
			*most = 0x8f;
		return 4;
	}
	return 0;
}

bool utf8_ok(const char *text, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)text;
	unsigned char least, most;

	for (size_t at = 0; at < length;) {
		size_t size = utf8_lead(bytes[at], &least, &most);

		if (size == 0 || size > length - at)
			return false;
		if (size > 1 && (bytes[at + 1] < least || bytes[at + 1] > most))
			return false;
		for (size_t i = 2; i < size; i++) {
			if ((bytes[at + i] & 0xc0) != 0x80)
				return false;
		}
		at += size;
	}
	return true;
}

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
