/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "declare/text.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

struct declaration_text {
	struct declaration_text *next;
	char bytes[];
};

char *text_keep(struct declaration_text **texts, const char *text)
{
	size_t size = strlen(text) + 1;
	struct declaration_text *kept = malloc(sizeof(*kept) + size);

	if (!kept)
		return NULL;
	kept->next = *texts;
	*texts = kept;
	return memcpy(kept->bytes, text, size);
}

void texts_free(struct declaration_text *texts)
{
	while (texts) {
		struct declaration_text *next = texts->next;

		free(texts);
		texts = next;
	}
}

/* Where the first line begins that sorts after `line`. */
static size_t line_place(const char *lines, const char *line)
{
	const char *at = lines;

	while (*at) {
		size_t length = strcspn(at, "\n") + 1;
		size_t own = strlen(line);
		int order = strncmp(line, at, own < length ? own : length);

		if (order < 0 || (order == 0 && own < length))
			break;
		at += length;
	}
	return (size_t)(at - lines);
}

int lines_add(char **lines, const char *name, const char *value)
{
	char *line = NULL;
	int length = asprintf(&line, "%s=%s\n", name, value);

	if (length < 0)
		return -ENOMEM;

	const char *old = *lines ? *lines : "";
	size_t place = line_place(old, line);
	size_t size = strlen(old) + (size_t)length + 1;
	char *made = malloc(size);

	if (made) {
		(void)snprintf(made, size, "%.*s%s%s", (int)place, old, line, old + place);
		free(*lines);
		*lines = made;
	}
	free(line);
	return made ? 0 : -ENOMEM;
}

static _Bool line_is(const char *line, const char *name)
{
	size_t length = strlen(name);

	return strncmp(line, name, length) == 0 && line[length] == '=';
}

_Bool lines_have(const char *lines, const char *name)
{
	for (const char *at = lines; at && *at; at += strcspn(at, "\n") + 1) {
		if (line_is(at, name))
			return 1;
	}
	return 0;
}

char *lines_without_order(const char *lines)
{
	char *made = strdup(lines ? lines : "");
	char *to = made;

	if (!made)
		return NULL;
	for (const char *at = lines; at && *at; at += strcspn(at, "\n") + 1) {
		size_t length = strcspn(at, "\n") + 1;

		if (line_is(at, "priority") || line_is(at, "proceed-on"))
			continue;
		memcpy(to, at, length);
		to += length;
	}
	*to = '\0';
	return made;
}

void mark_make(const void *bytes, size_t size, const char *lines, char mark[DECLARATION_MARK_SIZE])
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx context;

	sha256_init(&context);
	if (size)
		sha256_update(&context, size, bytes);
	if (lines)
		sha256_update(&context, strlen(lines), (const uint8_t *)lines);
	sha256_digest(&context, sizeof(digest), digest);
	for (size_t i = 0; i < (DECLARATION_MARK_SIZE - 1) / 2; i++)
		(void)snprintf(mark + 2 * i, 3, "%02x", digest[i]);
}
