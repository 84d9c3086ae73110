/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Types that a stranger made up: the input builds them, one call of libbpf for each few bytes, so
 * that they refer to each other in any way; then it is a value that is read by the last of them,
 * and a text that is written by it and read again.
 */
#include "bpfctl/plain.h"
#include "bpfctl/typed.h"

#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 256
#define TYPES_MAX 64

struct input {
	const uint8_t *at;
	size_t left;
};

static uint32_t take(struct input *input)
{
	if (!input->left)
		return 0;
	input->left--;
	return *input->at++;
}

static void type_add(struct btf *btf, struct input *input)
{
	static const size_t sizes[] = { 1, 2, 4, 8, 16 };
	uint32_t kind = take(input) % 9, a = take(input), b = take(input);
	int id = (int)(a % TYPES_MAX);

	switch (kind) {
	case 0:
		(void)btf__add_int(btf, a & 1 ? "char" : "int", sizes[b % 5], (int)(a % 5));
		break;
	case 1:
		(void)btf__add_ptr(btf, id);
		break;
	case 2:
		(void)btf__add_array(btf, 1, id, b);
		break;
	case 3:
		(void)btf__add_struct(btf, "s", b);
		break;
	case 4:
		(void)btf__add_field(btf, b % 4 ? "m" : "", id, 8 * take(input) + (b & 7),
		                     b & 8 ? take(input) : 0);
		break;
	case 5:
		(void)btf__add_typedef(btf, "t", id);
		break;
	case 6:
		(void)btf__add_enum(btf, "e", (uint32_t)sizes[b % 4]);
		(void)btf__add_enum_value(btf, "ONE", (int64_t)a - 100);
		break;
	case 7:
		(void)btf__add_float(btf, "f", sizes[1 + b % 4]);
		break;
	default:
		(void)btf__add_datasec(btf, ".data", b);
		(void)btf__add_datasec_var_info(btf, id, a, take(input));
		break;
	}
}

/* What was read can be written again, but for what is cut off or has no name of its own. */
static void value_try(const struct btf *btf, uint32_t type, const uint8_t *bytes, size_t size)
{
	uint8_t again[VALUE_MAX] = {};
	char complaint[TYPED_COMPLAINT_SIZE];
	json_t *value = typed_decode(btf, type, bytes, size);

	if (value)
		(void)typed_encode(btf, type, value, again, size, complaint);
	json_decref(value);
}

static void text_try(const struct btf *btf, uint32_t type, const char *text, size_t size)
{
	uint8_t bytes[VALUE_MAX] = {};
	char complaint[TYPED_COMPLAINT_SIZE];
	json_t *value = plain_parse(text, complaint, sizeof(complaint));

	if (value && typed_encode(btf, type, value, bytes, size, complaint) == 0)
		value_try(btf, type, bytes, size);
	json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct btf *btf = btf__new_empty();
	uint32_t count = take(&input) % TYPES_MAX;
	uint8_t bytes[VALUE_MAX] = {};
	char text[VALUE_MAX] = "";

	if (!btf)
		return 0;
	while (count-- && input.left)
		type_add(btf, &input);

	size_t value_size = take(&input);
	size_t text_size = input.left < sizeof(text) ? input.left : sizeof(text) - 1;

	if (text_size) {
		memcpy(bytes, input.at, text_size);
		memcpy(text, input.at, text_size);
	}
	for (uint32_t type = 0; type < btf__type_cnt(btf); type++) {
		value_try(btf, type, bytes, value_size);
		text_try(btf, type, text, value_size);
	}
	btf__free(btf);
	return 0;
}
