/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/words.h"
#include "bpfctl/typed.h"

#include "common/cleanup.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Unions of unions of unions show the same bytes again and again: as often as this, then raw. */
#define PARTS_LEAST 1024
#define PARTS_PER_BYTE 8

struct bounds {
	unsigned int depth;
	size_t *parts; /* that may still be shown */
};

static json_t *decode(const struct btf *btf, uint32_t id, const uint8_t *bytes, size_t size,
                      struct bounds bounds);

static unsigned int bit_mask(size_t bit)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return 1u << bit % 8;
#else
	return 0x80u >> bit % 8;
#endif
}

/* Where bit `i` of a number of `count` bits lies. */
static size_t bit_place(size_t offset, size_t count, size_t i)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	(void)count;
	return offset + i;
#else
	return offset + count - 1 - i;
#endif
}

typed_number bits_read(const uint8_t *bytes, size_t offset, size_t count)
{
	typed_number number = 0;

	for (size_t i = 0; i < count; i++) {
		size_t bit = bit_place(offset, count, i);

		if (bytes[bit / 8] & bit_mask(bit))
			number |= (typed_number)1 << i;
	}
	return number;
}

void bits_write(uint8_t *bytes, size_t offset, size_t count, typed_number number)
{
	for (size_t i = 0; i < count; i++) {
		size_t bit = bit_place(offset, count, i);
		unsigned int mask = bit_mask(bit);
		unsigned int rest = bytes[bit / 8] & ~mask;

		bytes[bit / 8] = (uint8_t)(number >> i & 1 ? rest | mask : rest);
	}
}

const struct btf_type *typed_resolve(const struct btf *btf, uint32_t *id)
{
	for (int steps = 0; steps < TYPED_DEPTH_MAX; steps++) {
		const struct btf_type *type = btf__type_by_id(btf, *id);

		if (!type || !*id)
			return NULL;
		if (!btf_is_mod(type) && !btf_is_typedef(type) && !btf_is_var(type))
			return type;
		*id = type->type;
	}
	return NULL;
}

_Bool typed_is_text(const struct btf *btf, const struct btf_type *type, uint32_t *count)
{
	uint32_t id = btf_is_array(type) ? btf_array(type)->type : 0;
	const struct btf_type *element = typed_resolve(btf, &id);
	const char *name = element ? btf__name_by_offset(btf, element->name_off) : NULL;

	if (!name || !btf_is_int(element) || element->size != 1 || strcmp(name, "char") != 0)
		return 0;
	*count = btf_array(type)->nelems;
	return 1;
}

json_t *typed_hex(const uint8_t *bytes, size_t size)
{
	char *text = hex_text("hex:", bytes, size);
	json_t *json = text ? json_string(text) : NULL;

	free(text);
	return json;
}

void typed_number_print(char text[TYPED_NUMBER_SIZE], typed_number magnitude, _Bool negative)
{
	char digits[TYPED_NUMBER_SIZE];
	size_t at = sizeof(digits) - 1;

	digits[at] = '\0';
	do
		digits[--at] = (char)('0' + (int)(magnitude % 10));
	while (magnitude /= 10);
	if (negative)
		digits[--at] = '-';
	memcpy(text, digits + at, sizeof(digits) - at);
}

static json_t *number_json(typed_number number, size_t bits, _Bool is_signed)
{
	_Bool negative = is_signed && number >> (bits - 1) & 1;
	char text[TYPED_NUMBER_SIZE];

	if (negative && bits < TYPED_NUMBER_BITS)
		number |= ~(typed_number)0 << bits;
	if (negative)
		number = 0 - number;
	if (number <= INT64_MAX)
		return json_integer(negative ? -(json_int_t)number : (json_int_t)number);
	if (negative && number == (typed_number)INT64_MAX + 1)
		return json_integer(INT64_MIN);
	typed_number_print(text, number, negative);
	return json_string(text);
}

static json_t *enumerator_json(const struct btf *btf, const struct btf_type *type, uint64_t number,
                               size_t bits)
{
	uint64_t mask = bits < 64 ? (1ull << bits) - 1 : UINT64_MAX;
	uint16_t count = btf_vlen(type);

	for (uint16_t i = 0; i < count; i++) {
		uint64_t value = btf_is_enum64(type) ? btf_enum64_value(btf_enum64(type) + i)
		                                     : (uint32_t)btf_enum(type)[i].val;
		uint32_t name = btf_is_enum64(type) ? btf_enum64(type)[i].name_off
		                                    : btf_enum(type)[i].name_off;

		if ((value & mask) == number)
			return json_string(btf__name_by_offset(btf, name) ?: "");
	}
	return number_json(number, bits, btf_kflag(type));
}

/* A number of so many bits: an int, bool or enum, perhaps a part of one. */
static json_t *bits_decode(const struct btf *btf, const struct btf_type *type, const uint8_t *bytes,
                           size_t offset, size_t bits)
{
	typed_number number = bits_read(bytes, offset, bits);

	if (btf_is_any_enum(type))
		return enumerator_json(btf, type, (uint64_t)number, bits);
	if (btf_int_encoding(type) & BTF_INT_BOOL)
		return json_boolean(number != 0);
	return number_json(number, bits, btf_int_encoding(type) & BTF_INT_SIGNED);
}

static json_t *pointer_json(const uint8_t *bytes, size_t size)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "0x%" PRIx64,
	               (uint64_t)bits_read(bytes, 0, 8 * (size < 8 ? size : 8)));
	return json_string(text);
}

