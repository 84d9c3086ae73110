/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * "bpfctl reload": bpfd is made to have what the files declare. An ordinary client does it, with
 * requests like any other's; the daemon does not know that there are such files.
 */
#include "bpfctl/json.h"
#include "bpfctl/object.h"
#include "bpfctl/options.h"
#include "bpfctl/places.h"
#include "bpfctl/session.h"
#include "bpfctl/text.h"
#include "common/cleanup.h"
#include "declare/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct reload {
	struct bpfd_client *client;
	enum output_format output;
	json_t *done; /* one object for each change */
	size_t changes;
	enum exit_code worst; /* of what happened so far */
};

static _Bool take_directory(struct arguments *arguments, char *value)
{
	if (value[0] != '/')
		return complain(arguments, "--directory takes an absolute path, not \"%s\"", value);
	arguments->directory = value;
	return 1;
}

/* clang-format off */
const struct option_row reload_options[] = {
	{ "directory", "PATH", VALUES_FILE, "read the files there, if not in " DECLARATIONS_DIRECTORY,
	  take_directory, 0, 0, 0, 0 },
	{},
};
/* clang-format on */

static void worst_raise(struct reload *reload, enum exit_code code)
{
	if (code > reload->worst)
		reload->worst = code;
}

static void file_tell(void *state, const struct declaration_error *error)
{
	struct reload *reload = state;

	(void)fputs("bpfctl: ", stderr);
	text_print(stderr, error->message);
	(void)fputc('\n', stderr);
	worst_raise(reload, EXIT_REFUSED);
}

/* A change that was made: a line, or a member of the array. Ids of 0 are left out. */
static void done_tell(struct reload *reload, const char *file, const char *action, uint64_t program,
                      uint64_t link, const char *what)
{
	reload->changes++;
	if (reload->output == OUTPUT_JSON) {
		(void)json_array_append_new(
			reload->done,
			json_pack("{s:s?, s:s, s:o, s:o, s:s}", "file", file, "action", action,
		                  "program",
		                  program ? json_integer((json_int_t)program) : json_null(), "link",
		                  link ? json_integer((json_int_t)link) : json_null(), "what",
		                  what));
		return;
	}
	if (file)
		(void)printf("%s: ", file);
	(void)fputs(action, stdout);
	if (link)
		(void)printf(" link %" PRIu64, link);
	if (program)
		(void)printf("%s program %" PRIu64, link ? "," : "", program);
	(void)fputs(" (", stdout);
	text_print(stdout, what);
	(void)fputs(")\n", stdout);
}

static const char *where(const struct bpfd_link *link)
{
	return *link->where ? link->where : link->program_name;
}

static void step_fail(struct reload *reload, const struct plan_step *step, const char *subject,
                      struct bpfd_error *error)
{
	char text[DECLARATION_FILE_MAX + 200];

	if (step->link)
		(void)snprintf(text, sizeof(text), "%s:%u: cannot %s \"%.100s\"",
		               step->declaration->file, step->link->line, subject,
		               step->link->function);
	else
		(void)snprintf(text, sizeof(text), "%s: cannot %s", step->file ? step->file : "-",
		               subject);
	worst_raise(reload, error_report(stderr, text, error));
	if (step->declaration)
		step->declaration->failed = 1;
}

/* The metadata of a request with the mark at its end; there is room for it. */
static size_t metadata_mark(struct arguments *arguments, const char *mark)
{
	arguments->metadata[arguments->metadata_count] =
		(struct bpfd_metadata){ .key = DECLARATION_KEY, .value = mark };
	return arguments->metadata_count + 1;
}

static uint64_t loaded_program(const struct declaration *declaration, const char *function)
{
	const struct bpfd_programs *loaded = declaration->loaded;

	for (size_t i = 0; loaded && i < loaded->count; i++) {
		if (strcmp(loaded->items[i].name, function) == 0)
			return loaded->items[i].id;
	}
	return 0;
}

/* Whose maps are used: what is loaded already, or was just loaded. */
static uint64_t owner_of(const struct plan_step *step)
{
	const struct declaration *owner = step->declaration->owner;

	if (step->program)
		return step->program->id;
	return owner ? loaded_program(owner, step->declaration->owner_function) : 0;
}

static void owner_fail(struct reload *reload, const struct plan_step *step)
{
	(void)fprintf(stderr,
	              "bpfctl: %s: its programs are not loaded, for their map owner, \"%s\" of %s, "
	              "is not\n",
	              step->file, step->declaration->owner_function, step->declaration->owner_file);
	worst_raise(reload, EXIT_REFUSED);
	step->declaration->load_failed = 1;
}

