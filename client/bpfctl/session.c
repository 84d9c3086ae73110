/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/session.h"
#include "bpfctl/text.h"

#include <string.h>

enum exit_code memory_report(void)
{
	(void)fputs("bpfctl: out of memory\n", stderr);
	return EXIT_REFUSED;
}

static enum exit_code error_exit_code(enum bpfd_error_code code)
{
	switch (code) {
	case BPFD_ERROR_NOT_REACHABLE:
	case BPFD_ERROR_NO_ANSWER:
	case BPFD_ERROR_BAD_ANSWER:
		return EXIT_UNREACHABLE;
	default:
		return EXIT_REFUSED;
	}
}

enum exit_code error_report(FILE *out, const char *subject, struct bpfd_error *error)
{
	enum exit_code code = error_exit_code(error->code);
	size_t log_size = error->verifier_log_size;

	(void)fprintf(out, "bpfctl: %s%s", subject ? subject : "", subject ? ": " : "");
	text_print(out, error->message);
	(void)fputc('\n', out);
	if (log_size) {
		(void)fputs("the verifier's log:\n", out);
		lines_print(out, error->verifier_log, log_size);
		if (error->verifier_log[log_size - 1] != '\n')
			(void)fputc('\n', out);
	}
	bpfd_error_free(error);
	return code;
}

enum exit_code session_open(const struct arguments *arguments, struct bpfd_client **client)
{
	struct bpfd_error *error = NULL;

	if (bpfd_client_open(arguments->socket_path, client, &error) < 0)
		return error_report(stderr, NULL, error);
	bpfd_client_set_timeout(*client, arguments->timeout_ms);
	return EXIT_DONE;
}
