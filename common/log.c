/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *log_role = "bpfd";
static enum log_level log_most = LOG_LEVEL_INFO;
static bool log_journal;

void log_open(const char *role, enum log_level most)
{
	log_role = role;
	log_most = most;
	log_journal = getenv("JOURNAL_STREAM") != NULL;
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[2048];
	int length = 0;
	va_list arguments;

	if (level > log_most)
		return;
	if (log_journal)
		length = snprintf(line, sizeof(line), "<%d>", (int)level);
	length += snprintf(line + length, sizeof(line) - (size_t)length, "bpfd-%s: ", log_role);
	va_start(arguments, format);
	int text = vsnprintf(line + length, sizeof(line) - (size_t)length - 1, format, arguments);
	va_end(arguments);
	if (text < 0)
		return;
	length += text;
	if ((size_t)length > sizeof(line) - 2)
		length = sizeof(line) - 2;
	line[length++] = '\n';
	/* Nothing can be done about a log line that nobody takes. */
	if (write(STDERR_FILENO, line, (size_t)length) < 0)
		return;
}

const char *log_escape(const char *text, char *out, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	size_t used = 0;

	for (; *text && used + 5 <= size; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\') {
			out[used++] = (char)byte;
			continue;
		}
		out[used++] = '\\';
		out[used++] = 'x';
		out[used++] = hex[byte >> 4];
		out[used++] = hex[byte & 15];
	}
	if (size)
		out[used] = '\0';
	return out;
}
