/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/text.h"
#include "client/lib/utf8.h"

#include <stdlib.h>
#include <string.h>

/* How many bytes the UTF-8 character at `text` has; 0 if there is none. */
static size_t character_size(const char *text, size_t size)
{
	for (size_t length = 1; length <= 4 && length <= size; length++) {
		if (utf8_ok(text, length))
			return length;
	}
	return 0;
}

/* True for U+0080 to U+009F, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069. */
static _Bool character_moves(const unsigned char *bytes, size_t length)
{
	if (length == 2)
		return bytes[0] == 0xc2 && bytes[1] < 0xa0;
	if (length != 3 || bytes[0] != 0xe2)
		return 0;
	if (bytes[1] == 0x80)
		return bytes[2] == 0x8e || bytes[2] == 0x8f ||
		       (bytes[2] >= 0xa8 && bytes[2] <= 0xae);
	return bytes[1] == 0x81 && bytes[2] >= 0xa6 && bytes[2] <= 0xa9;
}

/* Cleans what starts at `text` into `out`; gives out how many bytes it took, returns how many it
 * wrote. */
static size_t character_clean(const char *text, size_t size, const char *kept, char *out,
                              size_t *taken)
{
	size_t length = character_size(text, size);
	unsigned char first = (unsigned char)*text;

	*taken = length ? length : 1;
	if (length == 0 || character_moves((const unsigned char *)text, length) || first == 0x7f ||
	    (first < 0x20 && (first == 0 || !strchr(kept, first)))) {
		*out = '?';
		return 1;
	}
	memcpy(out, text, length);
	return length;
}

char *text_clean(const char *text)
{
	size_t size = strlen(text), used = 0, taken;
	char *out = malloc(size + 1);

	if (!out)
		return NULL;
	for (size_t at = 0; at < size; at += taken)
		used += character_clean(text + at, size - at, "", out + used, &taken);
	out[used] = '\0';
	return out;
}

static void clean_print(FILE *out, const char *text, size_t size, const char *kept)
{
	char character[4];
	size_t taken;

	for (size_t at = 0; at < size; at += taken) {
		size_t length = character_clean(text + at, size - at, kept, character, &taken);

		(void)fwrite(character, 1, length, out);
	}
}

void text_print(FILE *out, const char *text)
{
	clean_print(out, text, strlen(text), "");
}

void lines_print(FILE *out, const char *text, size_t size)
{
	clean_print(out, text, size, "\n\t");
}
