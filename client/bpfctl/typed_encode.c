/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/typed.h"

#include "bpfctl/value.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is being written, for complaints: the names on the way, and the text. */
struct writer {
	const struct btf *btf;
	char path[96];
	char *complaint;
	unsigned int depth;
};

static int encode(struct writer *writer, uint32_t id, const json_t *value, uint8_t *bytes,
                  size_t size);

__attribute__((format(printf, 2, 3))) static int refuse(struct writer *writer, const char *format,
                                                        ...)
{
	char reason[160];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(reason, sizeof(reason), format, list);
	va_end(list);
	if (snprintf(writer->complaint, TYPED_COMPLAINT_SIZE, "%s%s%s", writer->path,
	             *writer->path ? ": " : "", reason) >= TYPED_COMPLAINT_SIZE)
		memcpy(writer->complaint + TYPED_COMPLAINT_SIZE - sizeof("..."), "...",
		       sizeof("..."));
	return -EINVAL;
}

/* Encodes a part, under its name. */
static int part_encode(struct writer *writer, const char *name, uint32_t id, const json_t *value,
                       uint8_t *bytes, size_t size)
{
	size_t length = strlen(writer->path);
	int result;

	(void)snprintf(writer->path + length, sizeof(writer->path) - length, "%s%s",
	               length && *name != '[' ? "." : "", name);
	result = encode(writer, id, value, bytes, size);
	if (result == 0)
		writer->path[length] = '\0';
	return result;
}

/* A number as a text: decimal or 0x, negative perhaps. `magnitude` without the sign. */
static _Bool number_text_parse(const char *text, typed_number *magnitude, _Bool *negative)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	unsigned int base = 10;

	*negative = *text == '-';
	text += *negative;
	if (strncmp(text, "0x", 2) == 0) {
		base = 16;
		text += 2;
	}
	*magnitude = 0;
	if (!*text)
		return 0;
	for (; *text; text++) {
		const char *digit = strchr(digits, *text);
		unsigned int number = digit ? (unsigned int)(digit - digits) % 16 : base;

		if (number >= base || __builtin_mul_overflow(*magnitude, base, magnitude) ||
		    __builtin_add_overflow(*magnitude, number, magnitude))
			return 0;
	}
	return 1;
}

static _Bool number_take(const json_t *value, typed_number *magnitude, _Bool *negative)
{
	if (json_is_integer(value)) {
		json_int_t number = json_integer_value(value);

		*negative = number < 0;
		*magnitude = *negative ? 0 - (uint64_t)number : (uint64_t)number;
		return 1;
	}
	return json_is_string(value) &&
	       number_text_parse(json_string_value(value), magnitude, negative);
}

static int number_encode(struct writer *writer, const json_t *value, _Bool is_signed,
                         uint8_t *bytes, size_t offset, size_t bits)
{
	typed_number most, magnitude;
	char text[TYPED_NUMBER_SIZE];
	_Bool negative;

	if (!bits)
		return refuse(writer, "there is no room for a number");
	most = ~(typed_number)0 >> (TYPED_NUMBER_BITS - bits);
	if (!number_take(value, &magnitude, &negative))
		return refuse(writer, "a number is wanted%s%.40s",
		              json_is_string(value) ? ", not " : "",
		              json_is_string(value) ? json_string_value(value) : "");
	if (is_signed)
		most >>= 1;
	if (negative ? !is_signed || magnitude > most + 1 : magnitude > most) {
		typed_number_print(text, magnitude, negative);
		return refuse(writer, "%s does not fit %s number of %zu bits", text,
		              is_signed ? "a signed" : "an unsigned", bits);
	}
	bits_write(bytes, offset, bits, negative ? 0 - magnitude : magnitude);
	return 0;
}

static int bool_encode(struct writer *writer, const json_t *value, uint8_t *bytes, size_t offset,
                       size_t bits)
{
	const char *text = json_string_value(value);

	if (json_is_boolean(value) || (text && (!strcmp(text, "true") || !strcmp(text, "false")))) {
		bits_write(bytes, offset, bits,
		           json_is_true(value) || (text && !strcmp(text, "true")));
		return 0;
	}
	return number_encode(writer, value, 0, bytes, offset, 1);
}

