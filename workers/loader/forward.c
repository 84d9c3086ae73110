/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libbpf's bpf() calls. The binary is linked with --wrap=syscall, so that what libbpf believes to
 * be system calls ends here, is written into messages for the gate, and comes back as if the kernel
 * had answered.
 */
#include "workers/loader/loader.h"

#include "common/cleanup.h"
#include "common/memfd.h"

#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

static struct channel gate;
static struct object *current_object;
static void (*idle_work)(struct object *object);
static struct forward_refusal last_refusal;
static uint64_t calls;

void forward_open(const struct channel *channel)
{
	gate = *channel;
}

void forward_set_object(struct object *object)
{
	current_object = object;
	last_refusal = (struct forward_refusal){};
}

void forward_set_idle_work(void (*work)(struct object *object))
{
	idle_work = work;
}

struct forward_refusal forward_last_refusal(void)
{
	return last_refusal;
}

/* Work that needs no answer of the gate's is done while it verifies. */
static void idle_work_do(void)
{
	void (*work)(struct object *) = idle_work;

	idle_work = NULL;
	if (work && current_object)
		work(current_object);
}

/* One question, one answer. Without its gate the loader has nothing left to do. */
static void gate_ask(uint16_t type, const void *body, int fd, struct channel_message *answer)
{
	static struct channel_buffer buffer;
	uint64_t id = ++calls;

	if (channel_send(&gate, type, id, body, fd < 0 ? NULL : &fd) < 0)
		_exit(EXIT_FAILURE);
	if (type == LOADER_PROGRAM_LOAD || type == LOADER_PROGRAM_LOAD_LONG)
		idle_work_do();
	if (channel_receive(&gate, LOADER_STATE_ASKING, &buffer, answer) < 0 || answer->id != id)
		_exit(EXIT_FAILURE);
}

/* Hands the kernel's log to libbpf, as much as fits. */
static void log_take(const struct channel_message *message, uint32_t sent, uint64_t buffer,
                     uint32_t size)
{
	char *log = (char *)(uintptr_t)buffer;
	size_t room;
	size_t most;

	if (!log || size == 0)
		return;
	log[0] = '\0';
	if (message->row->type != LOADER_ANSWER_LOG ||
	    memfd_check(message->descriptors[0], &room) < 0)
		return;
	most = sent < size ? sent : size - 1;
	if (most <= room && memfd_read(message->descriptors[0], log, most) == 0)
		log[most] = '\0';
}

/* The plain part of an answer: a handle, 0 or -errno. */
static int answer_take(struct channel_message *message, uint64_t log, uint32_t log_size)
{
	const struct loader_answer *answer = message->body;
	int result = -EPROTO;

	if (message->row->type != LOADER_ANSWER_INFO) {
		log_take(message, answer->log_size, log, log_size);
		result = answer->result;
	}
	channel_message_close(message);
	return result;
}

static int ask_plain(uint16_t type, const void *body)
{
	struct channel_message answer;

	gate_ask(type, body, -1, &answer);
	return answer_take(&answer, 0, 0);
}

