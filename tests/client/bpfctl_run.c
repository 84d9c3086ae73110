/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/bpfctl_run.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 24

struct run_result bpfctl_run(const char *line, const char *object)
{
	char *argv[WORDS_MAX] = { (char *)(uintptr_t)BPFCTL };
	char *copy = strdup(line), *rest = copy, *word;
	struct run_result result;
	size_t count = 1;

	assert_non_null(copy);
	while ((word = strsep(&rest, " ")) != NULL && count < WORDS_MAX - 1)
		argv[count++] =
			object && strcmp(word, "OBJECT") == 0 ? (char *)(uintptr_t)object : word;
	result = command_run(argv);
	free(copy);
	return result;
}

struct run_result bpfctl_run_on(const struct test_server *server, const char *line,
                                const char *object)
{
	char with_socket[1024];

	(void)snprintf(with_socket, sizeof(with_socket), "--socket %s %s", test_server_path(server),
	               line);
	return bpfctl_run(with_socket, object);
}
