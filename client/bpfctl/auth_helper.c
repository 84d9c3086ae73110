/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/auth_helper.h"
#include "common/cleanup.h"

#include <fcntl.h>
#include <jansson.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define ANSWER_MAX 16384
#define NOTHING_FOUND "credentials not found"

extern char **environ;

static int helper_error(const char *name, int result, const char *why, char *complaint,
                        size_t complaint_size)
{
	(void)snprintf(complaint, complaint_size,
	               "the credentials are kept by docker-credential-%s, %s: give --username and "
	               "--password-stdin",
	               name, why);
	return result;
}

static _Bool name_ok(const char *name)
{
	size_t length = strlen(name);

	return length < 64 && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
	                                        "YZ0123456789_.-")] == '\0';
}

/* Question and answer are files in memory: neither side waits for the other. */
static int question_file(const char *registry)
{
	_cleanup_close_ int fd = memfd_create("registry", MFD_CLOEXEC);
	ssize_t size = (ssize_t)strlen(registry);

	if (fd < 0 || write(fd, registry, (size_t)size) != size || lseek(fd, 0, SEEK_SET) < 0)
		return -EIO;
	return steal_fd(&fd);
}

static int helper_spawn(const char *name, int question, int answer, pid_t *child)
{
	posix_spawn_file_actions_t actions;
	char program[96], get[] = "get";
	char *argv[] = { program, get, NULL };
	int result;

	(void)snprintf(program, sizeof(program), "docker-credential-%s", name);
	if (posix_spawn_file_actions_init(&actions) != 0)
		return -ENOMEM;
	(void)posix_spawn_file_actions_adddup2(&actions, question, STDIN_FILENO);
	(void)posix_spawn_file_actions_adddup2(&actions, answer, STDOUT_FILENO);
	result = -posix_spawnp(child, program, &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return result;
}

static int status_wait(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

/* {"ServerURL": "...", "Username": "...", "Secret": "..."} */
static int answer_parse(const char *text, struct credentials *credentials)
{
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const char *username = json_string_value(json_object_get(root, "Username"));
	const char *secret = json_string_value(json_object_get(root, "Secret"));
	int result = -EINVAL;

	/* "<token>" is with an identity token, which is none for a registry */
	if (username && secret && strcmp(username, "<token>") != 0)
		result = credentials_set(credentials, username, secret);
	json_decref(root);
	return result < 0 ? result : 1;
}

int auth_helper_ask(const char *name, const char *registry, struct credentials *credentials,
                    char *complaint, size_t complaint_size)
{
	_cleanup_close_ int answer = memfd_create("answer", MFD_CLOEXEC);
	_cleanup_close_ int question = question_file(registry);
	char text[ANSWER_MAX + 1];
	ssize_t size;
	pid_t child;
	int result;

	if (!name_ok(name))
		return helper_error("...", -EINVAL, "whose name no program can have", complaint,
		                    complaint_size);
	if (answer < 0 || question < 0)
		return helper_error(name, -EIO, "for which there are no descriptors", complaint,
		                    complaint_size);
	result = helper_spawn(name, question, answer, &child);
	if (result == 0)
		result = status_wait(child);
	if (result < 0)
		return helper_error(name, result, "which cannot be run", complaint, complaint_size);
	size = pread(answer, text, ANSWER_MAX, 0);
	text[size > 0 ? size : 0] = '\0';
	if (result > 0)
		result = strncmp(text, NOTHING_FOUND, strlen(NOTHING_FOUND)) == 0 ? 0 : -EIO;
	else
		result = answer_parse(text, credentials);
	explicit_bzero(text, sizeof(text));
	return result < 0 ? helper_error(name, result, "which does not give them", complaint,
	                                 complaint_size)
	                  : result;
}
