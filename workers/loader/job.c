/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One job: read the object, load what is asked for through the gate, say what came of it. */
#include "workers/loader/loader.h"

#include "common/cleanup.h"
#include "common/memfd.h"
#include "common/memory.h"
#include "common/program_type.h"

#include <nettle/sha2.h>
#include <string.h>
#include <sys/mman.h>

#define OBJECT_READY_BYTES ((size_t)32 * 1024) /* most objects have no more */

static int object_read(int fd, struct object *object, struct error *error)
{
	int result = memfd_check(fd, &object->size);

	if (result < 0)
		return error_set(error, result, ERROR_INTERNAL,
		                 "the object did not come as a sealed memfd");
	if (object->size == 0)
		return error_set(error, -EINVAL, ERROR_BAD_OBJECT, "the object is empty");
	if (object->size > OBJECT_SIZE_MAX)
		return error_set(error, -E2BIG, ERROR_LIMIT,
		                 "the object has %zu bytes, and bpfd takes up to %u: strip it "
		                 "(llvm-strip -g)",
		                 object->size, OBJECT_SIZE_MAX);
	result = memfd_read(fd, object->bytes, object->size);
	if (result < 0)
		return error_set(error, result, ERROR_INTERNAL, "the object cannot be read: %s",
		                 strerror(-result));
	return 0;
}

static void digest_make(struct object *object)
{
	struct sha256_ctx context;

	if (object->digest_made)
		return;
	sha256_init(&context);
	sha256_update(&context, object->size, object->bytes);
	sha256_digest(&context, sizeof(object->digest), object->digest);
	object->digest_made = true;
}

static int object_open(struct object *object, const char *kconfig, struct error *error)
{
	/* the kernel's names of data sections' maps begin with it */
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = object->job->programs[0].function,
	            .kconfig = kconfig);
	char reason[128];
	int result;

	messages_clear();
	object->bpf = bpf_object__open_mem(object->bytes, object->size, &options);
	if (object->bpf)
		return 0;
	result = -errno;
	(void)libbpf_strerror(result, reason, sizeof(reason));
	return error_set(error, result, ERROR_BAD_OBJECT, "libbpf cannot read the object (%s): %s",
	                 reason, messages_text());
}

/* Opens it a second time where externs need a text that says what the kernel's configuration lacks.
 */
static int object_open_all(struct object *object, struct error *error)
{
	_cleanup_free_ char *kconfig = NULL;
	int result = object_open(object, NULL, error);

	if (result == 0)
		result = object_check_externs(object, &kconfig, error);
	if (result < 0 || !kconfig)
		return result;
	bpf_object__close(object->bpf);
	return object_open(object, kconfig, error);
}

static int object_read_defaults(struct object *object, struct error *error)
{
	for (uint32_t i = 0; i < object->job->program_count; i++) {
		int result;

		if (object->types[i] != PROGRAM_TYPE_XDP)
			continue;
		result = xdp_defaults_read(object->bpf, object->job->programs[i].function,
		                           &object->xdp[i], error);
		if (result < 0)
			return result;
	}
	return 0;
}

/* The line of the log that says it in one sentence: of the verifier's, that is the last but the
 * statistics. */
static int error_from_log(const struct object *object, const char *name, int result,
                          struct error *error)
{
	const char *core = strstr(object->log, "failed to resolve CO-RE relocation");

	if (core)
		return error_set(
			error, result, ERROR_BAD_OBJECT,
			"program \"%s\" uses a kernel type or field that this kernel does not "
			"have: %.*s; guard it with bpf_core_field_exists() or the like",
			name, (int)strcspn(core, "\n"), core);
	if (result == -ENOSPC)
		return error_set(error, result, ERROR_VERIFIER,
		                 "the kernel's verifier refused program \"%s\"; its log says why, "
		                 "but is longer than %u bytes and is cut",
		                 name, VERIFIER_LOG_MAX);
	return error_set(error, result, ERROR_VERIFIER,
	                 "the kernel's verifier refused program \"%s\": %s; its log says why", name,
	                 strerror(-result));
}

static int error_from_refusal(const struct object *object, struct error *error)
{
	struct forward_refusal refusal = forward_last_refusal();
	const char *name = bpf_program__name(refusal.program);
	const char *section = bpf_program__section_name(refusal.program);

	if (object->log[0])
		return error_from_log(object, name, refusal.result, error);
	if (refusal.result == -EINVAL && strcmp(section, "xdp.frags") == 0)
		return error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
		                 "this kernel has no XDP programs for packets in fragments, as "
		                 "\"%s\" in its section \"%s\" is one: that needs Linux 5.18",
		                 name, section);
	return error_set(error, refusal.result, ERROR_KERNEL,
	                 "the kernel refused program \"%s\" before it was verified: %s", name,
	                 strerror(-refusal.result));
}

