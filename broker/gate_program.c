/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Programs of a load: which may be loaded, the handles in their instructions, and where extension
 * programs belong. */
#include "broker/gate_state.h"

#include "common/kernel_release.h"
#include "common/program_type.h"

#include <errno.h>
#include <string.h>

#define INSTRUCTIONS_MAX 1000000u  /* the kernel's own bound, BPF_COMPLEXITY_LIMIT_INSNS */
#define RECORD_SIZE_MAX 256u       /* of one function or line record; the kernel takes up to 252 */
#define PROBE_INSTRUCTIONS_MAX 16u /* what libbpf probes with while it loads */
#define WARMUP_INSTRUCTIONS_MAX 256u /* what bpfd's own warm-up object has */

/* The program types that libbpf probes the kernel with. */
static bool type_is_probe(uint32_t type)
{
	return type == BPF_PROG_TYPE_SOCKET_FILTER || type == BPF_PROG_TYPE_TRACEPOINT ||
	       type == BPF_PROG_TYPE_CGROUP_SOCK || type == BPF_PROG_TYPE_KPROBE;
}

static int probe_check(const struct gate *gate, const struct loader_program_load *load)
{
	bool warming = gate->state == LOADER_STATE_PROBING;
	uint32_t most = warming ? WARMUP_INSTRUCTIONS_MAX : PROBE_INSTRUCTIONS_MAX;

	if (load->instruction_count > most || load->flags)
		return -EPERM;
	if (!type_is_probe(load->type) && !(warming && load->type == BPF_PROG_TYPE_XDP))
		return -EPERM;
	return 0;
}

/* Is this a type that the job asks for? Programs without a type may turn out to be any. */
static bool type_in_job(const struct gate *gate, uint32_t program_type)
{
	for (uint32_t i = 0; i < gate->job.program_count; i++) {
		uint32_t asked = gate->job.programs[i].type;

		if (asked == PROGRAM_TYPE_NONE || asked == program_type)
			return true;
	}
	return false;
}

static bool index_loaded(const struct gate *gate, uint32_t index)
{
	for (uint32_t handle = 1; handle <= gate->object_count; handle++) {
		const struct gate_object *object = &gate->objects[handle];

		if (object->kind == GATE_KIND_PROGRAM && object->index == index)
			return true;
	}
	return false;
}

static int program_check(const struct gate *gate, const struct loader_program_load *load)
{
	const struct program_type_row *row = program_type_row(load->program_type);

	if (load->index == LOADER_PROGRAM_PROBE)
		return probe_check(gate, load);
	if (gate->state != LOADER_STATE_LOADING || !row || row->bpf_type != load->type ||
	    (load->flags & ~row->flags) || !row->loaded_for != !load->attach_btf_id)
		return -EPERM;
	if (load->expected_attach_type && load->expected_attach_type != row->attach_type)
		return -EPERM;
	if (load->index == LOADER_PROGRAM_HELPER)
		return type_in_job(gate, load->program_type) ? 0 : -EPERM;
	if (load->index >= gate->job.program_count || index_loaded(gate, load->index))
		return -EPERM;

	uint32_t asked = gate->job.programs[load->index].type;

	return asked == PROGRAM_TYPE_NONE || asked == load->program_type ? 0 : -EPERM;
}

/* The bytes that follow from the counts, or 0 when they are out of bounds. */
static uint64_t payload_size(const struct loader_program_load *load)
{
	if (load->instruction_count == 0 || load->instruction_count > INSTRUCTIONS_MAX ||
	    load->function_record_size > RECORD_SIZE_MAX ||
	    load->line_record_size > RECORD_SIZE_MAX ||
	    load->function_record_count > INSTRUCTIONS_MAX ||
	    load->line_record_count > INSTRUCTIONS_MAX)
		return 0;
	return (uint64_t)load->instruction_count * sizeof(struct bpf_insn) +
	       (uint64_t)load->function_record_count * load->function_record_size +
	       (uint64_t)load->line_record_count * load->line_record_size;
}

