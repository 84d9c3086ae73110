/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The header lines of a registry's answer, and the challenge in them. */
#include "image/http_fields.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void text_check(const char *text, size_t size)
{
	assert(memchr(text, '\0', size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_answer answer;
	struct http_fields fields = {};
	const char *at = (const char *)data, *end = at + size;

	memset(&answer, 0, sizeof(answer));
	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		const char *next = line_end ? line_end + 1 : end;

		if (http_field_take(&fields, at, (size_t)(next - at), &answer) < 0)
			break;
		at = next;
	}
	assert(answer.status >= 0 && answer.status <= 999);
	text_check(answer.content_type, sizeof(answer.content_type));
	text_check(answer.location, sizeof(answer.location));
	text_check(answer.challenges.realm, sizeof(answer.challenges.realm));
	text_check(answer.challenges.service, sizeof(answer.challenges.service));
	for (const char *text = answer.location; *text; text++)
		assert(*text >= ' ');
	return 0;
}