static json_t *float_json(const uint8_t *bytes, size_t size)
{
	double number;
	float small;

	if (size == sizeof(number)) {
		memcpy(&number, bytes, sizeof(number));
	} else if (size == sizeof(small)) {
		memcpy(&small, bytes, sizeof(small));
		number = (double)small;
	} else {
		return typed_hex(bytes, size);
	}
	if (isnan(number)) /* JSON has neither; strtod() takes these words */
		return json_string("nan");
	if (isinf(number))
		return json_string(number < 0 ? "-inf" : "inf");
	return json_real(number);
}

/* Printable, and nothing but zeros behind its end. */
static json_t *text_json(const uint8_t *bytes, size_t size)
{
	size_t length = strnlen((const char *)bytes, size);

	for (size_t i = 0; i < size; i++) {
		if (i < length ? bytes[i] < 0x20 || bytes[i] > 0x7e : bytes[i] != 0)
			return NULL;
	}
	return json_stringn((const char *)bytes, length);
}

static json_t *array_decode(const struct btf *btf, const struct btf_type *type,
                            const uint8_t *bytes, size_t size, struct bounds bounds)
{
	const struct btf_array *array = btf_array(type);
	int64_t step = btf__resolve_size(btf, array->type);
	uint32_t count;
	json_t *list;

	if (typed_is_text(btf, type, &count) && count <= size) {
		json_t *text = text_json(bytes, count);

		if (text)
			return text;
	}
	if (step <= 0 || array->nelems > size / (uint64_t)step)
		return typed_hex(bytes, size);
	list = json_array();
	for (uint32_t i = 0; i < array->nelems; i++)
		(void)json_array_append_new(
			list,
			decode(btf, array->type, bytes + i * (uint64_t)step, (size_t)step, bounds));
	return list;
}

static json_t *member_decode(const struct btf *btf, const struct btf_type *type, uint16_t i,
                             const uint8_t *bytes, size_t size, struct bounds bounds)
{
	const struct btf_member *member = &btf_members(type)[i];
	size_t offset = btf_member_bit_offset(type, i), bits = btf_member_bitfield_size(type, i);
	uint32_t id = member->type;
	const struct btf_type *of = typed_resolve(btf, &id);
	int64_t own = btf__resolve_size(btf, member->type);

	if (!of || own < 0 || offset > 8 * size)
		return json_null();
	if (bits) {
		if (bits > 64 || bits > 8 * size - offset ||
		    (!btf_is_int(of) && !btf_is_any_enum(of)))
			return json_null();
		return bits_decode(btf, of, bytes, offset, bits);
	}
	if (offset % 8 || (uint64_t)own > size - offset / 8)
		return json_null();
	return decode(btf, member->type, bytes + offset / 8, (size_t)own, bounds);
}

static json_t *members_decode(const struct btf *btf, const struct btf_type *type,
                              const uint8_t *bytes, size_t size, struct bounds bounds)
{
	json_t *object = json_object();

	for (uint16_t i = 0; i < btf_vlen(type); i++) {
		const char *name = btf__name_by_offset(btf, btf_members(type)[i].name_off);
		json_t *value = member_decode(btf, type, i, bytes, size, bounds);

		if (name && *name) {
			(void)json_object_set_new(object, name, value);
			continue;
		}
		if (json_is_object(value))
			(void)json_object_update_missing(object, value);
		json_decref(value);
	}
	return object;
}

static json_t *section_decode(const struct btf *btf, const struct btf_type *type,
                              const uint8_t *bytes, size_t size, struct bounds bounds)
{
	const struct btf_var_secinfo *entry = btf_var_secinfos(type);
	json_t *object = json_object();

	for (uint16_t i = 0; i < btf_vlen(type); i++, entry++) {
		const struct btf_type *variable = btf__type_by_id(btf, entry->type);
		const char *name = variable ? btf__name_by_offset(btf, variable->name_off) : NULL;

		if (!name || entry->offset > size || entry->size > size - entry->offset)
			continue;
		(void)json_object_set_new(
			object, name,
			decode(btf, entry->type, bytes + entry->offset, entry->size, bounds));
	}
	return object;
}

static json_t *decode(const struct btf *btf, uint32_t id, const uint8_t *bytes, size_t size,
                      struct bounds bounds)
{
	const struct btf_type *type = typed_resolve(btf, &id);

	if (!type || ++bounds.depth > TYPED_DEPTH_MAX || !*bounds.parts)
		return typed_hex(bytes, size);
	--*bounds.parts;
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		if (!type->size || type->size > size || 8 * type->size > TYPED_NUMBER_BITS)
			break;
		return bits_decode(btf, type, bytes, 0, 8 * (size_t)type->size);
	case BTF_KIND_PTR:
		return pointer_json(bytes, size);
	case BTF_KIND_FLOAT:
		return float_json(bytes, size);
	case BTF_KIND_ARRAY:
		return array_decode(btf, type, bytes, size, bounds);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return members_decode(btf, type, bytes, size, bounds);
	case BTF_KIND_DATASEC:
		return section_decode(btf, type, bytes, size, bounds);
	default:
		break;
	}
	return typed_hex(bytes, size);
}

json_t *typed_decode(const struct btf *btf, uint32_t type, const uint8_t *bytes, size_t size)
{
	size_t parts = PARTS_LEAST + PARTS_PER_BYTE * size;

	return decode(btf, type, bytes, size, (struct bounds){ 0, &parts });
}