static int immediate_translate(struct gate *gate, struct bpf_insn *instruction)
{
	const struct gate_object *map;

	switch (instruction->src_reg) {
	case 0:
	case BPF_PSEUDO_FUNC:
		return 0;
	case BPF_PSEUDO_MAP_FD:
	case BPF_PSEUDO_MAP_VALUE:
		map = gate_object_find(gate, (uint32_t)instruction->imm, GATE_KIND_MAP);
		if (!map)
			return -EBADF;
		instruction->imm = map->fd;
		return 0;
	case BPF_PSEUDO_BTF_ID:
		/* the second half names a module's BTF by descriptor: none is ever handed out */
		return instruction[1].imm == 0 ? 0 : -EBADF;
	default:
		return -EINVAL; /* indices into an array of descriptors, which never is passed */
	}
}

/* Turns the handles in the instructions into descriptors. 0 or -errno. */
static int instructions_translate(struct gate *gate, struct bpf_insn *instructions, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		int result;

		if (instructions[i].code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (i + 1 == count)
			return -EINVAL;
		result = immediate_translate(gate, &instructions[i]);
		if (result < 0)
			return result;
		i++;
	}
	return 0;
}

/* Is this program of the job to be loaded as an extension of a dispatcher? */
static bool load_is_extension(const struct gate *gate, const struct loader_program_load *load)
{
	const struct program_type_row *row = program_type_row(load->program_type);

	return load->index < gate->job.program_count && row && row->dispatched &&
	       gate->job.programs[load->index].form == PROGRAM_FORM_EXTENSION;
}

/*
 * Tail calls connect programs of the same type and expected attach type only (Linux 6.17, and
 * stable kernels since). An extension program counts as its target's type and no attach type, and
 * may not itself be called: so what it calls is loaded plainly, without an attach type.
 */
static bool helper_of_extensions(const struct gate *gate, const struct loader_program_load *load)
{
	const struct program_type_row *row = program_type_row(load->program_type);

	if (load->index != LOADER_PROGRAM_HELPER || !row || !row->dispatched)
		return false;
	for (uint32_t i = 0; i < gate->job.program_count; i++) {
		if (gate->job.programs[i].form == PROGRAM_FORM_EXTENSION)
			return true;
	}
	return false;
}

/* The template that extensions of this type are loaded against, or NULL. */
static const struct extension_target *extension_target(const struct gate *gate, uint32_t type)
{
	for (size_t i = 0; i < EXTENSION_TARGETS; i++) {
		const struct extension_target *target = &gate->options.extension_targets[i];

		if (target->program_type == type && target->fd >= 0)
			return target;
	}
	return NULL;
}

static int program_target_set(const struct gate *gate, const struct loader_program_load *load,
                              union bpf_attr *attr)
{
	const struct extension_target *target = extension_target(gate, load->type);

	attr->prog_type = load->type;
	attr->expected_attach_type =
		helper_of_extensions(gate, load) ? 0 : load->expected_attach_type;
	attr->attach_btf_id = load->attach_btf_id;
	if (!load_is_extension(gate, load))
		return 0;
	if (!target)
		return -EOPNOTSUPP;
	attr->prog_type = BPF_PROG_TYPE_EXT;
	attr->expected_attach_type = 0;
	attr->attach_prog_fd = (uint32_t)target->fd;
	attr->attach_btf_id = target->btf_id;
	return 0;
}

static int program_references(struct gate *gate, const struct loader_program_load *load,
                              unsigned char *payload, union bpf_attr *attr)
{
	const struct gate_object *btf = gate_object_find(gate, load->btf, GATE_KIND_BTF);
	size_t functions = load->instruction_count * sizeof(struct bpf_insn);
	size_t lines = functions + (size_t)load->function_record_count * load->function_record_size;

	attr->insn_cnt = load->instruction_count;
	attr->insns = (uint64_t)(uintptr_t)payload;
	if (load->btf == LOADER_HANDLE_NONE)
		return 0;
	if (!btf)
		return -EBADF;
	attr->prog_btf_fd = (uint32_t)btf->fd;
	attr->func_info_rec_size = load->function_record_size;
	attr->func_info_cnt = load->function_record_count;
	attr->func_info = (uint64_t)(uintptr_t)(payload + functions);
	attr->line_info_rec_size = load->line_record_size;
	attr->line_info_cnt = load->line_record_count;
	attr->line_info = (uint64_t)(uintptr_t)(payload + lines);
	return 0;
}

