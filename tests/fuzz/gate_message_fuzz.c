/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a loader may send, to a gate whose kernel is a function here. That kernel reads everything
 * it is pointed to (so that a size that is too large is found by the address sanitizer) and aborts
 * at a call that a gate must never make.
 *
 * Input: one byte of choices for the job, then messages: type, options, two bytes of length, that
 * many bytes for the body's beginning (the rest of the body is zero). Options: 1 the bytes are a
 * whole message as it comes from the socket; 2 the memfd that goes with it is not sealed; 4 it has
 * the same bytes in front and 4 KiB in all, else as many as there are; 8 the next message follows
 * in the same packet. A question for a map that is shared is answered with one unless 2 is set.
 */
#include "broker/gate_state.h"
#include "common/cleanup.h"
#include "common/memfd.h"
#include "common/program_type.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define OPTION_RAW 1
#define OPTION_UNSEALED 2
#define OPTION_PAGE 4
#define OPTION_MORE 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gate gate;
static int null_fd = -1;
static int extension_fd = -1;
static volatile unsigned char sink;

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void memory_read(uint64_t address, uint64_t size)
{
	const volatile unsigned char *bytes = (const volatile unsigned char *)(uintptr_t)address;

	for (uint64_t i = 0; i < size; i++)
		sink = bytes[i];
}

/* A descriptor that the gate got from this kernel, of this kind. */
static const struct gate_object *object_of(uint32_t fd, enum gate_kind kind)
{
	for (uint32_t handle = 1; handle <= gate.object_count; handle++) {
		if (gate.objects[handle].fd == (int)fd && gate.objects[handle].kind == kind)
			return &gate.objects[handle];
	}
	abort();
}

/* Does a type that the job asks for, which may be any, let such a program through? */
static bool program_is_wanted(const union bpf_attr *attr)
{
	uint32_t bpf_type =
		attr->prog_type == BPF_PROG_TYPE_EXT ? BPF_PROG_TYPE_XDP : attr->prog_type;

	for (uint32_t type = 1; type < PROGRAM_TYPE_END; type++) {
		const struct program_type_row *row = program_type_row(type);

		if (row && row->bpf_type == bpf_type && !(attr->prog_flags & ~row->flags) &&
		    (attr->prog_type == BPF_PROG_TYPE_EXT ||
		     !row->loaded_for == !attr->attach_btf_id) &&
		    (!attr->expected_attach_type ||
		     attr->expected_attach_type == row->attach_type) &&
		    (gate.job.programs[0].type == type || gate.job.programs[1].type == type ||
		     gate.job.programs[1].type == PROGRAM_TYPE_NONE))
			return true;
	}
	return false;
}

static bool program_is_probe(const union bpf_attr *attr)
{
	return attr->insn_cnt <= 256 && !attr->prog_flags &&
	       (attr->prog_type == BPF_PROG_TYPE_SOCKET_FILTER ||
	        attr->prog_type == BPF_PROG_TYPE_TRACEPOINT ||
	        attr->prog_type == BPF_PROG_TYPE_CGROUP_SOCK ||
	        attr->prog_type == BPF_PROG_TYPE_KPROBE || attr->prog_type == BPF_PROG_TYPE_XDP);
}

