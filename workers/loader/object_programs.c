/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/program_type.h"
#include "common/target.h"
#include "workers/loader/loader.h"
#include "workers/loader/names.h"

#include <errno.h>
#include <string.h>

static int function_missing(const struct object *object, const char *function, struct error *error)
{
	struct bpf_program *program;
	struct names names = {};

	bpf_object__for_each_program(program, object->bpf)
		names_add(&names, bpf_program__name(program));
	return error_set(error, -ENOENT, ERROR_NOT_FOUND,
	                 "the object has no program \"%s\"; its programs are: %s", function,
	                 names_text(&names));
}

/* The type that the job says, or else the section. */
static int type_find(const struct gate_job_program *wanted, const struct bpf_program *program,
                     uint32_t *type, struct error *error)
{
	const char *section = bpf_program__section_name(program), *rest;

	*type = wanted->type ? wanted->type : program_type_by_section(section, &rest);
	if (*type != PROGRAM_TYPE_NONE)
		return 0;
	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
	                 "program \"%s\" is in section \"%s\", which says no type that bpfd has: "
	                 "say which it is, as TYPE:%s, with one of the types that bpfctl(1) lists",
	                 wanted->function, section, wanted->function);
}

/* A section like "xdp" or "tracepoint/..." already says a type: it has to agree. */
static int type_set(struct bpf_program *program, const struct program_type_row *row,
                    struct error *error)
{
	enum bpf_prog_type declared = bpf_program__type(program);
	enum bpf_prog_type wanted = (enum bpf_prog_type)row->bpf_type;

	if (declared != BPF_PROG_TYPE_UNSPEC && declared != wanted)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "program \"%s\" is in section \"%s\", whose type is %s, not %s: "
		                 "load it as that type",
		                 bpf_program__name(program), bpf_program__section_name(program),
		                 libbpf_bpf_prog_type_str(declared) ?: "another", row->name);
	(void)bpf_program__set_type(program, wanted);
	(void)bpf_program__set_expected_attach_type(program,
	                                            (enum bpf_attach_type)row->attach_type);
	return 0;
}

/* The kernel function or hook that the program is loaded for: the job's, or else the section's. */
static int target_set(struct bpf_program *program, const struct program_type_row *row,
                      const char *asked, char target[FUNCTION_NAME_SIZE], struct error *error)
{
	const char *rest;
	int result;

	if (!row->loaded_for && !asked[0])
		return 0;
	if (!row->loaded_for)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "program \"%s\" is of type %s, which is loaded for no certain "
		                 "place: leave out \"%s\", and say where when it is attached",
		                 bpf_program__name(program), row->name, asked);
	if (!asked[0]) {
		(void)program_type_by_section(bpf_program__section_name(program), &rest);
		asked = rest;
	}
	if (!asked[0])
		return error_set(
			error, -EINVAL, ERROR_INVALID_ARGUMENT,
			"program \"%s\" is of type %s, which is loaded for one %s of the "
			"kernel's, and neither the request nor its section \"%s\" names it",
			bpf_program__name(program), row->name, row->loaded_for,
			bpf_program__section_name(program));
	messages_clear();
	result = bpf_program__set_attach_target(program, 0, asked);
	if (result < 0)
		return error_set(error, result, ERROR_NOT_FOUND,
		                 "this kernel's BTF has no %s \"%s\" for program \"%s\": %s",
		                 row->loaded_for, asked, bpf_program__name(program),
		                 strerror(-result));
	(void)snprintf(target, FUNCTION_NAME_SIZE, "%s", asked);
	return 0;
}

static int form_check(const struct object *object, const struct gate_job_program *wanted,
                      const struct program_type_row *row, struct error *error)
{
	if (!row->dispatched || wanted->form != PROGRAM_FORM_EXTENSION ||
	    bpf_object__btf(object->bpf))
		return 0;
	return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
	                 "the object has no BTF type information, which a program in a chain of "
	                 "%s programs needs: compile it with -g%s",
	                 row->name,
	                 row->takes & TARGET_BIT(TARGET_EXCLUSIVE) ? ", or load it with --exclusive"
	                                                           : "");
}

static int program_select(struct object *object, uint32_t index, struct error *error)
{
	const struct gate_job_program *wanted = &object->job->programs[index];
	struct bpf_program *program =
		bpf_object__find_program_by_name(object->bpf, wanted->function);
	const struct program_type_row *row;
	int result;

	if (!program)
		return function_missing(object, wanted->function, error);
	for (uint32_t i = 0; i < index; i++) {
		if (object->programs[i] == program)
			return error_set(
				error, -EINVAL, ERROR_INVALID_ARGUMENT,
				"program \"%s\" is asked for twice in one load: name it once",
				wanted->function);
	}
	result = type_find(wanted, program, &object->types[index], error);
	if (result < 0)
		return result;
	row = program_type_row(object->types[index]);
	result = form_check(object, wanted, row, error);
	if (result == 0)
		result = type_set(program, row, error);
	if (result == 0)
		result = target_set(program, row, wanted->target, object->targets[index], error);
	if (result == 0)
		object->programs[index] = program;
	return result;
}

static bool program_is_selected(const struct object *object, const struct bpf_program *program)
{
	for (uint32_t i = 0; i < object->job->program_count; i++) {
		if (object->programs[i] == program)
			return true;
	}
	return false;
}

/* A program array with static contents can be filled only if its programs are loaded too: as the
 * first program's type. */
static bool program_is_helper(struct object *object, struct bpf_program *program)
{
	enum bpf_prog_type type = bpf_program__type(object->programs[0]);

	if (bpf_program__type(program) != BPF_PROG_TYPE_UNSPEC &&
	    bpf_program__type(program) != type)
		return false;
	if (!object_is_tail_target(object, bpf_program__name(program)))
		return false;
	if (bpf_program__type(program) == BPF_PROG_TYPE_UNSPEC)
		(void)bpf_program__set_type(program, type);
	return true;
}

int object_select_programs(struct object *object, struct error *error)
{
	struct bpf_program *program;
	int result = 0;

	for (uint32_t i = 0; i < object->job->program_count && result == 0; i++)
		result = program_select(object, i, error);
	if (result < 0)
		return result;
	bpf_object__for_each_program(program, object->bpf)
	{
		bool wanted =
			program_is_selected(object, program) || program_is_helper(object, program);

		(void)bpf_program__set_autoload(program, wanted);
		if (wanted)
			(void)bpf_program__set_log_buf(program, object->log, VERIFIER_LOG_MAX);
	}
	return 0;
}