static int program_make(struct gate *gate, const struct loader_program_load *load,
                        unsigned char *payload, struct gate_answer *answer)
{
	union bpf_attr attr = {};
	char *log = NULL;
	int result = program_target_set(gate, load, &attr);

	if (result == 0)
		result = program_references(gate, load, payload, &attr);
	if (result == 0)
		result = instructions_translate(gate, (struct bpf_insn *)payload,
		                                load->instruction_count);
	if (result < 0)
		return result;
	attr.prog_flags = load->flags;
	attr.kern_version = load->kernel_version;
	attr.license = (uint64_t)(uintptr_t)load->license;
	memcpy(attr.prog_name, load->name, sizeof(attr.prog_name));
	if (load->log)
		log = gate_log_new();
	if (log) {
		attr.log_level = 1;
		attr.log_buf = (uint64_t)(uintptr_t)log;
		attr.log_size = VERIFIER_LOG_MAX;
	}
	result = gate->options.kernel->bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	gate_log_finish(log, answer);
	if (result < 0 && load->index != LOADER_PROGRAM_PROBE && gate->options.kernel_release)
		(void)program_type_too_new(load->program_type, gate->options.kernel_release,
		                           &gate->refusal);
	return result;
}

static int program_load(struct gate *gate, const struct channel_message *message,
                        const struct loader_program_load *load, const uint8_t *inline_bytes,
                        struct gate_answer *answer)
{
	const struct gate_object description = { .kind = GATE_KIND_PROGRAM,
		                                 .type = load->type,
		                                 .program_type = load->program_type,
		                                 .flags = load->flags,
		                                 .index = load->index };
	__attribute__((cleanup(gate_payload_cleanup))) struct gate_payload payload = {};
	uint64_t size = payload_size(load);
	int result;

	answer->probe = load->index == LOADER_PROGRAM_PROBE;
	if (size == 0 || !channel_text_ok(load->name, sizeof(load->name)) ||
	    !channel_text_ok(load->license, sizeof(load->license)))
		return -EPROTO;
	answer->result = program_check(gate, load);
	if (answer->result < 0)
		return 0;
	result = gate_payload_take(message, inline_bytes, size, &payload);
	if (result == -EPROTO)
		return result;
	if (result == 0)
		result = gate_object_add(gate, program_make(gate, load, payload.bytes, answer),
		                         &description);
	answer->result = result;
	return 0;
}

int gate_program_load(struct gate *gate, const struct channel_message *message,
                      struct gate_answer *answer)
{
	const struct loader_program_load_short *body = message->body;

	return program_load(gate, message, &body->load, body->payload, answer);
}

int gate_program_load_long(struct gate *gate, const struct channel_message *message,
                           struct gate_answer *answer)
{
	return program_load(gate, message, message->body, NULL, answer);
}

int gate_program_bind(struct gate *gate, const struct channel_message *message,
                      struct gate_answer *answer)
{
	const struct loader_program_bind *bind = message->body;
	const struct gate_object *program =
		gate_object_find(gate, bind->program, GATE_KIND_PROGRAM);
	const struct gate_object *map = gate_object_find(gate, bind->map, GATE_KIND_MAP);
	union bpf_attr attr = {};

	if (!program || !map) {
		answer->result = -EBADF;
		return 0;
	}
	attr.prog_bind_map.prog_fd = (uint32_t)program->fd;
	attr.prog_bind_map.map_fd = (uint32_t)map->fd;
	answer->result = gate->options.kernel->bpf(BPF_PROG_BIND_MAP, &attr, sizeof(attr));
	return 0;
}