static void load_step(struct reload *reload, const struct plan_step *step)
{
	struct declaration *declaration = step->declaration;
	struct arguments *load = &declaration->load;
	char mark[PLAN_MARK_SIZE] = "";
	struct bpfd_load_request request = {
		.object = declaration->object,
		.object_size = declaration->object_size,
		.programs = load->programs,
		.program_count = load->program_count,
		.globals = load->globals,
		.global_count = load->global_count,
		.metadata = load->metadata,
		.metadata_count = metadata_mark(load, mark),
		.application = load->application,
		.persist = load->persist,
		.map_owner = owner_of(step),
		.source_name = source_name(declaration->object_path),
	};
	struct bpfd_error *error = NULL;

	if (declaration->owner && !request.map_owner) {
		owner_fail(reload, step);
		return;
	}
	program_mark_print(declaration, mark);
	if (bpfd_load(reload->client, &request, &declaration->loaded, &error) < 0) {
		step_fail(reload, step, "load its programs", error);
		declaration->load_failed = 1;
		return;
	}
	for (size_t i = 0; i < declaration->loaded->count; i++)
		done_tell(reload, declaration->file, "loaded", declaration->loaded->items[i].id, 0,
		          declaration->loaded->items[i].name);
}

/* The program behind a link: what runs already, or what was just loaded. */
static uint64_t program_of(const struct plan_step *step)
{
	if (step->program)
		return step->program->id;
	return loaded_program(step->declaration, step->link->function);
}

static void attach_step(struct reload *reload, const struct plan_step *step)
{
	struct arguments *arguments = &step->link->arguments;
	char mark[PLAN_MARK_SIZE] = "";
	struct bpfd_attach_request request = {
		.program_id = program_of(step),
		.type = arguments->type,
		.metadata = arguments->metadata,
		.metadata_count = metadata_mark(arguments, mark),
	};
	struct bpfd_error *error = NULL;
	struct places_found found;
	struct bpfd_link *link = NULL;
	int result;

	link_mark_print(step->declaration, step->link, mark);
	result = places_find(arguments, &found, &request.target, &error);
	if (result == 0)
		result = bpfd_attach(reload->client, &request, &link, &error);
	places_free(&found);
	if (result) {
		step_fail(reload, step, "attach", error);
		return;
	}
	done_tell(reload, step->file,
	          link->state == BPFD_LINK_WAITING ? "waiting to attach" : "attached",
	          link->program_id, link->id, where(link));
	bpfd_link_free(link);
}

static _Bool detach_step(struct reload *reload, const struct plan_step *step)
{
	struct bpfd_error *error = NULL;

	if (bpfd_detach(reload->client, step->present->id, NULL, &error) < 0) {
		step_fail(reload, step, "detach", error);
		return 0;
	}
	done_tell(reload, step->file, "detached", 0, step->present->id, where(step->present));
	return 1;
}

static void update_step(struct reload *reload, const struct plan_step *step)
{
	const struct bpfd_target *wanted = &step->link->arguments.target;
	struct bpfd_update_request request = {
		.link_id = step->present->id,
		.program_id = program_of(step),
		.priority_set = wanted->priority_set,
		.priority = wanted->priority,
		.proceed_on = wanted->proceed_on,
		.proceed_on_count = wanted->proceed_on_count,
	};
	struct bpfd_error *error = NULL;
	struct bpfd_link *link = NULL;

	if (request.program_id == step->present->program_id)
		request.program_id = 0;
	if (bpfd_update(reload->client, &request, &link, &error) == 0) {
		done_tell(reload, step->file, "updated", link->program_id, link->id, where(link));
		bpfd_link_free(link);
		return;
	}
	/* what cannot be done in place is done one after the other */
	if (error->code != BPFD_ERROR_UNSUPPORTED && error->code != BPFD_ERROR_INVALID_ARGUMENT) {
		step_fail(reload, step, "update the link of", error);
		return;
	}
	bpfd_error_free(error);
	if (detach_step(reload, step))
		attach_step(reload, step);
}

static void unload_step(struct reload *reload, const struct plan_step *step)
{
	struct bpfd_error *error = NULL;

	if (step->declaration && step->declaration->failed)
		return; /* it may still run what could not be replaced */
	if (bpfd_unload(reload->client, step->program->id, NULL, &error) < 0)
		step_fail(reload, step, "unload what it declared before", error);
	else
		done_tell(reload, step->file, "unloaded", step->program->id, 0,
		          step->program->name);
}