/* Room for a long payload: filled through `bytes`, then sealed by payload_seal(). */
static int payload_new(size_t size, void **bytes)
{
	_cleanup_close_ int fd = memfd_create("payload", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return -errno;
	*bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return *bytes == MAP_FAILED ? -errno : steal_fd(&fd);
}

static int payload_seal(int fd, void *bytes, size_t size)
{
	(void)munmap(bytes, size);
	return memfd_seal(fd);
}

static int forward_map_create(union bpf_attr *attr)
{
	struct loader_map_create map = {
		.type = attr->map_type,
		.key_size = attr->key_size,
		.value_size = attr->value_size,
		.max_entries = attr->max_entries,
		.flags = attr->map_flags,
		.numa_node = attr->numa_node,
		.extra = attr->map_extra,
		.btf_key_type_id = attr->btf_key_type_id,
		.btf_value_type_id = attr->btf_value_type_id,
	};
	int result;

	if (attr->map_ifindex || attr->btf_vmlinux_value_type_id)
		return -EPERM;
	if (attr->inner_map_fd)
		map.inner_map = handle_of((int)attr->inner_map_fd).handle;
	if (attr->btf_fd)
		map.btf = handle_of((int)attr->btf_fd).handle;
	memcpy(map.name, attr->map_name, strnlen(attr->map_name, sizeof(map.name) - 1));
	result = ask_plain(LOADER_MAP_CREATE, &map);
	return result < 0 ? result
	                  : handle_open((uint32_t)result, attr->map_type, attr->value_size);
}

static int map_update_long(const struct loader_map_update *update, const void *value)
{
	struct channel_message answer;
	_cleanup_close_ int fd = memfd_from_bytes("value", value, update->value_size);

	if (fd < 0)
		return fd;
	gate_ask(LOADER_MAP_UPDATE_LONG, update, fd, &answer);
	return answer_take(&answer, 0, 0);
}

static int map_slot_set(uint32_t map, uint32_t key, const void *value)
{
	int fd;

	memcpy(&fd, value, sizeof(fd));

	struct loader_map_slot slot = { .map = map, .key = key, .value = handle_of(fd).handle };

	return ask_plain(LOADER_MAP_SLOT, &slot);
}

static int forward_map_update(union bpf_attr *attr)
{
	static struct loader_map_update_short body;
	const void *value = (const void *)(uintptr_t)attr->value;
	struct handle map = handle_of((int)attr->map_fd);
	uint32_t key;

	if (map.handle == LOADER_HANDLE_NONE || attr->flags)
		return -EINVAL;
	memcpy(&key, (const void *)(uintptr_t)attr->key, sizeof(key));
	if (map.map_type == BPF_MAP_TYPE_PROG_ARRAY || map.map_type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
	    map.map_type == BPF_MAP_TYPE_HASH_OF_MAPS)
		return map_slot_set(map.handle, key, value);
	body.update = (struct loader_map_update){ .map = map.handle,
		                                  .key = key,
		                                  .value_size = map.value_size };
	if (body.update.value_size > LOADER_PAYLOAD_SHORT)
		return map_update_long(&body.update, value);
	memcpy(body.payload, value, body.update.value_size);
	return ask_plain(LOADER_MAP_UPDATE, &body);
}

static int forward_map_freeze(union bpf_attr *attr)
{
	struct loader_map_freeze freeze = { .map = handle_of((int)attr->map_fd).handle };

	return ask_plain(LOADER_MAP_FREEZE, &freeze);
}

static int forward_btf_load(union bpf_attr *attr)
{
	static struct loader_btf_load_short body;
	const void *btf = (const void *)(uintptr_t)attr->btf;
	struct channel_message answer;
	_cleanup_close_ int fd = -1;
	int result;

	body.load = (struct loader_btf_load){ .size = attr->btf_size,
		                              .log = attr->btf_log_level ? 1 : 0 };
	if (attr->btf_size > LOADER_PAYLOAD_SHORT) {
		fd = memfd_from_bytes("btf", btf, attr->btf_size);
		if (fd < 0)
			return fd;
		gate_ask(LOADER_BTF_LOAD_LONG, &body.load, fd, &answer);
	} else {
		memcpy(body.payload, btf, attr->btf_size);
		gate_ask(LOADER_BTF_LOAD, &body, -1, &answer);
	}
	result = answer_take(&answer, attr->btf_log_level ? attr->btf_log_buf : 0,
	                     attr->btf_log_size);
	return result < 0 ? result : handle_open((uint32_t)result, 0, 0);
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
	struct bpf_program *program;

	if (!current_object)
		return NULL;
	bpf_object__for_each_program(program, current_object->bpf)
	{
		if ((uintptr_t)bpf_program__insns(program) == attr->insns)
			return program;
	}
	return NULL;
}

static uint32_t program_index(const struct bpf_program *program)
{
	if (!program)
		return LOADER_PROGRAM_PROBE;
	for (uint32_t i = 0; i < current_object->job->program_count; i++) {
		if (current_object->programs[i] == program)
			return i;
	}
	return LOADER_PROGRAM_HELPER;
}

static void program_describe(const union bpf_attr *attr, const struct bpf_program *program,
                             struct loader_program_load *load)
{
	const char *license = (const char *)(uintptr_t)attr->license;

	*load = (struct loader_program_load){
		.index = program_index(program),
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
                            size_t size, struct channel_message *answer)
{
	void *bytes;
	_cleanup_close_ int fd = payload_new(size, &bytes);
	int result;
	int sealed;

	if (fd < 0)
		return fd;
	result = program_payload_fill(attr, bytes);
	sealed = payload_seal(fd, bytes, size);
	if (result < 0 || sealed < 0)
		return result < 0 ? result : sealed;
	gate_ask(LOADER_PROGRAM_LOAD_LONG, load, fd, answer);
	return 0;
}

static int program_ask(const union bpf_attr *attr, const struct bpf_program *program)
{
	static struct loader_program_load_short body;
	size_t size = program_payload_size(attr);
	struct channel_message answer;
	int result;

	program_describe(attr, program, &body.load);
	if (size > LOADER_PAYLOAD_SHORT) {
		result = program_ask_long(attr, &body.load, size, &answer);
	} else {
		result = program_payload_fill(attr, body.payload);
		if (result == 0)
			gate_ask(LOADER_PROGRAM_LOAD, &body, -1, &answer);
	}
	if (result < 0)
		return result;
	return answer_take(&answer, attr->log_level ? attr->log_buf : 0, attr->log_size);
}

/* Before each object libbpf loads two instructions to see whether it may. The warm-up has seen
 * that. */
static bool program_is_trivial(const union bpf_attr *attr)
{
	const struct bpf_insn *instructions = (const struct bpf_insn *)(uintptr_t)attr->insns;

	return current_object && attr->prog_type == BPF_PROG_TYPE_SOCKET_FILTER &&
	       attr->insn_cnt == 2 && instructions[0].code == (BPF_ALU64 | BPF_MOV | BPF_K) &&
	       !attr->prog_name[0];
}

static int forward_program_load(union bpf_attr *attr)
{
	const struct bpf_program *program;
	int result;

	if (attr->attach_prog_fd || attr->attach_btf_id || attr->fd_array || attr->prog_ifindex)
		return -EPERM;
	if (program_is_trivial(attr))
		return handle_open(LOADER_HANDLE_NONE, 0, 0);
	program = program_of(attr);
	result = program_ask(attr, program);
	if (result >= 0)
		return handle_open((uint32_t)result, 0, 0);
	if (program)
		last_refusal = (struct forward_refusal){ program, result };
	return result;
}

static int forward_program_bind(union bpf_attr *attr)
{
	struct loader_program_bind bind = {
		.program = handle_of((int)attr->prog_bind_map.prog_fd).handle,
		.map = handle_of((int)attr->prog_bind_map.map_fd).handle,
	};

	if (attr->prog_bind_map.flags)
		return -EINVAL;
	return ask_plain(LOADER_PROGRAM_BIND, &bind);
}

static int info_take(const struct channel_message *message, union bpf_attr *attr,
                     struct bpf_btf_info *btf)
{
	const struct loader_answer_info *answer = message->body;
	void *info = (void *)(uintptr_t)attr->info.info;
	uint64_t name = btf ? btf->name : 0;
	uint32_t name_size = btf ? btf->name_len : 0;

	if (message->row->type != LOADER_ANSWER_INFO)
		return ((const struct loader_answer *)message->body)->result;
	if (answer->result < 0 || answer->size > attr->info.info_len)
		return answer->result < 0 ? answer->result : -EPROTO;
	memcpy(info, answer->info, answer->size);
	if (name) {
		btf->name = name;
		(void)snprintf((char *)(uintptr_t)name, name_size, "%.63s", answer->name);
	}
	return 0;
}

static int forward_object_info(union bpf_attr *attr)
{
	struct bpf_btf_info *btf = (struct bpf_btf_info *)(uintptr_t)attr->info.info;
	bool named = attr->info.info_len == sizeof(*btf) && btf->name && btf->name_len;
	struct loader_object_info question = { .handle = handle_of((int)attr->info.bpf_fd).handle,
		                               .size = attr->info.info_len,
		                               .name = named ? 1 : 0 };
	struct channel_message answer;
	int result;

	if (question.size > LOADER_INFO_SIZE)
		return -E2BIG;
	gate_ask(LOADER_OBJECT_INFO, &question, -1, &answer);
	result = info_take(&answer, attr, named ? btf : NULL);
	channel_message_close(&answer);
	return result;
}

/* There are no modules' types to look at: libbpf then uses the kernel's own. Any other errno would
 * end the load. */
static int forward_btf_next(union bpf_attr *attr)
{
	(void)attr;
	return -ENOENT;
}

static const struct {
	enum bpf_cmd command;
	int (*forward)(union bpf_attr *attr);
} forwards[] = {
	{ BPF_MAP_CREATE, forward_map_create },
	{ BPF_MAP_UPDATE_ELEM, forward_map_update },
	{ BPF_MAP_FREEZE, forward_map_freeze },
	{ BPF_BTF_LOAD, forward_btf_load },
	{ BPF_PROG_LOAD, forward_program_load },
	{ BPF_PROG_BIND_MAP, forward_program_bind },
	{ BPF_OBJ_GET_INFO_BY_FD, forward_object_info },
	{ BPF_BTF_GET_NEXT_ID, forward_btf_next },
};

static int bpf_forward(enum bpf_cmd command, const void *attr, size_t size)
{
	union bpf_attr copy = {};

	memcpy(&copy, attr, size < sizeof(copy) ? size : sizeof(copy));
	for (size_t i = 0; i < sizeof(forwards) / sizeof(forwards[0]); i++) {
		if (forwards[i].command == command)
			return forwards[i].forward(&copy);
	}
	return -EPERM;
}

long __wrap_syscall(long number, ...)
{
	long arguments[6];
	va_list list;
	int result;

	va_start(list, number);
	for (size_t i = 0; i < 6; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_perf_event_open) {
		errno = EPERM;
		return -1;
	}
	if (number != SYS_bpf)
		return __real_syscall(number, arguments[0], arguments[1], arguments[2],
		                      arguments[3], arguments[4], arguments[5]);
	result = bpf_forward((enum bpf_cmd)(int)arguments[0], (const void *)arguments[1],
	                     (uint32_t)arguments[2]);
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}
