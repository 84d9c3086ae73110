/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/tracepoint.h"
#include "common/channel.h"
#include "common/cleanup.h"
#include "proto/limits.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>

#define DIRECTORY_SIZE 128 /* as in struct launcher_settings */
#define DIGITS_MAX 20

bool tracepoint_name_ok(const char *text, size_t size)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:";

	return channel_text_ok(text, size) && text[0] && text[strspn(text, allowed)] == '\0' &&
	       strcmp(text, ".") != 0 && !strstr(text, "..");
}

/* The kernel's number of a tracepoint. */
static int id_read(const char *tracefs, const char *group, const char *name, uint64_t *id,
                   struct error *error)
{
	char path[DIRECTORY_SIZE + 2UL * TRACEPOINT_SIZE + 16], text[DIGITS_MAX + 2];
	uint64_t value = 0;
	ssize_t length;

	(void)snprintf(path, sizeof(path), "%s/events/%s/%s/id", tracefs, group, name);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return error_set(error, -ENOENT, ERROR_NOT_FOUND,
		                 "tracepoint %s/%s does not exist on this kernel: list %s/events "
		                 "for those that do",
		                 group, name, tracefs);
	if (fd < 0)
		return error_set(error, -errno, ERROR_KERNEL,
		                 "cannot open %s (%s): is tracefs mounted there? \"mount -t "
		                 "tracefs tracefs %s\" does that",
		                 path, strerror(errno), tracefs);
	length = read(fd, text, sizeof(text) - 1);
	if (length < 0)
		return error_set(error, -errno, ERROR_KERNEL, "cannot read %s: %s", path,
		                 strerror(errno));
	for (ssize_t i = 0; i < length && text[i] >= '0' && text[i] <= '9'; i++)
		value = value * 10 + (uint64_t)(text[i] - '0');
	if (value == 0)
		return error_set(error, -EIO, ERROR_KERNEL, "%s holds no number", path);
	*id = value;
	return 0;
}

int tracepoint_open(const char *tracefs, const char *group, const char *name, int *perf_fd,
                    struct error *error)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT,
		                        .size = sizeof(attr),
		                        .sample_period = 1 };
	uint64_t id = 0;
	long fd;
	int result;

	if (!tracepoint_name_ok(group, TRACEPOINT_SIZE) ||
	    !tracepoint_name_ok(name, TRACEPOINT_SIZE))
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "that is no tracepoint's name");
	result = id_read(tracefs, group, name, &id, error);
	if (result < 0)
		return result;
	attr.config = id;
	/* a program on a tracepoint's event sees every process on every CPU: any one CPU names the
	 * event */
	fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return error_set(error, -errno, ERROR_KERNEL, "cannot open tracepoint %s/%s: %s",
		                 group, name, strerror(errno));
	*perf_fd = (int)fd;
	return 0;
}
