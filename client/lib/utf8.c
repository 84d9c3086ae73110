/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/utf8.h"

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
