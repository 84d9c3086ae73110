/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/session.h"
#include "bpfctl/text.h"

#include <string.h>

enum exit_code refusal_report(const char *sentence)
{
	(void)fputs("bpfctl: ", stderr);
	text_print(stderr, sentence);
	(void)fputc('\n', stderr);
	return EXIT_REFUSED;
}

enum exit_code memory_report(void)
{
	return refusal_report("out of memory");
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

static enum exit_code client_open(const struct arguments *arguments, uint32_t default_ms,
                                  struct bpfd_client **client)
{
	struct bpfd_error *error = NULL;

	if (bpfd_client_open(arguments->socket_path, client, &error) < 0)
		return error_report(stderr, NULL, error);
	bpfd_client_set_timeout(*client, arguments->timeout_ms ?: default_ms);
	return EXIT_DONE;
}

enum exit_code session_open(const struct arguments *arguments, struct bpfd_client **client)
{
	return client_open(arguments, BPFD_TIMEOUT_MS, client);
}

enum exit_code session_open_image(const struct arguments *arguments, struct bpfd_client **client)
{
	return client_open(arguments, BPFD_IMAGE_TIMEOUT_MS, client);
}

_Bool events_path(const struct arguments *arguments, char path[PATH_MAX])
{
	const char *socket_path = arguments->socket_path;
	const char *slash = socket_path ? strrchr(socket_path, '/') : NULL;
	int length = slash ? (int)(slash + 1 - socket_path) : 0;

	if (!socket_path)
		return snprintf(path, PATH_MAX, "%s", BPFD_EVENTS_SOCKET_PATH) < PATH_MAX;
	return snprintf(path, PATH_MAX, "%.*sevents.sock", length, socket_path) < PATH_MAX;
}
