/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/builder/confined.h"

#include "client/bpfctl/text.h"
#include "client/builder/pieces.h"
#include "client/builder/push.h"
#include "common/sandbox.h"
#include "image/warm.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void error_print(const struct error *error)
{
	(void)fflush(stdout);
	(void)fputs("bpfctl: ", stderr);
	text_print(stderr, error->message);
	(void)fputc('\n', stderr);
}

static int image_push(const struct builder *builder, struct pusher *pusher, int fd,
                      uint32_t *uploaded, struct error *error)
{
	static struct pieces pieces;
	int result = pieces_read(fd, &pieces, error);

	if (result == 0)
		result = pieces_push(pusher, &builder->reference, &pieces, uploaded, error);
	pieces_close(&pieces);
	return result;
}

static int image_make(const struct builder *builder, struct pusher *pusher, int fd,
                      struct error *error)
{
	struct pieces_writer writer = { .fd = fd };
	struct descriptor root;
	uint32_t uploaded = 0;
	int result = build_image(builder->build, builder->count, builder->created_s, pieces_take,
	                         &writer, &root, error);

	if (result == 0)
		result = pieces_finish(&writer, 0, error);
	if (result == 0 && builder->options.push) {
		result = image_push(builder, pusher, fd, &uploaded, error);
		if (result == 0)
			result = pieces_finish(&writer, uploaded, error);
	}
	return result;
}

/* Everything that opens files comes first. */
static int child_prepare(const struct builder *builder, struct pusher *pusher, struct error *error)
{
	int result = image_warm();

	if (result < 0)
		return error_set(error, result, ERROR_INTERNAL, "OpenSSL cannot be used");
	if (builder->options.push)
		result = pusher_open(pusher, builder->options.credentials_fd, error);
	if (result == 0)
		result = sandbox_enter(&sandbox_policy_image, NULL, NULL, error);
	return result;
}

__attribute__((noreturn)) static void child_run(const struct builder *builder, int fd)
{
	static struct pusher pusher;
	struct error error = {};
	int result = child_prepare(builder, &pusher, &error);

	if (result == 0)
		result = builder->options.labels_only ? labels_print(builder, &error)
		                                      : image_make(builder, &pusher, fd, &error);
	if (result < 0)
		error_print(&error);
	_exit(result < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int child_wait(pid_t child, struct error *error)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return error_set(error, -errno, ERROR_INTERNAL,
			                 "cannot wait for what makes the image: %s",
			                 strerror(errno));
	}
	if (WIFSIGNALED(status))
		return error_set(error, -EIO, ERROR_INTERNAL,
		                 "what makes the image was ended by signal %d (%s)%s",
		                 WTERMSIG(status), strsignal(WTERMSIG(status)),
		                 WTERMSIG(status) == SIGSYS
		                         ? ": it did what its sandbox forbids, a defect of "
		                           "bpfd's or an object that is an attack"
		                         : "");
	return WEXITSTATUS(status) ? 1 : 0;
}

int confined_run(const struct builder *builder, int fd, struct error *error)
{
	pid_t child = fork();

	if (child < 0)
		return error_set(error, -errno, ERROR_INTERNAL,
		                 "cannot start what makes the image: %s", strerror(errno));
	if (child == 0)
		child_run(builder, fd);
	return child_wait(child, error);
}
