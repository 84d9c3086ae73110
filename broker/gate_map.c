/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Maps of a load: which may be made, how large they are together, and what libbpf writes into them.
 */
#include "broker/gate_state.h"

#include <errno.h>
#include <string.h>

/* How a map's memory grows. */
enum map_growth {
	MAP_REFUSED = 0,
	MAP_BY_VALUE,   /* entries x value */
	MAP_BY_ELEMENT, /* entries x (key + value + what the kernel needs per element) */
	MAP_BY_POINTER, /* entries x 8 */
	MAP_BY_BYTE,    /* entries are bytes */
	MAP_BY_OWNER    /* lives with sockets, tasks, ...: nothing when it is made */
};
#define MAP_ELEMENT_OVERHEAD 64

#define FLAGS_ANY \
	(BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG | BPF_F_NUMA_NODE)
#define FLAGS_HASH (FLAGS_ANY | BPF_F_NO_PREALLOC | BPF_F_ZERO_SEED)
#define FLAGS_LRU (FLAGS_ANY | BPF_F_NO_COMMON_LRU | BPF_F_ZERO_SEED)

static const struct map_rule {
	enum map_growth growth;
	bool per_cpu;
	uint32_t flags; /* that may be set */
} map_rules[] = {
	[BPF_MAP_TYPE_HASH] = { MAP_BY_ELEMENT, false, FLAGS_HASH },
	[BPF_MAP_TYPE_ARRAY] = { MAP_BY_VALUE, false,
	                         FLAGS_ANY | BPF_F_MMAPABLE | BPF_F_INNER_MAP },
	[BPF_MAP_TYPE_PROG_ARRAY] = { MAP_BY_POINTER, false, FLAGS_ANY },
	[BPF_MAP_TYPE_PERF_EVENT_ARRAY] = { MAP_BY_POINTER, false,
	                                    FLAGS_ANY | BPF_F_PRESERVE_ELEMS },
	[BPF_MAP_TYPE_PERCPU_HASH] = { MAP_BY_ELEMENT, true, FLAGS_HASH },
	[BPF_MAP_TYPE_PERCPU_ARRAY] = { MAP_BY_VALUE, true, FLAGS_ANY },
	[BPF_MAP_TYPE_STACK_TRACE] = { MAP_BY_ELEMENT, false, FLAGS_ANY | BPF_F_STACK_BUILD_ID },
	[BPF_MAP_TYPE_CGROUP_ARRAY] = { MAP_BY_POINTER, false, FLAGS_ANY },
	[BPF_MAP_TYPE_LRU_HASH] = { MAP_BY_ELEMENT, false, FLAGS_LRU },
	[BPF_MAP_TYPE_LRU_PERCPU_HASH] = { MAP_BY_ELEMENT, true, FLAGS_LRU },
	[BPF_MAP_TYPE_LPM_TRIE] = { MAP_BY_ELEMENT, false, FLAGS_ANY | BPF_F_NO_PREALLOC },
	[BPF_MAP_TYPE_ARRAY_OF_MAPS] = { MAP_BY_POINTER, false, FLAGS_ANY },
	[BPF_MAP_TYPE_HASH_OF_MAPS] = { MAP_BY_ELEMENT, false, FLAGS_HASH },
	[BPF_MAP_TYPE_DEVMAP] = { MAP_BY_ELEMENT, false, FLAGS_ANY },
	[BPF_MAP_TYPE_SOCKMAP] = { MAP_BY_POINTER, false, FLAGS_ANY },
	[BPF_MAP_TYPE_CPUMAP] = { MAP_BY_ELEMENT, false, FLAGS_ANY },
	[BPF_MAP_TYPE_XSKMAP] = { MAP_BY_POINTER, false, FLAGS_ANY },
	[BPF_MAP_TYPE_SOCKHASH] = { MAP_BY_ELEMENT, false, FLAGS_ANY },
	[BPF_MAP_TYPE_CGROUP_STORAGE] = { MAP_BY_OWNER, false, FLAGS_ANY },
	[BPF_MAP_TYPE_REUSEPORT_SOCKARRAY] = { MAP_BY_POINTER, false, FLAGS_ANY },
	[BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE] = { MAP_BY_OWNER, true, FLAGS_ANY },
	[BPF_MAP_TYPE_QUEUE] = { MAP_BY_VALUE, false, FLAGS_ANY },
	[BPF_MAP_TYPE_STACK] = { MAP_BY_VALUE, false, FLAGS_ANY },
	[BPF_MAP_TYPE_SK_STORAGE] = { MAP_BY_OWNER, false,
	                              FLAGS_ANY | BPF_F_NO_PREALLOC | BPF_F_CLONE },
	[BPF_MAP_TYPE_DEVMAP_HASH] = { MAP_BY_ELEMENT, false, FLAGS_ANY },
	[BPF_MAP_TYPE_RINGBUF] = { MAP_BY_BYTE, false, FLAGS_ANY },
	[BPF_MAP_TYPE_INODE_STORAGE] = { MAP_BY_OWNER, false, FLAGS_ANY | BPF_F_NO_PREALLOC },
	[BPF_MAP_TYPE_TASK_STORAGE] = { MAP_BY_OWNER, false, FLAGS_ANY | BPF_F_NO_PREALLOC },
	[BPF_MAP_TYPE_BLOOM_FILTER] = { MAP_BY_VALUE, false, FLAGS_ANY | BPF_F_ZERO_SEED },
	[BPF_MAP_TYPE_USER_RINGBUF] = { MAP_BY_BYTE, false, FLAGS_ANY },
};

