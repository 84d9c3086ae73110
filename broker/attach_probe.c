/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Programs on perf events that the opener opens (kprobe, kretprobe, uprobe, uretprobe, perf_event),
 * and those that the kernel itself puts at their places (the _multi types).
 */
#include "broker/attach_event.h"
#include "broker/attach_link.h"
#include "broker/attach_types.h"
#include "broker/kernel.h"
#include "common/attach_point.h"
#include "common/cleanup.h"
#include "common/places.h"
#include "common/target.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool type_returns(uint32_t type)
{
	return type == PROGRAM_TYPE_KRETPROBE || type == PROGRAM_TYPE_URETPROBE ||
	       type == PROGRAM_TYPE_KRETPROBE_MULTI || type == PROGRAM_TYPE_URETPROBE_MULTI;
}

/* The option of a kernel's configuration without which it answers EOPNOTSUPP. */
static const char *option_of(const struct program_type_row *row)
{
	return row->attach_type == BPF_TRACE_KPROBE_MULTI ? "CONFIG_FPROBE" : "CONFIG_UPROBES";
}

static int link_error(struct error *error, int result, const struct record_program *program,
                      const struct record_link *link)
{
	const struct program_type_row *row = program_type_row(link->type);
	char place[TARGET_TEXT_SIZE];

	places_describe(&link->target, &link->places, place);
	if (result == -EOPNOTSUPP)
		return error_set(error, result, ERROR_UNSUPPORTED,
		                 "this kernel was built without what %s programs run through "
		                 "(%s), so \"%s\" cannot be linked to %s",
		                 row->name, option_of(row), program->name, place);
	if (result == -EINVAL)
		return error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
		                 "this kernel cannot link %s program \"%s\" to %s: that needs "
		                 "Linux %u.%u",
		                 row->name, program->name, place, row->since_major,
		                 row->since_minor);
	return error_set(error, result, ERROR_KERNEL, "cannot link %s program \"%s\" to %s: %s",
	                 row->name, program->name, place, strerror(-result));
}

static int function_check(const char function[FUNCTION_NAME_SIZE], struct error *error)
{
	if (kernel_function_ok(function, FUNCTION_NAME_SIZE))
		return 0;
	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
	                 "function \"%s\" is not one kernel function's name: letters, digits, '_', "
	                 "'.' and '$', or MODULE:FUNCTION",
	                 function);
}

static int open_kprobe(struct attach_context *context, const struct record_link *link, int32_t cpu,
                       int *perf_fd, struct error *error)
{
	struct opener_kprobe question = { .offset = link->target.offset,
		                          .returns = type_returns(link->type) };
	int result = function_check(link->target.function, error);

	(void)cpu;
	_Static_assert(sizeof(question.function) == sizeof(link->target.function), "copied whole");
	if (result == 0 && question.offset > INT32_MAX)
		result = error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                   "offset %llu is out of range: no kernel function is that long",
		                   (unsigned long long)question.offset);
	if (result < 0)
		return result;
	memcpy(question.function, link->target.function, sizeof(question.function));
	return opener_kprobe_open(context->opener, &question, perf_fd, error);
}

/* What the question to the opener says of the file. */
static int file_question(const struct record_target *target, struct opener_file *file,
                         struct error *error)
{
	_Static_assert(sizeof(file->path) == sizeof(target->path), "copied whole");
	if (!target_path_ok(target->path, sizeof(target->path)))
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "path \"%s\" is not the absolute path of a program or a shared "
		                 "library: \"ldconfig -p\" shows libraries' paths",
		                 target->path);
	if (target->offset == 0)
		return error_set(
			error, -EINVAL, ERROR_INVALID_ARGUMENT,
			"offset 0 is the header of %s, not an instruction: give the function's "
			"offset in the file (\"readelf -sW\" shows its address)",
			target->path);
	memcpy(file->path, target->path, sizeof(file->path));
	file->container_pid = target->container_pid;
	return 0;
}

static int open_uprobe(struct attach_context *context, const struct record_link *link, int32_t cpu,
                       int *perf_fd, struct error *error)
{
	struct opener_uprobe question = { .offset = link->target.offset,
		                          .pid = link->target.pid,
		                          .returns = type_returns(link->type) };
	int result = file_question(&link->target, &question.file, error);

	(void)cpu;
	return result < 0 ? result : opener_uprobe_open(context->opener, &question, perf_fd, error);
}

