/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * image build and generate-build-args: bpfd-image does them, a program of its own, so that bpfctl
 * maps none of the libraries that speak to registries and write archives. It runs as whoever runs
 * bpfctl.
 */
#include "bpfctl/credentials.h"
#include "bpfctl/session.h"
#include "common/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>

#define HELPER "bpfd-image"
#define CREDENTIALS_FD_TEXT "3" /* where the helper finds them */
#define CREDENTIALS_FD 3

/* Beside bpfctl, as in a build's directory, else where it is installed. */
static const char *helper_path(char path[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - sizeof(HELPER));
	char *slash;

	if (length > 0) {
		path[length] = '\0';
		slash = strrchr(path, '/');
		if (slash)
			memcpy(slash + 1, HELPER, sizeof(HELPER));
		if (slash && access(path, X_OK) == 0)
			return path;
	}
	return BPFD_LIBEXECDIR "/" HELPER;
}

/* Name and password, each with its zero, in a file that only descriptors lead to. */
static int credentials_hand_over(const struct credentials *credentials)
{
	_cleanup_close_ int fd = memfd_create("credentials", MFD_CLOEXEC);
	const char *const parts[] = { credentials->username, credentials->password };

	if (fd < 0)
		return -errno;
	for (size_t i = 0; i < 2; i++) {
		size_t size = strlen(parts[i]) + 1;

		if (write(fd, parts[i], size) != (ssize_t)size)
			return -EIO;
	}
	if (fd == CREDENTIALS_FD) { /* dup2() would leave it to be closed */
		int moved = fcntl(fd, F_DUPFD_CLOEXEC, CREDENTIALS_FD + 1);

		if (moved < 0)
			return -errno;
		(void)close(fd);
		fd = moved;
	}
	return dup2(fd, CREDENTIALS_FD) < 0 ? -errno : 0;
}

static enum exit_code helper_exec(char **argv)
{
	char path[PATH_MAX], sentence[PATH_MAX + 128];
	const char *program = helper_path(path);

	(void)fflush(stdout);
	(void)execv(program, argv);
	(void)snprintf(sentence, sizeof(sentence), "cannot run \"%s\", which makes images: %s",
	               program, strerrordesc_np(errno));
	return refusal_report(sentence);
}

/* A list of words for the helper, as far as they are constant. */
struct words {
	const char **words;
	size_t count;
};

static void word_add(struct words *words, const char *word)
{
	words->words[words->count++] = word;
}

static void option_add(struct words *words, const char *name, const char *value)
{
	if (!value)
		return;
	word_add(words, name);
	word_add(words, value);
}

static enum exit_code helper_run(const struct arguments *arguments, const char *command,
                                 _Bool credentials)
{
	struct words words = { .words = calloc(arguments->operand_count + 16, sizeof(char *)) };
	enum exit_code code;

	if (!words.words)
		return memory_report();
	word_add(&words, HELPER);
	word_add(&words, command);
	option_add(&words, "--tag", arguments->tag);
	option_add(&words, "--output", arguments->path);
	option_add(&words, "--credentials", credentials ? CREDENTIALS_FD_TEXT : NULL);
	if (arguments->push)
		word_add(&words, "--push");
	if (arguments->output == OUTPUT_JSON)
		word_add(&words, "--json");
	word_add(&words, "--");
	for (size_t i = 0; i < arguments->operand_count; i++)
		word_add(&words, arguments->operands[i]);
	code = helper_exec((char **)(uintptr_t)words.words);
	free(words.words);
	return code;
}

enum exit_code image_build_run(struct arguments *arguments)
{
	struct credentials credentials = {};
	int result;

	if (arguments->push && !credentials_find(arguments, arguments->tag, &credentials))
		return refusal_report(arguments->complaint);
	if (!*credentials.username)
		return helper_run(arguments, "build", 0);
	result = credentials_hand_over(&credentials);
	credentials_forget(&credentials);
	if (result < 0)
		return refusal_report("the credentials cannot be handed on: there are no "
		                      "descriptors or no memory");
	return helper_run(arguments, "build", 1);
}

enum exit_code image_build_args_run(struct arguments *arguments)
{
	return helper_run(arguments, "build-args", 0);
}
