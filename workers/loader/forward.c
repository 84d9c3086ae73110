/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libbpf's bpf() calls. The binary is linked with --wrap=syscall, so that what libbpf believes to
 * be system calls ends here, is written into messages for the gate, and comes back as if the kernel
 * had answered.
 */
#include "workers/loader/forward.h"

#include "common/cleanup.h"
#include "common/memfd.h"

#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

static int forward_btf_load(union bpf_attr *attr)
{
	static struct loader_btf_load_short body;
	const void *btf = (const void *)(uintptr_t)attr->btf;
	const struct forward_log log = { attr->btf_log_level ? attr->btf_log_buf : 0,
		                         attr->btf_log_size };
	_cleanup_close_ int fd = -1;
	int result;

	body.load = (struct loader_btf_load){ .size = attr->btf_size,
		                              .log = attr->btf_log_level ? 1 : 0 };
	if (attr->btf_size > LOADER_PAYLOAD_SHORT) {
		fd = memfd_from_bytes("btf", btf, attr->btf_size);
		if (fd < 0)
			return fd;
		result = forward_make(LOADER_BTF_LOAD_LONG, &body.load, fd, log);
	} else {
		memcpy(body.payload, btf, attr->btf_size);
		result = forward_make(LOADER_BTF_LOAD, &body, -1, log);
	}
	return result < 0 ? result : handle_open((uint32_t)result, 0, 0);
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
	forward_ask(LOADER_OBJECT_INFO, &question, &answer);
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
