/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Perf events of kprobes and uprobes: whoever gets one attaches a program to it. */
#include "common/attach_point.h"
#include "common/cleanup.h"
#include "workers/opener/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REFERENCE_COUNTER_SHIFT 32 /* in perf_event_attr.config, see the source's format/ */

/* The first number in a small file of sysfs ("6", "config:0"), or -errno. */
static int number_read(const char *directory, const char *source, const char *name)
{
	char path[256], text[32] = "";
	int number = 0, digits = 0;

	(void)snprintf(path, sizeof(path), "%s/%s/%s", directory, source, name);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return -errno;
	for (const char *digit = text + strcspn(text, "0123456789");
	     *digit >= '0' && *digit <= '9' && digits < 9; digit++, digits++)
		number = number * 10 + (*digit - '0');
	return digits ? number : -EIO;
}

static void event_source_read(const char *directory, const char *name, struct event_source *source)
{
	int type = number_read(directory, name, "type");
	int bit = number_read(directory, name, "format/retprobe");

	if (type <= 0 || bit < 0 || bit > 31)
		return;
	source->type = (uint32_t)type;
	source->returns = UINT64_C(1) << bit;
}

void event_sources_read(struct opener *opener, const char *directory)
{
	event_source_read(directory, "kprobe", &opener->kprobe);
	event_source_read(directory, "uprobe", &opener->uprobe);
}

/* A program on a probe sees every CPU: any one CPU names the event of all processes. */
static int probe_open(struct perf_event_attr *attr, uint32_t pid)
{
	long fd = syscall(SYS_perf_event_open, attr, pid ? (pid_t)pid : -1, pid ? -1 : 0, -1,
	                  PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

/* The kernel keeps but 32 bits of the offset. */
static int kprobe_check(const struct opener *opener, const struct opener_kprobe *asked,
                        struct error *error)
{
	if (!kernel_function_ok(asked->function, sizeof(asked->function)) || asked->returns > 1 ||
	    asked->reserved || asked->offset > INT32_MAX || (asked->returns && asked->offset))
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "that is no place in a kernel function");
	if (!opener->kprobe.type)
		return error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
		                 "this kernel has no kprobes: it was built without "
		                 "CONFIG_KPROBE_EVENTS");
	return 0;
}

static int kprobe_refusal(const struct opener_kprobe *asked, int result, struct error *error)
{
	const unsigned long long offset = asked->offset;

	switch (result) {
	case -ENOENT:
		return error_set(error, result, ERROR_NOT_FOUND,
		                 "the kernel has no function \"%s\" that can be probed: "
		                 "/proc/kallsyms lists its functions",
		                 asked->function);
	case -EADDRNOTAVAIL:
		return error_set(error, result, ERROR_INVALID_ARGUMENT,
		                 "the kernel's function \"%s\" has several places: probe another "
		                 "function",
		                 asked->function);
	case -EILSEQ:
	case -EINVAL:
		return error_set(error, result, ERROR_INVALID_ARGUMENT,
		                 "the kernel cannot be probed at %s+%llu: the function is one of "
		                 "those that may not be (see kprobes/blacklist in debugfs), or no "
		                 "instruction starts at that offset",
		                 asked->function, offset);
	default:
		return error_set(error, result, ERROR_KERNEL,
		                 "the opener cannot probe the kernel at %s+%llu: %s",
		                 asked->function, offset, strerror(-result));
	}
}

int answer_kprobe(struct opener *opener, const void *question, struct opener_answer *answer,
                  struct error *error)
{
	const struct opener_kprobe *asked = question;
	struct perf_event_attr attr = { .type = opener->kprobe.type, .size = sizeof(attr) };
	int result = kprobe_check(opener, asked, error);

	if (result < 0)
		return result;
	attr.config = asked->returns ? opener->kprobe.returns : 0;
	attr.kprobe_func = (uint64_t)(uintptr_t)asked->function;
	attr.probe_offset = asked->offset;
	result = probe_open(&attr, 0);
	if (result < 0)
		return kprobe_refusal(asked, result, error);
	answer->type = OPENER_OPENED;
	answer->descriptors[0] = result;
	return 0;
}

static int uprobe_check(const struct opener *opener, const struct opener_uprobe *asked,
                        struct error *error)
{
	if (!asked->offset || asked->offset > INT64_MAX || asked->returns > 1 || asked->reserved ||
	    asked->pid > INT32_MAX)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "that is no place in a program's file");
	if (!opener->uprobe.type)
		return error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
		                 "this kernel has no uprobes: it was built without "
		                 "CONFIG_UPROBE_EVENTS");
	return 0;
}

static int uprobe_refusal(const struct opener_uprobe *asked, int result, struct error *error)
{
	const unsigned long long offset = asked->offset;
	const char *path = asked->file.path;

	switch (result) {
	case -ESRCH:
		return error_set(error, result, ERROR_NOT_FOUND, "there is no process %u",
		                 asked->pid);
	case -EINVAL:
	case -EILSEQ:
	case -ENOEXEC:
		return error_set(error, result, ERROR_INVALID_ARGUMENT,
		                 "%s cannot be probed at offset %llu: it must be a program or a "
		                 "shared library, and an instruction must start there",
		                 path, offset);
	default:
		return error_set(error, result, ERROR_KERNEL,
		                 "the opener cannot probe %s at offset %llu: %s", path, offset,
		                 strerror(-result));
	}
}

int answer_uprobe(struct opener *opener, const void *question, struct opener_answer *answer,
                  struct error *error)
{
	const struct opener_uprobe *asked = question;
	struct perf_event_attr attr = { .type = opener->uprobe.type, .size = sizeof(attr) };
	char inside[32];
	int result = uprobe_check(opener, asked, error);
	_cleanup_close_ int file_fd = -1;

	if (result == 0)
		result = target_file_open(opener, &asked->file, &file_fd, error);
	if (result < 0)
		return result;
	/* A host's path is given as it is, for the kernel keeps it and shows it. In a container the
	 * same words may name another file by now: the one that was found counts. */
	(void)snprintf(inside, sizeof(inside), "/proc/self/fd/%d", file_fd);
	attr.config = (asked->returns ? opener->uprobe.returns : 0) |
	              (uint64_t)asked->reference_counter << REFERENCE_COUNTER_SHIFT;
	attr.uprobe_path =
		(uint64_t)(uintptr_t)(asked->file.container_pid ? inside : asked->file.path);
	attr.probe_offset = asked->offset;
	result = probe_open(&attr, asked->pid);
	if (result < 0)
		return uprobe_refusal(asked, result, error);
	answer->type = OPENER_OPENED;
	answer->descriptors[0] = result;
	return 0;
}