static void program_look(const union bpf_attr *attr)
{
	const struct bpf_insn *code = (const struct bpf_insn *)(uintptr_t)attr->insns;

	memory_read(attr->insns, (uint64_t)attr->insn_cnt * sizeof(*code));
	memory_read(attr->func_info, (uint64_t)attr->func_info_cnt * attr->func_info_rec_size);
	memory_read(attr->line_info, (uint64_t)attr->line_info_cnt * attr->line_info_rec_size);
	must(strnlen((const char *)(uintptr_t)attr->license, LOADER_LICENSE_SIZE) <
	     LOADER_LICENSE_SIZE);
	must(attr->fd_array == 0 && attr->prog_ifindex == 0);
	must((attr->prog_type == BPF_PROG_TYPE_EXT) ==
	     (attr->attach_prog_fd == (uint32_t)extension_fd));
	must(attr->prog_type == BPF_PROG_TYPE_EXT || !attr->attach_prog_fd);
	must(program_is_probe(attr) || program_is_wanted(attr));
	if (attr->prog_btf_fd)
		(void)object_of(attr->prog_btf_fd, GATE_KIND_BTF);
	for (uint32_t i = 0; i < attr->insn_cnt; i++) {
		if (code[i].code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		must(i + 1 < attr->insn_cnt);
		if (code[i].src_reg == BPF_PSEUDO_MAP_FD || code[i].src_reg == BPF_PSEUDO_MAP_VALUE)
			(void)object_of((uint32_t)code[i].imm, GATE_KIND_MAP);
		i++;
	}
}

static void map_look(const union bpf_attr *attr)
{
	must(attr->map_type != BPF_MAP_TYPE_STRUCT_OPS &&
	     attr->map_type <= BPF_MAP_TYPE_USER_RINGBUF);
	must(attr->map_ifindex == 0 && attr->btf_vmlinux_value_type_id == 0);
	if (attr->inner_map_fd)
		(void)object_of(attr->inner_map_fd, GATE_KIND_MAP);
	if (attr->btf_fd)
		(void)object_of(attr->btf_fd, GATE_KIND_BTF);
	if (attr->map_type == BPF_MAP_TYPE_ARRAY)
		must((uint64_t)attr->value_size * attr->max_entries <= gate.job.map_memory_max ||
		     gate.state == LOADER_STATE_PROBING);
}

static void element_look(const union bpf_attr *attr)
{
	const struct gate_object *map = object_of(attr->map_fd, GATE_KIND_MAP);

	must(!map->shared);
	memory_read(attr->key, map->key_size < 4 ? map->key_size : 4);
	memory_read(attr->value, map->type == BPF_MAP_TYPE_ARRAY ? map->value_size : 4);
	must(attr->flags == 0);
}

static int kernel_call(enum bpf_cmd command, union bpf_attr *attr, unsigned int size)
{
	must(size == sizeof(*attr));
	switch (command) {
	case BPF_MAP_CREATE:
		map_look(attr);
		return fcntl(null_fd, F_DUPFD_CLOEXEC, 0);
	case BPF_PROG_LOAD:
		program_look(attr);
		if (attr->log_level && attr->log_size)
			memcpy((char *)(uintptr_t)attr->log_buf, "log", 3);
		return attr->insn_cnt % 7 == 6 ? -EACCES : fcntl(null_fd, F_DUPFD_CLOEXEC, 0);
	case BPF_BTF_LOAD:
		memory_read(attr->btf, attr->btf_size);
		return fcntl(null_fd, F_DUPFD_CLOEXEC, 0);
	case BPF_MAP_UPDATE_ELEM:
		element_look(attr);
		return 0;
	case BPF_MAP_FREEZE:
		must(!object_of(attr->map_fd, GATE_KIND_MAP)->shared);
		return 0;
	case BPF_PROG_BIND_MAP:
		(void)object_of(attr->prog_bind_map.prog_fd, GATE_KIND_PROGRAM);
		(void)object_of(attr->prog_bind_map.map_fd, GATE_KIND_MAP);
		return 0;
	case BPF_OBJ_GET_INFO_BY_FD:
		memset((void *)(uintptr_t)attr->info.info, 0, attr->info.info_len);
		return 0;
	default:
		abort();
	}
}

static void socket_drain(int fd)
{
	static struct channel_buffer buffer;
	char control[256];
	struct iovec part = { buffer.bytes, sizeof(buffer.bytes) };

	for (;;) {
		struct msghdr message = { .msg_iov = &part,
			                  .msg_iovlen = 1,
			                  .msg_control = control,
			                  .msg_controllen = sizeof(control) };

		if (recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
			return;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
			for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
				int taken;

				memcpy(&taken, CMSG_DATA(c) + i * sizeof(int), sizeof(taken));
				(void)close(taken);
			}
		}
	}
}

static int payload_make(const uint8_t *bytes, size_t size, uint8_t options)
{
	static unsigned char page[4096];
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (options & OPTION_PAGE) {
		memset(page, 0, sizeof(page));
		memcpy(page, bytes, size < sizeof(page) ? size : sizeof(page));
		bytes = page;
		size = sizeof(page);
	}
	must(write(fd, bytes, size) == (ssize_t)size);
	if (!(options & OPTION_UNSEALED))
		must(memfd_seal(fd) == 0);
	return fd;
}

static const struct kernel_operations operations = { .bpf = kernel_call };
static int broker_pair[2], loader_pair[2];

