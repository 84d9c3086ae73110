/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A signed note: the lines origin, size, root and perhaps more, an empty line, and for each
 * signature a line of a dash, a name, and base64 of four bytes of the key's id and the signature.
 * The text up to the empty line is signed, its last newline included.
 */
#include "workers/verifier/key.h"
#include "workers/verifier/log_entry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_HINT_SIZE 4
#define SIGNATURE_LINES_MAX 16
#define LINE_START "\xe2\x80\x94 " /* an em dash */

/* The second and third line are the tree's size and root. */
static bool text_is_about(const char *text, size_t length, int64_t size, const struct bytes *root)
{
	const char *origin_end = memchr(text, '\n', length);
	char *digest = base64_encode(root->data, root->size);
	char lines[96];

	if (!origin_end || !digest) {
		free(digest);
		return false;
	}

	int wanted = snprintf(lines, sizeof(lines), "\n%" PRId64 "\n%s\n", size, digest);

	free(digest);
	return wanted > 0 && (size_t)wanted < sizeof(lines) &&
	       (size_t)(text + length - origin_end) >= (size_t)wanted &&
	       memcmp(origin_end, lines, (size_t)wanted) == 0;
}

/* The base64 behind the name in a line of `length` bytes. */
static int line_decode(const char *line, size_t length, struct bytes *bytes)
{
	size_t start = strlen(LINE_START);
	const char *space;

	if (length <= start || memcmp(line, LINE_START, start) != 0)
		return -EBADMSG;
	space = memchr(line + start, ' ', length - start);
	if (!space)
		return -EBADMSG;
	return base64_decode(space + 1, (size_t)(line + length - space - 1), bytes);
}

static bool line_verify(const char *line, size_t length, const char *text, size_t text_length,
                        const struct trusted_log *log)
{
	_cleanup_bytes_ struct bytes signature = {};

	return line_decode(line, length, &signature) == 0 && signature.size > KEY_HINT_SIZE &&
	       log->id_size >= KEY_HINT_SIZE &&
	       memcmp(signature.data, log->id, KEY_HINT_SIZE) == 0 &&
	       key_verify(log->key, text, text_length, signature.data + KEY_HINT_SIZE,
	                  signature.size - KEY_HINT_SIZE);
}

bool checkpoint_verify(const char *envelope, const struct trusted_log *log, int64_t size,
                       const struct bytes *root)
{
	const char *gap = strstr(envelope, "\n\n");
	size_t length = gap ? (size_t)(gap - envelope) + 1 : 0;
	const char *line;

	if (!gap || !text_is_about(envelope, length, size, root))
		return false;
	line = gap + 2;
	for (int i = 0; i < SIGNATURE_LINES_MAX && *line; i++) {
		const char *end = strchr(line, '\n');

		if (!end)
			return false;
		if (line_verify(line, (size_t)(end - line), envelope, length, log))
			return true;
		line = end + 1;
	}
	return false;
}
