/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bpfd_error error_no_memory = {
	.code = BPFD_ERROR_NO_MEMORY,
	.message = "out of memory",
};

int error_memory(struct bpfd_error **error)
{
	if (error)
		*error = &error_no_memory;
	return -ENOMEM;
}

int error_make_log(struct bpfd_error **error, int result, enum bpfd_error_code code,
                   const char *message, const void *log, size_t log_size)
{
	size_t message_size = strlen(message) + 1;
	struct bpfd_error *made;
	char *text;

	if (!error)
		return result;
	made = calloc(1, sizeof(*made) + message_size + log_size + 1);
	if (!made)
		return error_memory(error);
	text = (char *)(made + 1);
	memcpy(text, message, message_size);
	made->code = code;
	made->message = text;
	if (log_size) {
		memcpy(text + message_size, log, log_size);
		made->verifier_log = text + message_size;
		made->verifier_log_size = log_size;
	}
	*error = made;
	return result;
}

int error_make(struct bpfd_error **error, int result, enum bpfd_error_code code, const char *format,
               ...)
{
	char message[1024];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	return error_make_log(error, result, code, message, NULL, 0);
}

void bpfd_error_free(struct bpfd_error *error)
{
	if (error != &error_no_memory)
		free(error);
}
