/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/attach_event.h"

#include "broker/kernel.h"
#include "broker/link_pins.h"
#include "common/cleanup.h"
#include "common/target.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A program that is to run on a link's events. */
struct runner {
	struct attach_context *context;
	const struct record_program *program;
	int program_fd;
	const struct record_link *link;
};

static bool on_every_processor(const struct record_link *link)
{
	return program_type_row(link->type)->takes & TARGET_BIT(TARGET_CPU) &&
	       !target_has(&link->target, TARGET_CPU) && !link->target.pid;
}

static int run_error(struct error *error, int result, const struct runner *runner)
{
	const char *type = program_type_row(runner->link->type)->name;
	const char *name = runner->program->name;
	char place[TARGET_TEXT_SIZE];

	target_describe(&runner->link->target, place);
	switch (result) {
	case -EACCES:
		return error_set(error, result, ERROR_INVALID_ARGUMENT,
		                 "program \"%s\" reads beyond the end of what %s %s hands it: see "
		                 "its \"format\" file in tracefs",
		                 name, type, place);
	case -E2BIG:
		return error_set(error, result, ERROR_LIMIT,
		                 "program \"%s\" cannot run at %s %s: the kernel lets no more "
		                 "programs run there",
		                 name, type, place);
	case -EOPNOTSUPP:
		return error_set(error, result, ERROR_UNSUPPORTED,
		                 "this kernel was built without what %s programs run through "
		                 "(CONFIG_BPF_EVENTS), so \"%s\" cannot run at %s",
		                 type, name, place);
	default:
		return error_set(error, result, ERROR_KERNEL,
		                 "cannot make %s program \"%s\" run at %s: %s", type, name, place,
		                 strerror(-result));
	}
}

static int event_pin(const struct runner *runner, int perf_fd, const char *path,
                     struct error *error)
{
	_cleanup_close_ int link_fd = kernel_link_perf_event(runner->program_fd, perf_fd);
	int result;

	if (link_fd < 0)
		return run_error(error, link_fd, runner);
	result = kernel_pin(link_fd, path);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL, "cannot pin the link at %s: %s", path,
		                 strerror(-result));
	return 0;
}

static int event_hold(const struct runner *runner, int *perf_fd, struct error *error)
{
	int result = kernel_perf_event_run(runner->program_fd, *perf_fd);

	if (result < 0)
		return run_error(error, result, runner);
	result = perf_events_add(&runner->context->events, runner->link->id,
	                         runner->program->kernel_id, *perf_fd);
	if (result == -EDQUOT)
		return error_set(error, result, ERROR_LIMIT,
		                 "bpfd keeps %u perf events open for its links already, and this "
		                 "kernel knows no other way to run programs on them: detach some",
		                 PERF_EVENTS_MAX);
	if (result < 0)
		return error_set(error, result, ERROR_UNAVAILABLE,
		                 "bpfd is out of memory: try again");
	(void)steal_fd(perf_fd);
	return 0;
}

/* -ENODEV: that processor is not online. */
static int event_make(const struct runner *runner, int32_t cpu, const char *path,
                      struct error *error)
{
	_cleanup_close_ int perf_fd = -1;
	int result = attach_type(runner->link->type)
	                     ->event(runner->context, runner->link, cpu, &perf_fd, error);

	if (result < 0)
		return result;
	return runner->context->perf_links ? event_pin(runner, perf_fd, path, error)
	                                   : event_hold(runner, &perf_fd, error);
}

static void cpu_path(const char *directory, uint32_t cpu, char out[LINK_PIN_PATH_SIZE])
{
	(void)snprintf(out, LINK_PIN_PATH_SIZE, "%.300s/%u", directory, cpu);
}

static int events_make_everywhere(const struct runner *runner, const char *directory,
                                  struct error *error)
{
	char path[LINK_PIN_PATH_SIZE];
	uint32_t made = 0;
	int result;

	if (runner->context->perf_links && mkdir(directory, 0700) < 0)
		return error_set(error, -errno, ERROR_KERNEL, "cannot make the directory %s: %s",
		                 directory, strerror(errno));
	for (uint32_t cpu = 0; cpu < runner->context->cpus_end; cpu++) {
		cpu_path(directory, cpu, path);
		result = event_make(runner, (int32_t)cpu, path, error);
		if (result < 0 && result != -ENODEV)
			return result;
		made += result == 0;
		if (made > ATTACH_EVENT_CPUS_MAX)
			return error_set(error, -E2BIG, ERROR_LIMIT,
			                 "more than %u processors are online, which is what one "
			                 "link samples: attach to each with its number (cpu)",
			                 ATTACH_EVENT_CPUS_MAX);
	}
	if (made)
		return 0;
	return error_set(error, -ENODEV, ERROR_UNSUPPORTED,
	                 "bpfd finds no processor that is online: say one by its number (cpu)");
}

