/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "seccomp/policy_line.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int line_wrong(const struct line *line, const char *format, ...)
{
	va_list arguments;
	char text[512];

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	(void)fprintf(line->messages, "%s:%u: %s\n", line->file, line->number, text);
	return -EINVAL;
}

int line_split(struct line *line, char *text)
{
	char *rest = NULL;

	text[strcspn(text, "#")] = '\0';
	line->count = 0;
	for (char *token = strtok_r(text, " \t\r\n", &rest); token;
	     token = strtok_r(NULL, " \t\r\n", &rest)) {
		if (line->count == LINE_TOKENS_MAX)
			return line_wrong(line, "more than %d words in a line", LINE_TOKENS_MAX);
		line->tokens[line->count++] = token;
	}
	return 0;
}

int line_expect(const struct line *line, size_t least, size_t most, const char *form)
{
	if (line->count < least || line->count > most)
		return line_wrong(line, "expected: %s", form);
	return 0;
}

int value_parse(const struct line *line, const char *text, uint64_t *value)
{
	uint64_t sum = 0;
	char *end;

	if (isdigit((unsigned char)text[0])) {
		errno = 0;
		*value = strtoull(text, &end, 0);
		return errno || *end ? line_wrong(line, "\"%s\" is not a number", text) : 0;
	}
	for (const char *part = text;; part++) {
		size_t length = strcspn(part, "|");
		uint64_t one;

		if (!symbol_constant(part, length, &one))
			return line_wrong(line, "\"%.*s\" is no constant that the compiler knows",
			                  (int)length, part);
		sum |= one;
		part += length;
		if (!*part)
			break;
	}
	*value = sum;
	return 0;
}

int mask_parse(const struct line *line, const char *text, const char *what,
               bool (*find)(const char *, size_t, uint64_t *), uint64_t *mask)
{
	for (const char *part = text;; part++) {
		size_t length = strcspn(part, "|");
		uint64_t one;

		if (!find(part, length, &one))
			return line_wrong(line, "\"%.*s\" is no %s", (int)length, part, what);
		*mask |= one;
		part += length;
		if (!*part)
			return 0;
	}
}
