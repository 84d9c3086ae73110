/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Maps of other programs that a load shares. The loader says what the object declares; the broker,
 * whose word alone counts, says whether there is such a map and hands its descriptor to this gate;
 * the loader gets a handle, with which it can change nothing of the map.
 */
#include "broker/gate_state.h"

#include "common/cleanup.h"

#include <string.h>

/* Each of the object's maps once, in both attempts. */
#define QUESTIONS_MAX (2 * LOAD_MAPS_MAX)

/* A data section's map has a name with a dot in front, and is never shared. */
static bool share_well_formed(const struct gate *gate, const struct loader_map_share *share)
{
	return gate_map_name_ok(share->name) && share->name[0] != '.' && share->by_name <= 1 &&
	       (share->by_name ? !strchr(share->name, '.') : gate->job.map_sharing);
}

/* The broker's descriptor of the map, -ENOENT, or -EPROTO when there is no answer. */
static int broker_ask(struct gate *gate, const struct loader_map_share *share)
{
	static struct channel_buffer buffer; /* the loader's question lies in the other one */
	struct gate_map_find question = { .by_name = share->by_name };
	struct channel_message answer;
	int fd = -ENOENT;

	memcpy(question.name, share->name, sizeof(question.name));
	if (channel_send(&gate->broker, GATE_MAP_FIND, 0, &question, NULL) < 0 ||
	    channel_receive(&gate->broker, GATE_STATE_ASKING, &buffer, &answer) < 0)
		return -EPROTO;
	if (answer.row->type == GATE_MAP_FOUND)
		fd = steal_fd(&answer.descriptors[0]);
	channel_message_close(&answer);
	return fd;
}

/* Without what the kernel sets by itself for these types, and what it keeps of no map: which way
 * the first descriptor goes. */
static uint32_t flags_kept(uint32_t type, uint32_t flags)
{
	bool set = type == BPF_MAP_TYPE_DEVMAP || type == BPF_MAP_TYPE_DEVMAP_HASH;
	uint32_t left_out = BPF_F_RDONLY | BPF_F_WRONLY;

	return flags & ~(set ? left_out | BPF_F_RDONLY_PROG : left_out);
}

struct difference {
	const char *what;
	uint64_t declared, found;
};

/* The first difference that there is, or NULL. */
static const struct difference *difference_find(const struct difference *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (rows[i].declared != rows[i].found)
			return &rows[i];
	}
	return NULL;
}

static int map_compare(struct gate *gate, const struct loader_map_share *share,
                       const struct bpf_map_info *info)
{
	/* libbpf makes it as large as there are processors */
	bool entries_left_open =
		info->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY && share->max_entries == 0;
	const struct difference rows[] = {
		{ "type", share->type, info->type },
		{ "key size", share->key_size, info->key_size },
		{ "value size", share->value_size, info->value_size },
		{ "max_entries", entries_left_open ? info->max_entries : share->max_entries,
		  info->max_entries },
		{ "map_flags", flags_kept(share->type, share->flags),
		  flags_kept(info->type, info->map_flags) },
		{ "map_extra", share->extra, info->map_extra },
	};
	const struct difference *row = difference_find(rows, sizeof(rows) / sizeof(rows[0]));

	if (!row)
		return 0;
	return error_set(&gate->refusal, -EINVAL, ERROR_INVALID_ARGUMENT,
	                 "map \"%s\" cannot be shared: the object declares it with %s %llu, but "
	                 "the map that is there has %llu; declare it alike, or name it otherwise",
	                 share->name, row->what, (unsigned long long)row->declared,
	                 (unsigned long long)row->found);
}

static int map_info(struct gate *gate, int fd, struct bpf_map_info *info)
{
	union bpf_attr attr = {};

	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(*info);
	attr.info.info = (uint64_t)(uintptr_t)info;
	return gate->options.kernel->bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));
}

/* Takes the descriptor. A handle, or -errno. */
static int map_take(struct gate *gate, const struct loader_map_share *share, int found)
{
	_cleanup_close_ int fd = found;
	struct bpf_map_info info = {};
	struct gate_object description = { .kind = GATE_KIND_MAP,
		                           .shared = true,
		                           .index = gate->shared_count };
	int result = map_info(gate, fd, &info);

	if (result == 0 && gate->shared_count == LOAD_MAPS_MAX)
		result = -EMFILE;
	if (result == 0)
		result = map_compare(gate, share, &info);
	if (result < 0)
		return result;
	description.type = info.type;
	description.flags = info.map_flags;
	description.key_size = info.key_size;
	description.value_size = info.value_size;
	description.max_entries = info.max_entries;
	memcpy(gate->shared_names[gate->shared_count++], share->name, MAP_NAME_SIZE);
	return gate_object_add(gate, steal_fd(&fd), &description);
}

int gate_map_share(struct gate *gate, const struct channel_message *message,
                   struct gate_answer *answer)
{
	const struct loader_map_share *share = message->body;
	int fd;

	if (!share_well_formed(gate, share) || gate->map_questions++ == QUESTIONS_MAX)
		return -EPROTO;
	fd = broker_ask(gate, share);
	if (fd == -EPROTO)
		return fd;
	answer->result = fd == -ENOENT ? 0 : map_take(gate, share, fd);
	return 0;
}