static void programs_report(const struct object *object)
{
	for (uint32_t i = 0; i < object->job->program_count; i++) {
		struct loader_program program = {
			.index = i,
			.handle = handle_of(bpf_program__fd(object->programs[i])).handle,
			.xdp = object->xdp[i],
		};

		memcpy(program.target, object->targets[i], sizeof(program.target));
		forward_tell(LOADER_PROGRAM, &program);
	}
}

static uint32_t maps_report(const struct object *object)
{
	const struct bpf_map *map;
	uint32_t count = 0;
	size_t index = 0;

	bpf_object__for_each_map(map, object->bpf)
	{
		struct loader_map report = { .handle = handle_of(bpf_map__fd(map)).handle,
			                     .by_name = object->maps[index++].by_name ? 1 : 0 };

		if (report.handle == LOADER_HANDLE_NONE)
			continue; /* a data section of which nothing is left */
		(void)snprintf(report.name, sizeof(report.name), "%s",
		               object_map_name(object, map));
		forward_tell(LOADER_MAP, &report);
		count++;
	}
	return count;
}

/*
 * Told to the gate before its answers are read: it has the results in its hand when the last call
 * is through, and drops them when one of the calls was refused.
 */
static void object_report(struct object *object)
{
	struct loader_done done = { .program_count = object->job->program_count };

	programs_report(object);
	done.map_count = maps_report(object);
	digest_make(object);
	memcpy(done.digest, object->digest, sizeof(done.digest));
	forward_tell(LOADER_DONE, &done);
	forward_flush();
}

static int object_load(struct object *object, bool ask_ahead, struct error *error)
{
	char reason[128];
	int result;

	messages_clear();
	object->log[0] = '\0';
	result = bpf_object__load(object->bpf);
	if (result == 0) {
		object_report(object);
		if (forward_settle())
			return 0;
		return error_set(error, -ECANCELED, ERROR_INTERNAL, "asked ahead in vain");
	}
	if (ask_ahead)
		return error_set(error, -ECANCELED, ERROR_INTERNAL,
		                 "it failed on what was asked ahead");
	if (forward_last_refusal().program)
		return error_from_refusal(object, error);
	(void)libbpf_strerror(result, reason, sizeof(reason));
	return error_set(error, result, ERROR_BAD_OBJECT, "the object cannot be loaded (%s): %s",
	                 reason, messages_text());
}

static int object_attempt(struct object *object, bool ask_ahead, struct error *error)
{
	int result = object_open_all(object, error);

	if (result == 0)
		result = object_select_programs(object, error);
	if (result == 0)
		result = object_set_globals(object, error);
	if (result == 0)
		result = object_prepare_maps(object, error);
	if (result == 0)
		result = object_read_defaults(object, error);
	if (result < 0)
		return result;
	forward_begin(object, ask_ahead);
	result = object_share_maps(object, error);
	if (result < 0)
		return result;
	return object_load(object, ask_ahead, error);
}

static int object_process(struct object *object, int fd, struct error *error)
{
	int result = object_read(fd, object, error);

	if (result == 0)
		result = object_check(object->bytes, object->size, error);
	if (result < 0)
		return result;
	result = object_attempt(object, true, error);
	if (result != -ECANCELED)
		return result;
	/* something was refused, and libbpf was not told at once: now it is, and says what is wrong
	 */
	forward_restart();
	bpf_object__close(object->bpf);
	object->bpf = NULL;
	memset(object->programs, 0, sizeof(object->programs));
	return object_attempt(object, false, error);
}

static struct object object; /* as large as a job; the process ends with it */

/* Memory for as much as there can be, of which what is not used does not exist; or MAP_FAILED. */
static void *room_map(size_t size, size_t ready)
{
	void *room = mmap(NULL, size, PROT_READ | PROT_WRITE,
	                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (room != MAP_FAILED)
		memory_touch(room, ready);
	return room;
}

int job_prepare(struct error *error)
{
	object.log = room_map(VERIFIER_LOG_MAX, 1);
	object.bytes = room_map(OBJECT_SIZE_MAX, OBJECT_READY_BYTES);
	if (object.log == MAP_FAILED || object.bytes == MAP_FAILED)
		return error_set(error, -ENOMEM, ERROR_INTERNAL,
		                 "no memory for an object and the verifier's log");
	memory_touch(&object, sizeof(object));
	return 0;
}

static void job_fail(const struct error *error)
{
	struct loader_failed failed = { .error = *error };
	size_t length = strnlen(object.log, VERIFIER_LOG_MAX);
	bool explains = error->code == ERROR_VERIFIER || error->code == ERROR_BAD_OBJECT;
	_cleanup_close_ int log =
		length && explains ? memfd_from_bytes("log", object.log, length) : -1;

	if (log >= 0)
		failed.log_size = (uint32_t)length;
	forward_fail(log < 0 ? LOADER_FAILED : LOADER_FAILED_WITH_LOG, &failed, log);
}

void job_run(const struct gate_job *job, const struct record_globals *globals, int object_fd)
{
	struct error error = {};

	object.job = job;
	object.globals = globals;
	if (object_process(&object, object_fd, &error) < 0)
		job_fail(&error);
}