static uint64_t round_up_8(uint32_t size)
{
	return ((uint64_t)size + 7) & ~(uint64_t)7;
}

/* An estimate from above of a map's memory, with every element there. All factors are below 2^35,
 * so only the last can overflow. */
static uint64_t map_memory(const struct loader_map_create *map, const struct map_rule *rule,
                           uint32_t cpus)
{
	uint64_t value = round_up_8(map->value_size);
	uint64_t element = 0;
	uint64_t memory;

	if (rule->per_cpu && __builtin_mul_overflow(value, cpus, &value))
		return UINT64_MAX;
	switch (rule->growth) {
	case MAP_BY_VALUE:
		element = value ? value : 8;
		break;
	case MAP_BY_ELEMENT:
		element = value + round_up_8(map->key_size) + MAP_ELEMENT_OVERHEAD;
		break;
	case MAP_BY_POINTER:
		element = 8;
		break;
	case MAP_BY_BYTE:
		element = 1;
		break;
	default:
		break;
	}
	return __builtin_mul_overflow(element, map->max_entries, &memory) ? UINT64_MAX : memory;
}

static int map_memory_claim(struct gate *gate, const struct loader_map_create *map, uint64_t memory)
{
	uint64_t most = gate->state == LOADER_STATE_PROBING ? 1u << 20 : gate->job.map_memory_max;

	if (memory <= most && gate->map_memory <= most - memory) {
		gate->map_memory += memory;
		return 0;
	}
	(void)error_set(
		&gate->refusal, 0, ERROR_LIMIT,
		"the object's maps need more memory than one load may have: map \"%s\" (%u "
		"entries) needs about %llu bytes, the maps before it about %llu, and all together "
		"may have %llu; make them smaller or ask the administrator to raise map_memory_max",
		map->name, map->max_entries, (unsigned long long)memory,
		(unsigned long long)gate->map_memory, (unsigned long long)most);
	return -E2BIG;
}

static bool map_is_of_maps(uint32_t type)
{
	return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

static int map_check(struct gate *gate, const struct loader_map_create *map,
                     const struct map_rule **out)
{
	const size_t count = sizeof(map_rules) / sizeof(map_rules[0]);
	const struct map_rule *rule = map->type < count ? &map_rules[map->type] : &map_rules[0];

	if (rule->growth == MAP_REFUSED) {
		(void)error_set(
			&gate->refusal, 0, ERROR_UNSUPPORTED,
			"bpfd does not load maps of type %u, as which map \"%s\" is declared",
			map->type, map->name);
		return -EPERM;
	}
	if (map->flags & ~rule->flags) {
		(void)error_set(&gate->refusal, 0, ERROR_UNSUPPORTED,
		                "bpfd does not load maps of type %u with the flags 0x%x, which map "
		                "\"%s\" has",
		                map->type, map->flags & ~rule->flags, map->name);
		return -EPERM;
	}
	if (map->numa_node && !(map->flags & BPF_F_NUMA_NODE))
		return -EINVAL;
	/* how many hashes a bloom filter uses */
	if (map->extra > (map->type == BPF_MAP_TYPE_BLOOM_FILTER ? 15 : 0))
		return -EINVAL;
	if (map->inner_map != LOADER_HANDLE_NONE && !map_is_of_maps(map->type))
		return -EINVAL;
	*out = rule;
	return 0;
}

/* Fills in the descriptors that the map refers to. 0 or -EBADF. */
static int map_references(struct gate *gate, const struct loader_map_create *map,
                          union bpf_attr *attr)
{
	const struct gate_object *object;

	if (map->inner_map != LOADER_HANDLE_NONE) {
		object = gate_object_find(gate, map->inner_map, GATE_KIND_MAP);
		if (!object)
			return -EBADF;
		attr->inner_map_fd = (uint32_t)object->fd;
	}
	if (map->btf != LOADER_HANDLE_NONE) {
		object = gate_object_find(gate, map->btf, GATE_KIND_BTF);
		if (!object)
			return -EBADF;
		attr->btf_fd = (uint32_t)object->fd;
		attr->btf_key_type_id = map->btf_key_type_id;
		attr->btf_value_type_id = map->btf_value_type_id;
	}
	return 0;
}

static int map_make(struct gate *gate, const struct loader_map_create *map)
{
	union bpf_attr attr = {};
	const struct map_rule *rule;
	uint64_t memory;
	int result = map_check(gate, map, &rule);

	if (result == 0)
		result = map_references(gate, map, &attr);
	if (result < 0)
		return result;
	memory = map_memory(map, rule, gate->options.possible_cpus);
	result = map_memory_claim(gate, map, memory);
	if (result < 0)
		return result;
	attr.map_type = map->type;
	attr.key_size = map->key_size;
	attr.value_size = map->value_size;
	attr.max_entries = map->max_entries;
	attr.map_flags = map->flags;
	attr.numa_node = map->numa_node;
	attr.map_extra = map->extra;
	memcpy(attr.map_name, map->name, sizeof(attr.map_name));
	result = gate->options.kernel->bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
	if (result < 0)
		gate->map_memory -= memory;
	return result;
}

int gate_map_create(struct gate *gate, const struct channel_message *message,
                    struct gate_answer *answer)
{
	const struct loader_map_create *map = message->body;
	const struct gate_object description = {
		.kind = GATE_KIND_MAP,
		.type = map->type,
		.flags = map->flags,
		.key_size = map->key_size,
		.value_size = map->value_size,
		.max_entries = map->max_entries,
	};

	if (!channel_text_ok(map->name, sizeof(map->name)))
		return -EPROTO;
	answer->result = gate_object_add(gate, map_make(gate, map), &description);
	return 0;
}

static int map_element_set(struct gate *gate, const struct gate_object *map, uint32_t key,
                           const void *value)
{
	union bpf_attr attr = {};

	attr.map_fd = (uint32_t)map->fd;
	attr.key = (uint64_t)(uintptr_t)&key;
	attr.value = (uint64_t)(uintptr_t)value;
	return gate->options.kernel->bpf(BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr));
}

