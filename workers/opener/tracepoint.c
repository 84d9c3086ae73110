/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Perf events of tracepoints: under perf_event_paranoid 3, Debian's default, only CAP_SYS_ADMIN
 * opens them. */
#include "workers/opener/opener.h"
#include "common/cleanup.h"
#include "common/tracepoint.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>

#define DIGITS_MAX 20

/* The kernel's number of a tracepoint, from <tracefs>/events/GROUP/NAME/id. */
static int id_read(const struct launcher_settings *settings, const struct opener_tracepoint *asked,
                   uint64_t *id, struct error *error)
{
	char path[sizeof(settings->tracefs_directory) + 2UL * TRACEPOINT_SIZE + 16],
		text[DIGITS_MAX + 2];
	uint64_t value = 0;
	ssize_t length;

	(void)snprintf(path, sizeof(path), "%s/events/%s/%s/id", settings->tracefs_directory,
	               asked->group, asked->name);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return error_set(error, -ENOENT, ERROR_NOT_FOUND,
		                 "tracepoint %s/%s does not exist on this kernel: list %s/events "
		                 "for those that do",
		                 asked->group, asked->name, settings->tracefs_directory);
	if (fd < 0)
		return error_set(error, -errno, ERROR_KERNEL,
		                 "cannot open %s (%s): is tracefs mounted there? \"mount -t "
		                 "tracefs tracefs %s\" does that",
		                 path, strerror(errno), settings->tracefs_directory);
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

int answer_tracepoint(struct opener *opener, const void *question, struct opener_answer *answer,
                      struct error *error)
{
	const struct opener_tracepoint *asked = question;
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT,
		                        .size = sizeof(attr),
		                        .sample_period = 1 };
	uint64_t id = 0;
	long fd;
	int result;

	if (!tracepoint_name_ok(asked->group, sizeof(asked->group)) ||
	    !tracepoint_name_ok(asked->name, sizeof(asked->name)))
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "that is no tracepoint's name");
	result = id_read(opener->settings, asked, &id, error);
	if (result < 0)
		return result;
	attr.config = id;
	/* a program on a tracepoint's event sees every process on every CPU: any one CPU names the
	 * event */
	fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return error_set(error, -errno, ERROR_KERNEL, "cannot open tracepoint %s/%s: %s",
		                 asked->group, asked->name, strerror(errno));
	answer->type = OPENER_OPENED;
	answer->descriptors[0] = (int)fd;
	return 0;
}
