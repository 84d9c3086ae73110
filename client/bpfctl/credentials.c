/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/credentials.h"
#include "bpfctl/auth_file.h"
#include "bpfctl/input.h"
#include "common/cleanup.h"

#include <limits.h>
#include <string.h>

int credentials_set(struct credentials *credentials, const char *username, const char *password)
{
	size_t username_size = strlen(username) + 1, password_size = strlen(password) + 1;

	if (!*username || username_size > sizeof(credentials->username) ||
	    password_size > sizeof(credentials->password))
		return -EINVAL;
	memcpy(credentials->username, username, username_size);
	memcpy(credentials->password, password, password_size);
	return 0;
}

void credentials_forget(struct credentials *credentials)
{
	explicit_bzero(credentials, sizeof(*credentials));
}

static _Bool password_read(struct arguments *arguments, struct credentials *credentials)
{
	char *password = credentials->password;
	ssize_t got = input_read(STDIN_FILENO, password, sizeof(credentials->password));
	size_t size = got < 0 ? 0 : (size_t)got;

	if (got < 0)
		return complain(arguments, "cannot read the password from the standard input: %s",
		                strerrordesc_np((int)-got));
	if (size == sizeof(credentials->password))
		return complain(arguments, "the password has more than %d bytes",
		                IMAGE_PASSWORD_SIZE - 1);
	if (size && password[size - 1] == '\n')
		size--;
	if (size && password[size - 1] == '\r')
		size--;
	password[size] = '\0';
	if (size == 0)
		return complain(arguments, "--password-stdin: the standard input is empty");
	if (strcspn(password, "\r\n") != size)
		return complain(arguments, "--password-stdin: the password must be one line "
		                           "without zero bytes");
	return 1;
}

/* The files in their order: those that somebody names come before those that are just there. */
static const char *file_path(size_t which, char path[PATH_MAX])
{
	static const struct {
		const char *variable; /* of the environment */
		const char *rest;     /* after it */
	} files[] = {
		{ "DOCKER_CONFIG", "/config.json" },
		{ "REGISTRY_AUTH_FILE", "" },
		{ "HOME", "/.docker/config.json" },
		{ "XDG_RUNTIME_DIR", "/containers/auth.json" },
	};
	const char *value;

	if (which >= sizeof(files) / sizeof(files[0]))
		return NULL;
	value = getenv(files[which].variable);
	if (!value || !*value ||
	    snprintf(path, PATH_MAX, "%s%s", value, files[which].rest) >= PATH_MAX)
		return "";
	return path;
}

int credentials_look_up(const char *reference, struct credentials *credentials, char *complaint,
                        size_t complaint_size)
{
	char path[PATH_MAX];
	const char *file;
	int result = 0;

	for (size_t i = 0; result == 0 && (file = file_path(i, path)) != NULL; i++) {
		if (*file)
			result = auth_file_search(file, reference, credentials, complaint,
			                          complaint_size);
	}
	return result;
}

_Bool credentials_find(struct arguments *arguments, const char *reference,
                       struct credentials *credentials)
{
	*credentials = (struct credentials){};
	if (arguments->password_stdin) {
		(void)snprintf(credentials->username, sizeof(credentials->username), "%s",
		               arguments->username);
		return password_read(arguments, credentials);
	}
	if (arguments->pull_policy == BPFD_PULL_NEVER)
		return 1;
	return credentials_look_up(reference, credentials, arguments->complaint,
	                           sizeof(arguments->complaint)) >= 0;
}