static void detach_only(struct reload *reload, const struct plan_step *step)
{
	(void)detach_step(reload, step);
}

static void plan_run(struct reload *reload, const struct plan *plan)
{
	static void (*const actions[])(struct reload * reload, const struct plan_step *step) = {
		[PLAN_LOAD] = load_step,     [PLAN_DETACH] = detach_only,
		[PLAN_UPDATE] = update_step, [PLAN_ATTACH] = attach_step,
		[PLAN_UNLOAD] = unload_step,
	};

	for (size_t i = 0; i < plan->count && reload->worst != EXIT_UNREACHABLE; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (!step->declaration || !step->declaration->load_failed)
			actions[step->action](reload, step);
	}
}

/* What bpfd has, compared with the files, and made the same. */
static enum exit_code declarations_apply(struct reload *reload,
                                         const struct declarations *declarations)
{
	struct bpfd_programs *programs = NULL;
	struct bpfd_links *links = NULL;
	struct bpfd_error *error = NULL;
	struct plan plan = {};
	enum exit_code code = EXIT_DONE;
	int result = bpfd_list_programs(reload->client, NULL, &programs, &error);

	if (result == 0)
		result = bpfd_list_links(reload->client, 0, &links, &error);
	if (result < 0)
		code = error_report(stderr, NULL, error);
	else if (plan_make(declarations, programs, links, getuid(), &plan) < 0)
		code = memory_report();
	plan_run(reload, &plan);
	plan_free(&plan);
	bpfd_programs_free(programs);
	bpfd_links_free(links);
	return code;
}

/* Whose signatures count, before anything is loaded. */
static void rules_apply(struct reload *reload)
{
	struct bpfd_error *error = NULL;
	char what[64];
	uint32_t demands;
	int changed;

	if (bpfd_rules_read(reload->client, &demands, &changed, &error) < 0) {
		worst_raise(reload,
		            error_report(stderr, "the rules about signatures stay as they were",
		                         error));
		return;
	}
	(void)snprintf(what, sizeof(what), "%u want a signature", demands);
	if (changed)
		done_tell(reload, NULL, "read the rules again", 0, 0, what);
}

static void end_tell(struct reload *reload, const char *directory)
{
	if (reload->output == OUTPUT_JSON)
		(void)json_print(stdout, reload->done);
	else if (!reload->changes && reload->worst == EXIT_DONE)
		(void)printf("%s: nothing to change\n", directory);
}

/*
 * Two reloads at a time would load everything twice: the second waits. The lock is root's own,
 * beside the socket, where nobody else can take it; where it cannot be made there is none.
 */
static int lock_take(const struct arguments *arguments)
{
	const char *socket = arguments->socket_path ? arguments->socket_path : BPFD_SOCKET_PATH;
	const char *slash = strrchr(socket, '/');
	char path[512];
	int fd;

	(void)snprintf(path, sizeof(path), "%.*sreload.lock", slash ? (int)(slash - socket) + 1 : 0,
	               socket);
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	while (fd >= 0 && flock(fd, LOCK_EX) < 0 && errno == EINTR) {
	}
	return fd;
}

enum exit_code reload_run(struct arguments *arguments)
{
	const char *directory =
		arguments->directory ? arguments->directory : DECLARATIONS_DIRECTORY;
	struct reload reload = { .output = arguments->output };
	struct declarations declarations = {};
	struct declaration_error error;
	enum exit_code code;

	if (geteuid() != 0) {
		(void)fputs("bpfctl: root declares programs: run this as root, or load them with "
		            "\"bpfctl load\"\n",
		            stderr);
		return EXIT_REFUSED;
	}
	_cleanup_close_ int lock_fd = lock_take(arguments);

	(void)lock_fd;
	if (declarations_read(directory, file_tell, &reload, &declarations, &error) < 0) {
		file_tell(&reload, &error);
		return reload.worst;
	}
	code = session_open(arguments, &reload.client);
	if (code == EXIT_DONE) {
		reload.done = json_array();
		rules_apply(&reload);
		code = declarations_apply(&reload, &declarations);
		worst_raise(&reload, code);
		end_tell(&reload, directory);
	}
	worst_raise(&reload, code);
	declarations_free(&declarations);
	return reload.worst;
}
