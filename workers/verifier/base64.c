/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/verifier/base64.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>

/* EVP_DecodeBlock() takes spaces around the text, padding that is missing, and stray bits. */
static int letter_value(char letter)
{
	if (letter >= 'A' && letter <= 'Z')
		return letter - 'A';
	if (letter >= 'a' && letter <= 'z')
		return letter - 'a' + 26;
	if (letter >= '0' && letter <= '9')
		return letter - '0' + 52;
	return letter == '+' ? 62 : letter == '/' ? 63 : -1;
}

/* `count` letters (2, 3 or 4) to count - 1 bytes */
static int group_decode(const char *text, size_t count, uint8_t *out)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		int value = i < count ? letter_value(text[i]) : 0;

		if (value < 0)
			return -EBADMSG;
		bits = bits << 6 | (uint32_t)value;
	}
	if (bits & ((1u << (8 * (4 - count))) - 1))
		return -EBADMSG;
	for (size_t i = 0; i + 1 < count; i++)
		out[i] = (uint8_t)(bits >> (16 - 8 * i));
	return 0;
}

static int groups_decode(const char *text, size_t letters, uint8_t *out)
{
	for (size_t i = 0; i < letters; i += 4) {
		size_t count = letters - i < 4 ? letters - i : 4;
		int result = group_decode(text + i, count, out + i / 4 * 3);

		if (result < 0)
			return result;
	}
	return 0;
}

int base64_decode(const char *text, size_t length, struct bytes *bytes)
{
	size_t letters = length;

	if (length % 4)
		return -EBADMSG;
	while (letters && length - letters < 2 && text[letters - 1] == '=')
		letters--;

	size_t size = letters * 6 / 8;
	uint8_t *data = malloc(size + 1);

	if (!data)
		return -ENOMEM;

	int result = groups_decode(text, letters, data);

	if (result < 0) {
		free(data);
		return result;
	}
	data[size] = 0;
	*bytes = (struct bytes){ .data = data, .size = size };
	return 0;
}

char *base64_encode(const void *data, size_t size)
{
	if (size > INT_MAX / 2)
		return NULL;

	char *text = malloc((size + 2) / 3 * 4 + 1);

	if (text)
		(void)EVP_EncodeBlock((unsigned char *)text, data, (int)size);
	return text;
}