/* The gate waits for the broker's answer: it lies there already. */
static void broker_answer(uint8_t options)
{
	struct channel broker = { broker_pair[1], CHANNEL_UPPER, &channel_gate };

	if (options & OPTION_UNSEALED)
		must(channel_send(&broker, GATE_MAP_NONE, 0, NULL, NULL) == 0);
	else
		must(channel_send(&broker, GATE_MAP_FOUND, 0, NULL, &null_fd) == 0);
}

static struct channel_inbox inbox;

/* The bytes of one message as they would come from the socket, with their memfd; false when the
 * packet has no room for it. */
static bool message_add(uint8_t type, uint8_t options, const uint8_t *bytes, size_t size)
{
	const struct channel_row *row = &channel_loader.rows[type % channel_loader.count];
	struct channel_header header = { .type = row->type, .length = row->size, .id = 1 };
	size_t length = options & OPTION_RAW ? size : sizeof(header) + row->size;
	unsigned char *place = inbox.bytes + inbox.length;

	if (length > sizeof(inbox.bytes) - inbox.length ||
	    row->descriptors > CHANNEL_PACKET_DESCRIPTORS_MAX - inbox.descriptor_count)
		return false;
	if (options & OPTION_RAW) {
		memcpy(place, bytes, size);
	} else {
		memset(place, 0, length);
		memcpy(place, &header, sizeof(header));
		memcpy(place + sizeof(header), bytes, size < row->size ? size : row->size);
	}
	inbox.length += length;
	if (row->descriptors)
		inbox.descriptors[inbox.descriptor_count++] = payload_make(bytes, size, options);
	if (row->type == LOADER_MAP_SHARE)
		broker_answer(options);
	return true;
}

static int packet_run(void)
{
	int result = gate_loader_packet(&gate, &inbox);

	channel_inbox_drop(&inbox);
	socket_drain(broker_pair[0]);
	return result;
}

static void job_make(uint8_t choices)
{
	static const uint32_t others[] = { PROGRAM_TYPE_TRACEPOINT, PROGRAM_TYPE_FENTRY,
		                           PROGRAM_TYPE_NONE, PROGRAM_TYPE_LSM };

	gate.state = choices & 1 ? LOADER_STATE_PROBING : LOADER_STATE_LOADING;
	gate.job.program_count = 2;
	gate.job.map_sharing = choices >> 6 & 1;
	gate.job.map_memory_max = 1u << 20;
	gate.job.programs[0].type = PROGRAM_TYPE_XDP;
	gate.job.programs[0].form = choices & 2 ? PROGRAM_FORM_EXTENSION : PROGRAM_FORM_NATIVE;
	gate.job.programs[1].type = choices & 4 ? PROGRAM_TYPE_XDP : others[choices >> 4 & 3];
	gate.options.extension_targets[0].fd = choices & 8 ? -1 : extension_fd;
}

static void gate_reset(uint8_t choices)
{
	if (null_fd < 0) {
		null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		extension_fd = fcntl(null_fd, F_DUPFD_CLOEXEC, 0);
		must(channel_pair(broker_pair) == 0 && channel_pair(loader_pair) == 0);
	}
	gate_objects_close(&gate);
	memset(&gate, 0, sizeof(gate));
	gate.options = (struct gate_options){ .kernel = &operations,
		                              .extension_targets = { { BPF_PROG_TYPE_XDP, -1, 5 },
		                                                     { 0, -1, 0 } },
		                              .possible_cpus = 4 };
	gate.broker = (struct channel){ broker_pair[0], CHANNEL_LOWER, &channel_gate };
	gate.loader = (struct channel){ loader_pair[0], CHANNEL_UPPER, &channel_loader };
	job_make(choices);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	gate_reset(data[0]);
	for (size_t at = 1; at + 4 <= size && !gate.finished && !gate.warm;) {
		size_t length = (size_t)(data[at + 2] | data[at + 3] << 8);

		if (length > size - at - 4)
			length = size - at - 4;
		if (!message_add(data[at], data[at + 1], data + at + 4, length))
			break;
		if (!(data[at + 1] & OPTION_MORE) && packet_run() < 0)
			break;
		socket_drain(broker_pair[1]);
		socket_drain(loader_pair[1]);
		at += 4 + length;
	}
	channel_inbox_drop(&inbox);
	socket_drain(broker_pair[0]);
	socket_drain(broker_pair[1]);
	socket_drain(loader_pair[1]);
	return 0;
}