static int enumerator_encode(struct writer *writer, const struct btf_type *type,
                             const json_t *value, uint8_t *bytes, size_t offset, size_t bits)
{
	const char *text = json_string_value(value);

	for (uint16_t i = 0; text && i < btf_vlen(type); i++) {
		uint32_t name = btf_is_enum64(type) ? btf_enum64(type)[i].name_off
		                                    : btf_enum(type)[i].name_off;

		if (strcmp(btf__name_by_offset(writer->btf, name) ?: "", text) != 0)
			continue;
		bits_write(bytes, offset, bits,
		           btf_is_enum64(type) ? btf_enum64_value(btf_enum64(type) + i)
		                               : (uint32_t)btf_enum(type)[i].val);
		return 0;
	}
	if (text && (*text < '0' || *text > '9') && *text != '-')
		return refuse(writer, "\"%.40s\" is no value of enum %s", text,
		              btf__name_by_offset(writer->btf, type->name_off) ?: "");
	return number_encode(writer, value, btf_kflag(type), bytes, offset, bits);
}

static int bits_encode(struct writer *writer, const struct btf_type *type, const json_t *value,
                       uint8_t *bytes, size_t offset, size_t bits)
{
	if (btf_is_any_enum(type))
		return enumerator_encode(writer, type, value, bytes, offset, bits);
	if (btf_int_encoding(type) & BTF_INT_BOOL)
		return bool_encode(writer, value, bytes, offset, bits);
	return number_encode(writer, value, btf_int_encoding(type) & BTF_INT_SIGNED, bytes, offset,
	                     bits);
}

static int float_encode(struct writer *writer, const json_t *value, uint8_t *bytes, size_t size)
{
	const char *text = json_string_value(value);
	char *end = NULL;
	double number = text ? strtod(text, &end) : json_number_value(value);
	float small = (float)number;

	if (text ? end == text || *end : !json_is_number(value))
		return refuse(writer, "a number is wanted");
	if (size == sizeof(number))
		memcpy(bytes, &number, sizeof(number));
	else if (size == sizeof(small))
		memcpy(bytes, &small, sizeof(small));
	else
		return refuse(writer, "numbers of %zu bytes are not understood: use hex:", size);
	return 0;
}

static int text_encode(struct writer *writer, const char *text, uint8_t *bytes, size_t size)
{
	size_t length = strlen(text);

	if (length > size)
		return refuse(writer, "the text has %zu bytes, there is room for %zu", length,
		              size);
	for (size_t i = 0; i < size; i++)
		bytes[i] = i < length ? (uint8_t)text[i] : 0; /* an end only where there is room */
	return 0;
}

static int array_encode(struct writer *writer, const struct btf_type *type, const json_t *value,
                        uint8_t *bytes, size_t size)
{
	const struct btf_array *array = btf_array(type);
	int64_t step = btf__resolve_size(writer->btf, array->type);
	size_t count = json_array_size(value);
	int result = 0;
	uint32_t chars;

	if (json_is_string(value) && typed_is_text(writer->btf, type, &chars))
		return text_encode(writer, json_string_value(value), bytes, size);
	if (!json_is_array(value))
		return refuse(writer, "a list of %u is wanted, as [1,2]", array->nelems);
	if (count != array->nelems || step <= 0 || count > size / (uint64_t)step)
		return refuse(writer, "the list has %zu elements, it must have %u", count,
		              array->nelems);
	for (size_t i = 0; i < count && !result; i++) {
		char name[24];

		(void)snprintf(name, sizeof(name), "[%zu]", i);
		result = part_encode(writer, name, array->type, json_array_get(value, i),
		                     bytes + i * (uint64_t)step, (size_t)step);
	}
	return result;
}

/* A member with its place; found in nameless members too. */
struct place {
	const struct btf_type *type; /* of a bit field, without names */
	uint32_t id;
	size_t offset, bits, size; /* offset in bits from the outermost */
};

/* How far it goes: nameless members may hold each other over and over. */
#define MEMBERS_MAX 65536

struct search {
	unsigned int depth;
	size_t *members; /* that may still be looked at */
};

static _Bool member_find(const struct btf *btf, const struct btf_type *type, const char *name,
                         size_t base, struct search search, struct place *place)
{
	for (uint16_t i = 0; i < btf_vlen(type) && *search.members; i++) {
		const struct btf_member *member = &btf_members(type)[i];
		const char *own = btf__name_by_offset(btf, member->name_off);
		uint32_t id = member->type;
		const struct btf_type *of = typed_resolve(btf, &id);
		int64_t size = btf__resolve_size(btf, member->type);
		size_t offset = base + btf_member_bit_offset(type, i);

		--*search.members;
		if (!of || !own || size < 0)
			continue;
		if (!*own && btf_is_composite(of) && search.depth < TYPED_DEPTH_MAX &&
		    member_find(btf, of, name, offset,
		                (struct search){ search.depth + 1, search.members }, place))
			return 1;
		if (!*own || strcmp(own, name) != 0)
			continue;
		*place = (struct place){ of, member->type, offset,
			                 btf_member_bitfield_size(type, i), (size_t)size };
		return 1;
	}
	return 0;
}

