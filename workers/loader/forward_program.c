/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Programs on their way to the gate: instructions with handles in them, and the records that say
 * where they come from. */
#include "workers/loader/forward.h"

#include "common/cleanup.h"
#include "common/memfd.h"
#include "common/program_type.h"

#include <string.h>
#include <sys/mman.h>

/* Room for a long payload: filled through `bytes`, then sealed by payload_seal(). */
static int payload_new(size_t size, void **bytes)
{
	_cleanup_close_ int fd = memfd_create("payload", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return -errno;
	*bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	return *bytes == MAP_FAILED ? -errno : steal_fd(&fd);
}

static int payload_seal(int fd, void *bytes, size_t size)
{
	(void)munmap(bytes, size);
	return memfd_seal(fd);
}

/* Descriptors in the instructions become handles; libbpf's descriptors are small, so that each is
 * looked up once. */
static int instructions_translate(struct bpf_insn *instructions, uint32_t count)
{
	uint32_t known[1024] = {};

	for (uint32_t i = 0; i < count; i++) {
		struct bpf_insn *instruction = &instructions[i];
		uint32_t handle;
		uint32_t fd = (uint32_t)instruction->imm;

		if (instruction->code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		i++;
		if (instruction->src_reg != BPF_PSEUDO_MAP_FD &&
		    instruction->src_reg != BPF_PSEUDO_MAP_VALUE)
			continue;
		handle = fd < 1024 ? known[fd] : 0;
		if (handle == LOADER_HANDLE_NONE)
			handle = handle_of((int)fd).handle;
		if (handle == LOADER_HANDLE_NONE)
			return -EBADF;
		if (fd < 1024)
			known[fd] = handle;
		instruction->imm = (int32_t)handle;
	}
	return 0;
}

/* Which program is this? libbpf passes the very instructions that it keeps for it. */
static const struct bpf_program *program_of(const union bpf_attr *attr)
{
	const struct object *object = forward_object();
	struct bpf_program *program;

	if (!object)
		return NULL;
	bpf_object__for_each_program(program, object->bpf)
	{
		if ((uintptr_t)bpf_program__insns(program) == attr->insns)
			return program;
	}
	return NULL;
}

static uint32_t program_index(const struct bpf_program *program)
{
	const struct object *object = forward_object();

	if (!program)
		return LOADER_PROGRAM_PROBE;
	for (uint32_t i = 0; i < object->job->program_count; i++) {
		if (object->programs[i] == program)
			return i;
	}
	return LOADER_PROGRAM_HELPER;
}

/* A tail call's target is what the first program is. */
static uint32_t program_type_of(const struct object *object, uint32_t index)
{
	if (index == LOADER_PROGRAM_PROBE)
		return PROGRAM_TYPE_NONE;
	return object->types[index == LOADER_PROGRAM_HELPER ? 0 : index];
}

static void program_describe(const union bpf_attr *attr, const struct bpf_program *program,
                             struct loader_program_load *load)
{
	const struct object *object = forward_object();
	const char *license = (const char *)(uintptr_t)attr->license;
	uint32_t index = program_index(program);

	*load = (struct loader_program_load){
		.index = index,
		.program_type = program_type_of(object, index),
		.type = attr->prog_type,
		.expected_attach_type = attr->expected_attach_type,
		.flags = attr->prog_flags,
		.instruction_count = attr->insn_cnt,
		.function_record_size = attr->func_info_rec_size,
		.function_record_count = attr->func_info_cnt,
		.line_record_size = attr->line_info_rec_size,
		.line_record_count = attr->line_info_cnt,
		.kernel_version = attr->kern_version,
		.log = attr->log_level ? 1 : 0,
		.attach_btf_id = attr->attach_btf_id,
	};
	if (attr->prog_btf_fd)
		load->btf = handle_of((int)attr->prog_btf_fd).handle;
	memcpy(load->name, attr->prog_name, strnlen(attr->prog_name, sizeof(load->name) - 1));
	if (license)
		memcpy(load->license, license, strnlen(license, sizeof(load->license) - 1));
}

/* Copies instructions, function and line records one after the other, and puts handles in. */
static int program_payload_fill(const union bpf_attr *attr, unsigned char *bytes)
{
	size_t instructions = attr->insn_cnt * sizeof(struct bpf_insn);
	size_t functions = (size_t)attr->func_info_cnt * attr->func_info_rec_size;
	size_t lines = (size_t)attr->line_info_cnt * attr->line_info_rec_size;

	memcpy(bytes, (const void *)(uintptr_t)attr->insns, instructions);
	if (functions)
		memcpy(bytes + instructions, (const void *)(uintptr_t)attr->func_info, functions);
	if (lines)
		memcpy(bytes + instructions + functions, (const void *)(uintptr_t)attr->line_info,
		       lines);
	return instructions_translate((struct bpf_insn *)bytes, attr->insn_cnt);
}

static size_t program_payload_size(const union bpf_attr *attr)
{
	return attr->insn_cnt * sizeof(struct bpf_insn) +
	       (size_t)attr->func_info_cnt * attr->func_info_rec_size +
	       (size_t)attr->line_info_cnt * attr->line_info_rec_size;
}

static int program_ask_long(const union bpf_attr *attr, const struct loader_program_load *load,
                            size_t size, struct forward_log log)
{
	void *bytes = NULL;
	_cleanup_close_ int fd = payload_new(size, &bytes);
	int result;
	int sealed;

	if (fd < 0 || !bytes)
		return fd < 0 ? fd : -ENOMEM;
	result = program_payload_fill(attr, bytes);
	sealed = payload_seal(fd, bytes, size);
	if (result < 0 || sealed < 0)
		return result < 0 ? result : sealed;
	return forward_make(LOADER_PROGRAM_LOAD_LONG, load, fd, log);
}

static int program_ask(const union bpf_attr *attr, const struct bpf_program *program)
{
	static struct loader_program_load_short body;
	const struct forward_log log = { attr->log_level ? attr->log_buf : 0, attr->log_size };
	size_t size = program_payload_size(attr);
	int result;

	program_describe(attr, program, &body.load);
	if (size > LOADER_PAYLOAD_SHORT)
		return program_ask_long(attr, &body.load, size, log);
	result = program_payload_fill(attr, body.payload);
	if (result < 0)
		return result;
	if (!program)
		return forward_try(LOADER_PROGRAM_LOAD, &body, log);
	return forward_make(LOADER_PROGRAM_LOAD, &body, -1, log);
}

/* Before each object libbpf loads two instructions to see whether it may. The warm-up has seen
 * that. */
static bool program_is_trivial(const union bpf_attr *attr)
{
	const struct bpf_insn *instructions = (const struct bpf_insn *)(uintptr_t)attr->insns;

	return forward_object() && attr->prog_type == BPF_PROG_TYPE_SOCKET_FILTER &&
	       attr->insn_cnt == 2 && instructions[0].code == (BPF_ALU64 | BPF_MOV | BPF_K) &&
	       !attr->prog_name[0];
}

int forward_program_load(union bpf_attr *attr)
{
	const struct bpf_program *program;
	int result;

	/* a descriptor would be of a module's BTF, which only CAP_SYS_ADMIN may open */
	if (attr->attach_prog_fd || attr->fd_array || attr->prog_ifindex)
		return -EPERM;
	if (program_is_trivial(attr))
		return handle_open(LOADER_HANDLE_NONE, 0, 0);
	program = program_of(attr);
	result = program_ask(attr, program);
	if (result >= 0)
		return handle_open((uint32_t)result, 0, 0);
	if (program)
		forward_refused(program, result);
	return result;
}

int forward_program_bind(union bpf_attr *attr)
{
	struct loader_program_bind bind = {
		.program = handle_of((int)attr->prog_bind_map.prog_fd).handle,
		.map = handle_of((int)attr->prog_bind_map.map_fd).handle,
	};

	if (attr->prog_bind_map.flags)
		return -EINVAL;
	return forward_do(LOADER_PROGRAM_BIND, &bind, -1);
}