/* Globals: libbpf writes whole values into arrays, nothing else. */
static int map_update(struct gate *gate, const struct channel_message *message,
                      const struct loader_map_update *update, const uint8_t *inline_bytes,
                      struct gate_answer *answer)
{
	const struct gate_object *map = gate_object_find(gate, update->map, GATE_KIND_MAP);
	__attribute__((cleanup(gate_payload_cleanup))) struct gate_payload payload = {};
	int result = gate_payload_take(message, inline_bytes, update->value_size, &payload);

	if (result == -EPROTO)
		return result;
	answer->result = result;
	if (result < 0)
		return 0;
	if (!map)
		answer->result = -EBADF;
	else if (map->shared)
		answer->result = -EPERM;
	else if (map->type != BPF_MAP_TYPE_ARRAY || update->value_size != map->value_size)
		answer->result = -EINVAL;
	else
		answer->result = map_element_set(gate, map, update->key, payload.bytes);
	return 0;
}

int gate_map_update(struct gate *gate, const struct channel_message *message,
                    struct gate_answer *answer)
{
	const struct loader_map_update_short *body = message->body;

	return map_update(gate, message, &body->update, body->payload, answer);
}

int gate_map_update_long(struct gate *gate, const struct channel_message *message,
                         struct gate_answer *answer)
{
	return map_update(gate, message, message->body, NULL, answer);
}

/* The object that may stand in a slot of the map, or NULL. */
static const struct gate_object *slot_value(struct gate *gate, const struct gate_object *map,
                                            uint32_t handle)
{
	const struct gate_object *value;

	if (map_is_of_maps(map->type))
		return gate_object_find(gate, handle, GATE_KIND_MAP);
	if (map->type != BPF_MAP_TYPE_PROG_ARRAY)
		return NULL;
	value = gate_object_find(gate, handle, GATE_KIND_PROGRAM);
	return value && value->index != LOADER_PROGRAM_PROBE ? value : NULL;
}

int gate_map_slot(struct gate *gate, const struct channel_message *message,
                  struct gate_answer *answer)
{
	const struct loader_map_slot *slot = message->body;
	const struct gate_object *map = gate_object_find(gate, slot->map, GATE_KIND_MAP);
	const struct gate_object *value = map ? slot_value(gate, map, slot->value) : NULL;

	if (!value)
		answer->result = -EBADF;
	else if (map->shared)
		answer->result = -EPERM;
	else if (map->key_size != sizeof(slot->key))
		answer->result = -EINVAL;
	else
		answer->result = map_element_set(gate, map, slot->key, &value->fd);
	return 0;
}

int gate_map_freeze(struct gate *gate, const struct channel_message *message,
                    struct gate_answer *answer)
{
	const struct loader_map_freeze *freeze = message->body;
	const struct gate_object *map = gate_object_find(gate, freeze->map, GATE_KIND_MAP);
	union bpf_attr attr = {};

	if (!map || map->shared) {
		answer->result = map ? -EPERM : -EBADF;
		return 0;
	}
	attr.map_fd = (uint32_t)map->fd;
	answer->result = gate->options.kernel->bpf(BPF_MAP_FREEZE, &attr, sizeof(attr));
	return 0;
}