static int member_encode(struct writer *writer, const struct btf_type *type, const char *name,
                         const json_t *value, uint8_t *bytes, size_t size)
{
	size_t members = MEMBERS_MAX;
	struct place place;

	if (!member_find(writer->btf, type, name, 0, (struct search){ 0, &members }, &place))
		return refuse(writer, "there is no member \"%.60s\"", name);
	if (place.bits) {
		if (place.bits > 64 || place.offset + place.bits > 8 * size ||
		    (!btf_is_int(place.type) && !btf_is_any_enum(place.type)))
			return refuse(writer, "bit field \"%.60s\" is not understood", name);
		return bits_encode(writer, place.type, value, bytes, place.offset, place.bits);
	}
	if (place.offset % 8 || place.offset / 8 > size || place.size > size - place.offset / 8)
		return refuse(writer, "member \"%.60s\" lies outside", name);
	return part_encode(writer, name, place.id, value, bytes + place.offset / 8, place.size);
}

static int variable_encode(struct writer *writer, const struct btf_type *type, const char *name,
                           const json_t *value, uint8_t *bytes, size_t size)
{
	const struct btf_var_secinfo *entry = btf_var_secinfos(type);

	for (uint16_t i = 0; i < btf_vlen(type); i++, entry++) {
		const struct btf_type *variable = btf__type_by_id(writer->btf, entry->type);
		const char *own =
			variable ? btf__name_by_offset(writer->btf, variable->name_off) : NULL;

		if (!own || strcmp(own, name) != 0 || entry->offset > size ||
		    entry->size > size - entry->offset)
			continue;
		return part_encode(writer, name, entry->type, value, bytes + entry->offset,
		                   entry->size);
	}
	return refuse(writer, "there is no variable \"%.60s\"", name);
}

static int object_encode(struct writer *writer, const struct btf_type *type, const json_t *value,
                         uint8_t *bytes, size_t size)
{
	const char *name;
	json_t *part;
	int result = 0;

	if (!json_is_object(value))
		return refuse(writer, "members are wanted, as {a=1,b=2}");
	/* jansson's iteration takes no constant object, and changes none */
	json_object_foreach((json_t *)(uintptr_t)value, name, part)
	{
		result = btf_is_datasec(type)
		                 ? variable_encode(writer, type, name, part, bytes, size)
		                 : member_encode(writer, type, name, part, bytes, size);
		if (result)
			break;
	}
	return result;
}

static int hex_encode(struct writer *writer, const char *text, uint8_t *bytes, size_t size)
{
	size_t length = strlen(text);
	uint8_t *raw = malloc(length + 1);
	size_t given = 0;
	_Bool ok = raw && hex_parse(text, raw, &given);

	if (ok && given == size)
		memcpy(bytes, raw, size);
	free(raw);
	if (!ok)
		return refuse(writer, "hex: takes two digits for each byte");
	return given == size ? 0
	                     : refuse(writer, "hex: has %zu bytes, %zu are wanted", given, size);
}

static int encode(struct writer *writer, uint32_t id, const json_t *value, uint8_t *bytes,
                  size_t size)
{
	const struct btf_type *type = typed_resolve(writer->btf, &id);
	const char *text = json_string_value(value);
	int result;

	if (text && strncmp(text, "hex:", 4) == 0)
		return hex_encode(writer, text + 4, bytes, size);
	if (!type || ++writer->depth > TYPED_DEPTH_MAX)
		return refuse(writer, "its type is not known: use hex:");
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		if (!type->size || 8 * type->size > TYPED_NUMBER_BITS || type->size > size)
			result = refuse(writer, "numbers of %u bytes are not understood: use hex:",
			                type->size);
		else
			result = bits_encode(writer, type, value, bytes, 0, 8 * (size_t)type->size);
		break;
	case BTF_KIND_PTR:
		result = number_encode(writer, value, 0, bytes, 0, 8 * (size < 8 ? size : 8));
		break;
	case BTF_KIND_FLOAT:
		result = float_encode(writer, value, bytes, size);
		break;
	case BTF_KIND_ARRAY:
		result = array_encode(writer, type, value, bytes, size);
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
		result = object_encode(writer, type, value, bytes, size);
		break;
	default:
		result = refuse(writer, "its type is not known: use hex:");
	}
	writer->depth--;
	return result;
}

int typed_encode(const struct btf *btf, uint32_t type, const json_t *value, uint8_t *bytes,
                 size_t size, char complaint[TYPED_COMPLAINT_SIZE])
{
	struct writer writer = { .btf = btf, .complaint = complaint };

	return encode(&writer, type, value, bytes, size);
}
