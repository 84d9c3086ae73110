/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *error, int result, enum error_code code, const char *format, ...)
{
	va_list arguments;
	size_t length;

	if (!error)
		return result;
	error->code = code;
	va_start(arguments, format);
	(void)vsnprintf(error->message, sizeof(error->message), format, arguments);
	va_end(arguments);
	/* a record has no rests of the sentence that was there before: channels refuse them */
	length = strlen(error->message);
	memset(error->message + length, 0, sizeof(error->message) - length);
	return result;
}

const char *error_code_name(uint32_t code)
{
	switch (code) {
#define X(name, value) \
	case value:    \
		return #name;
		ERROR_CODES(X)
#undef X
	default:
		return "UNKNOWN";
	}
}
