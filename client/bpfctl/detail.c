/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/detail.h"
#include "bpfctl/text.h"
#include "bpfctl/words.h"
#include "common/cleanup.h"

#include <stdarg.h>

#define LABEL_WIDTH 16

void detail(FILE *out, const char *label, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list list;
	int length;

	va_start(list, format);
	length = vasprintf(&text, format, list);
	va_end(list);
	if (length < 0)
		text = NULL; /* vasprintf leaves it undefined */
	(void)fprintf(out, "%-*s ", LABEL_WIDTH, label);
	text_print(out, text && *text ? text : "-");
	(void)fputc('\n', out);
}

void detail_hex(FILE *out, const char *label, const char *prefix, const uint8_t *bytes, size_t size)
{
	_cleanup_free_ char *text = hex_text(prefix, bytes, size);

	detail(out, label, "%s", text ? text : "");
}

void detail_time(FILE *out, const char *label, uint64_t seconds)
{
	char text[TIME_TEXT_SIZE];
	const char *when = time_text(seconds, text);

	detail(out, label, "%s", when ? when : "");
}