/* `cpu` is -1 where the target says it, or where its process says enough. */
static int sample_question(const struct record_target *target, int32_t cpu,
                           struct opener_sample *question, struct error *error)
{
	const struct sampled_event *event = sampled_event_by_name(target->name);

	if (!event)
		return error_set(
			error, -EINVAL, ERROR_INVALID_ARGUMENT,
			"there is no event \"%s\": cpu-clock, page-faults, "
			"context-switches, cpu-cycles and others of \"perf list hw sw\" are "
			"sampled",
			target->name);
	*question = (struct opener_sample){
		.type = event->type,
		.config = event->config,
		.by_frequency = 1,
		.rate = target->frequency_hz,
		.cpu = target_has(target, TARGET_CPU) ? (int32_t)target->cpu : cpu,
		.pid = target->pid,
	};
	return 0;
}

static int open_sample(struct attach_context *context, const struct record_link *link, int32_t cpu,
                       int *perf_fd, struct error *error)
{
	struct opener_sample question;
	int result = sample_question(&link->target, cpu, &question, error);

	return result < 0 ? result : opener_sample_open(context->opener, &question, perf_fd, error);
}

/* All of the link's functions. */
static int functions_list(const struct record_link *link, const char *functions[PLACES_MAX],
                          struct error *error)
{
	int result = function_check(link->target.function, error);

	functions[0] = link->target.function;
	for (uint32_t i = 0; i < link->places.count && result == 0; i++) {
		functions[i + 1] = link->places.entries[i].function;
		result = function_check(functions[i + 1], error);
	}
	return result;
}

static int make_kprobe_multi(struct attach_context *context, const struct record_program *program,
                             int program_fd, struct record_link *link, struct error *error)
{
	const char *functions[PLACES_MAX];
	char place[TARGET_TEXT_SIZE];
	int result = functions_list(link, functions, error);

	(void)context;
	if (result < 0)
		return result;
	result = kernel_link_kprobe_multi(program_fd, functions, link->places.count + 1,
	                                  type_returns(link->type));
	if (result != -ESRCH && result != -ENOENT)
		return result < 0 ? link_error(error, result, program, link) : result;
	places_describe(&link->target, &link->places, place);
	return error_set(error, result, ERROR_NOT_FOUND,
	                 "%s %s that can be probed: available_filter_functions in tracefs lists "
	                 "those that can",
	                 link->places.count ? "the kernel does not have each of the functions"
	                                    : "the kernel has no function",
	                 place);
}

/* The opener finds the file; the kernel takes it by the number of that descriptor. */
static int make_uprobe_multi(struct attach_context *context, const struct record_program *program,
                             int program_fd, struct record_link *link, struct error *error)
{
	struct opener_file question = {};
	uint64_t offsets[PLACES_MAX] = { link->target.offset };
	_cleanup_close_ int file_fd = -1;
	char path[32];
	int result = file_question(&link->target, &question, error);

	if (result == 0)
		result = opener_file_open(context->opener, &question, &file_fd, error);
	if (result < 0)
		return result;
	for (uint32_t i = 0; i < link->places.count; i++)
		offsets[i + 1] = link->places.entries[i].offset;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file_fd);
	result = kernel_link_uprobe_multi(program_fd, path, offsets, link->places.count + 1,
	                                  link->target.pid, type_returns(link->type));
	if (result == -ESRCH)
		return error_set(error, result, ERROR_NOT_FOUND, "there is no process %u",
		                 link->target.pid);
	return result < 0 ? link_error(error, result, program, link) : result;
}

const struct attach_type attach_type_kprobe = { ATTACH_EVENT_ROW, .event = open_kprobe };
const struct attach_type attach_type_uprobe = { ATTACH_EVENT_ROW, .event = open_uprobe };
const struct attach_type attach_type_perf_event = { ATTACH_EVENT_ROW, .event = open_sample };
const struct attach_type attach_type_kprobe_multi = { ATTACH_LINK_ROW, .make = make_kprobe_multi };
const struct attach_type attach_type_uprobe_multi = { ATTACH_LINK_ROW, .make = make_uprobe_multi };