/* What is not made whole is not made. */
static int events_make(const struct runner *runner, struct error *error)
{
	struct attach_context *context = runner->context;
	char path[LINK_PIN_PATH_SIZE];
	int result;

	link_pins_settle(context->settings, runner->link->id);
	link_pin_fresh_path(context->settings, runner->link->id, path);
	result = on_every_processor(runner->link) ? events_make_everywhere(runner, path, error)
	                                          : event_make(runner, -1, path, error);
	if (result < 0) {
		perf_events_end(&context->events, runner->link->id, true);
		link_pins_fresh_remove(context->settings, runner->link->id);
	}
	return result;
}

/* What was made takes the place of what was there. */
static int events_settle(struct attach_context *context, uint64_t id, struct error *error)
{
	int result;

	if (!context->perf_links) {
		perf_events_settle(&context->events, id);
		return 0;
	}
	result = link_pins_replace(context->settings, id);
	if (result == 0)
		return 0;
	link_pins_fresh_remove(context->settings, id);
	return error_set(error, result, ERROR_KERNEL,
	                 "the pin of link %llu cannot be put in its place: %s",
	                 (unsigned long long)id, strerror(-result));
}

int attach_event_attach(struct attach_context *context, const struct record_program *program,
                        int program_fd, struct record_link *link, struct error *error)
{
	const struct runner runner = { context, program, program_fd, link };
	int result = events_make(&runner, error);

	return result < 0 ? result : events_settle(context, link->id, error);
}

int attach_event_detach(struct attach_context *context, const struct record_link *link,
                        struct error *error)
{
	int result = link_pins_remove(context->settings, link->id);

	perf_events_end(&context->events, link->id, false);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "cannot remove the pins of link %llu: %s",
		                 (unsigned long long)link->id, strerror(-result));
	return 0;
}

/* The kernel id of the program behind a pinned link; 0: there is no such pin. Or -errno. */
static int64_t pin_program(const char *path)
{
	struct bpf_link_info info = {};
	_cleanup_close_ int fd = kernel_pin_open(path);
	int result = fd < 0 ? fd : kernel_info(fd, &info, sizeof(info));

	if (result == -ENOENT)
		return 0;
	return result < 0 ? result : (int64_t)info.prog_id;
}

/* The same for all processors: what two of them disagree on is no program of the link's. */
static int64_t pins_program(const struct attach_context *context, const char *directory)
{
	char path[LINK_PIN_PATH_SIZE];
	int64_t found = 0;

	for (uint32_t cpu = 0; cpu < context->cpus_end; cpu++) {
		cpu_path(directory, cpu, path);

		int64_t program = pin_program(path);

		if (program < 0)
			return program;
		if (program && found && program != found)
			return UINT32_MAX;
		found = program ? program : found;
	}
	return found;
}

/* The kernel id of the program that the link runs; 0: none. Or -errno with `error`. */
static int64_t link_program(const struct attach_context *context, const struct record_link *link,
                            struct error *error)
{
	char path[LINK_PIN_PATH_SIZE];
	int64_t program;

	if (!context->perf_links)
		return perf_events_program(&context->events, link->id);
	link_pins_settle(context->settings, link->id);
	link_pin_path(context->settings, link->id, path);
	program = on_every_processor(link) ? pins_program(context, path) : pin_program(path);
	if (program < 0)
		return error_set(error, (int)program, ERROR_KERNEL,
		                 "cannot ask for the link at %s: %s", path,
		                 strerror((int)-program));
	return program;
}

int attach_event_update(struct attach_context *context, const struct record_program *program,
                        int program_fd, uint32_t runs, struct record_link *link,
                        struct error *error)
{
	const struct runner runner = { context, program, program_fd, link };
	int64_t now = link_program(context, link, error);
	int result;

	(void)runs;
	if (now < 0)
		return (int)now;
	if (now == program->kernel_id)
		return 0;
	result = events_make(&runner, error);
	return result < 0 ? result : events_settle(context, link->id, error);
}

int attach_event_adopt(struct attach_context *context, const struct record_program *program,
                       int program_fd, struct record_link *link, struct error *error)
{
	int64_t now = link_program(context, link, error);

	(void)program_fd;
	if (now < 0)
		return (int)now;
	if (now && now == program->kernel_id)
		link->state = LINK_STATE_ATTACHED;
	else
		link->state = now || context->perf_links ? LINK_STATE_REMOVED : LINK_STATE_WAITING;
	return 0;
}
