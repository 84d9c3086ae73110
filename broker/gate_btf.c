/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Type information of a load, and what libbpf asks about objects. */
#include "broker/gate_state.h"

#include <errno.h>
#include <string.h>

#define BTF_SIZE_MAX (16u << 20) /* the kernel's own bound */

static int btf_make(struct gate *gate, void *bytes, uint32_t size, bool with_log,
                    struct gate_answer *answer)
{
	char *log = with_log ? gate_log_new() : NULL;
	union bpf_attr attr = {};
	int result;

	attr.btf = (uint64_t)(uintptr_t)bytes;
	attr.btf_size = size;
	if (log) {
		attr.btf_log_level = 1;
		attr.btf_log_buf = (uint64_t)(uintptr_t)log;
		attr.btf_log_size = VERIFIER_LOG_MAX;
	}
	result = gate->options.kernel->bpf(BPF_BTF_LOAD, &attr, sizeof(attr));
	gate_log_finish(log, answer);
	return result;
}

static int btf_load(struct gate *gate, const struct channel_message *message,
                    const struct loader_btf_load *load, const uint8_t *inline_bytes,
                    struct gate_answer *answer)
{
	const struct gate_object description = { .kind = GATE_KIND_BTF };
	__attribute__((cleanup(gate_payload_cleanup))) struct gate_payload payload = {};
	int result;

	if (load->size == 0 || load->size > BTF_SIZE_MAX)
		return -EPROTO;
	result = gate_payload_take(message, inline_bytes, load->size, &payload);
	if (result == -EPROTO)
		return result;
	if (result == 0)
		result = gate_object_add(
			gate, btf_make(gate, payload.bytes, load->size, load->log, answer),
			&description);
	answer->result = result;
	return 0;
}

int gate_btf_load(struct gate *gate, const struct channel_message *message,
                  struct gate_answer *answer)
{
	const struct loader_btf_load_short *body = message->body;

	return btf_load(gate, message, &body->load, body->payload, answer);
}

int gate_btf_load_long(struct gate *gate, const struct channel_message *message,
                       struct gate_answer *answer)
{
	return btf_load(gate, message, message->body, NULL, answer);
}

/*
 * Descriptions carry pointers of the caller's where more is wanted (instructions, the BTF itself):
 * here they are all null, but for the name of a BTF object, which libbpf probes for.
 */
int gate_object_info(struct gate *gate, const struct channel_message *message,
                     struct gate_answer *answer)
{
	const struct loader_object_info *question = message->body;
	struct loader_answer_info *info = &answer->info;
	struct bpf_btf_info btf = {};
	union bpf_attr attr = {};
	const struct gate_object *object;

	if (question->handle == LOADER_HANDLE_NONE || question->handle > gate->object_count ||
	    question->size > sizeof(info->info)) {
		answer->result = -EBADF;
		return 0;
	}
	object = &gate->objects[question->handle];
	if (question->name && object->kind == GATE_KIND_BTF && question->size >= sizeof(btf)) {
		btf.name = (uint64_t)(uintptr_t)info->name;
		btf.name_len = sizeof(info->name);
		memcpy(info->info, &btf, sizeof(btf));
	}
	attr.info.bpf_fd = (uint32_t)object->fd;
	attr.info.info_len = question->size;
	attr.info.info = (uint64_t)(uintptr_t)info->info;
	info->result = gate->options.kernel->bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));
	info->size = question->size;
	if (object->kind == GATE_KIND_BTF && question->size >= sizeof(btf)) {
		/* the gate's own address is nobody's business */
		memcpy(&btf, info->info, sizeof(btf));
		btf.name = 0;
		memcpy(info->info, &btf, sizeof(btf));
	}
	answer->with_info = true;
	return 0;
}
