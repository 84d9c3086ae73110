/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/map_access.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#define ACT(act) (1u << MAP_ACT_##act)
#define READ (ACT(GET) | ACT(DUMP))
#define ALL (READ | ACT(SET) | ACT(DELETE))

/* Types without a row have no entries that could be named from here. */
static const struct map_rule {
	uint32_t acts;
	bool per_cpu;
	bool no_key;         /* a queue: the next entry */
	bool by_value;       /* is asked whether it has a value */
	bool forgets;        /* see map_type_forgets() */
	bool handles;        /* a value is 4 bytes: the kernel's id of an object */
	const char *instead; /* why not, and what to do */
} rules[] = {
	[BPF_MAP_TYPE_HASH] = { .acts = ALL, .forgets = true },
	[BPF_MAP_TYPE_PERCPU_HASH] = { .acts = ALL, .per_cpu = true, .forgets = true },
	[BPF_MAP_TYPE_LRU_HASH] = { .acts = ALL, .forgets = true },
	[BPF_MAP_TYPE_LRU_PERCPU_HASH] = { .acts = ALL, .per_cpu = true, .forgets = true },
	[BPF_MAP_TYPE_LPM_TRIE] = { .acts = ALL, .forgets = true },
	[BPF_MAP_TYPE_ARRAY] = { .acts = READ | ACT(SET),
	                         .instead = "an array has all its entries, always: set one to zero "
	                                    "instead" },
	[BPF_MAP_TYPE_PERCPU_ARRAY] = { .acts = READ | ACT(SET),
	                                .per_cpu = true,
	                                .instead = "an array has all its entries, always: set one "
	                                           "to zero instead" },
	[BPF_MAP_TYPE_PROG_ARRAY] = { .acts = READ | ACT(DELETE),
	                              .handles = true,
	                              .instead = "its values are programs, which the object's own "
	                                         "initialiser puts there" },
	[BPF_MAP_TYPE_ARRAY_OF_MAPS] = { .acts = READ | ACT(DELETE),
	                                 .handles = true,
	                                 .instead = "its values are maps, which the object's own "
	                                            "initialiser puts there" },
	[BPF_MAP_TYPE_HASH_OF_MAPS] = { .acts = READ | ACT(DELETE),
	                                .handles = true,
	                                .forgets = true,
	                                .instead = "its values are maps, which the object's own "
	                                           "initialiser puts there" },
	[BPF_MAP_TYPE_STACK_TRACE] = { .acts = READ | ACT(DELETE),
	                               .instead = "its values are stacks, which programs alone "
	                                          "put there" },
	[BPF_MAP_TYPE_DEVMAP] = { .acts = ALL },
	[BPF_MAP_TYPE_DEVMAP_HASH] = { .acts = ALL, .forgets = true },
	[BPF_MAP_TYPE_CPUMAP] = { .acts = ALL },
	[BPF_MAP_TYPE_QUEUE] = { .acts = ACT(GET) | ACT(SET),
	                         .no_key = true,
	                         .instead = "a queue shows its next entry alone, and gives it to "
	                                    "programs: use get, or set to add one" },
	[BPF_MAP_TYPE_STACK] = { .acts = ACT(GET) | ACT(SET),
	                         .no_key = true,
	                         .instead = "a stack shows its uppermost entry alone, and gives it "
	                                    "to programs: use get, or set to add one" },
	[BPF_MAP_TYPE_CGROUP_STORAGE] = { .acts = READ | ACT(SET),
	                                  .instead = "its entries live with their control groups" },
	[BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE] = { .acts = READ | ACT(SET),
	                                         .per_cpu = true,
	                                         .instead = "its entries live with their control "
	                                                    "groups" },
	[BPF_MAP_TYPE_RINGBUF] = { .instead = "a ring buffer has no entries to be named: \"bpfctl "
	                                      "map follow\" shows what comes" },
	[BPF_MAP_TYPE_USER_RINGBUF] = { .instead = "a ring buffer has no entries to be named: open "
	                                           "its pin" },
	[BPF_MAP_TYPE_PERF_EVENT_ARRAY] = { .instead = "its values are perf events: open its pin" },
	[BPF_MAP_TYPE_BLOOM_FILTER] = { .acts = ACT(GET) | ACT(SET),
	                                .no_key = true,
	                                .by_value = true,
	                                .instead = "a bloom filter says no more than whether a "
	                                           "value may be in it: use get with the value, or "
	                                           "set to add one" },
	[BPF_MAP_TYPE_CGROUP_ARRAY] = { .instead = "its values are descriptors, which mean nothing "
	                                           "to bpfd: open its pin" },
	[BPF_MAP_TYPE_SOCKMAP] = { .instead = "its values are sockets, which mean nothing to bpfd: "
	                                      "open its pin" },
	[BPF_MAP_TYPE_SOCKHASH] = { .instead = "its values are sockets, which mean nothing to "
	                                       "bpfd: open its pin" },
	[BPF_MAP_TYPE_XSKMAP] = { .instead = "its values are sockets, which mean nothing to bpfd: "
	                                     "open its pin" },
	[BPF_MAP_TYPE_REUSEPORT_SOCKARRAY] = { .instead = "its values are sockets, which mean "
	                                                  "nothing to bpfd: open its pin" },
	[BPF_MAP_TYPE_SK_STORAGE] = { .instead = "its keys are descriptors of sockets, which mean "
	                                         "nothing to bpfd: open its pin" },
	[BPF_MAP_TYPE_TASK_STORAGE] = { .instead = "its keys are descriptors of processes, which "
	                                           "mean nothing to bpfd: open its pin" },
	[BPF_MAP_TYPE_INODE_STORAGE] = { .instead = "its keys are descriptors of files, which mean "
	                                            "nothing to bpfd: open its pin" },
};

static const struct map_rule *rule_find(uint32_t type)
{
	static const struct map_rule none = { .instead = "bpfd does not know maps of this type" };

	if (type >= sizeof(rules) / sizeof(rules[0]) || (!rules[type].acts && !rules[type].instead))
		return &none;
	return &rules[type];
}

static size_t round_up_8(uint32_t size)
{
	return ((size_t)size + 7) & ~(size_t)7;
}

/* As bpf_map_value_size() of the kernel has it. */
static size_t value_bytes(const struct map_rule *rule, uint32_t value_size, uint32_t cpus)
{
	if (rule->per_cpu)
		return round_up_8(value_size) * cpus;
	return rule->handles ? sizeof(uint32_t) : value_size;
}

int map_shape_make(const struct record_map *map, uint32_t cpus, struct map_shape *shape,
                   struct error *error)
{
	const struct map_rule *rule = rule_find(map->type);
	size_t bytes = value_bytes(rule, map->value_size, cpus);

	if (!rule->acts)
		return error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
		                 "the entries of map \"%s\" cannot be read or changed: %s",
		                 map->name, rule->instead);
	if (rule->per_cpu && !cpus)
		return error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
		                 "map \"%s\" has a value for each processor, and bpfd could not "
		                 "read how many there are: /sys must be mounted when it starts",
		                 map->name);
	if (map->key_size > MAP_KEY_MAX || bytes > MAP_VALUE_MAX ||
	    (rule->by_value && map->value_size > MAP_KEY_MAX))
		return error_set(error, -E2BIG, ERROR_LIMIT,
		                 "map \"%s\" has keys of %u bytes and values of %zu: bpfd passes "
		                 "on %d and %u at most, open its pin",
		                 map->name, map->key_size, bytes, MAP_KEY_MAX, MAP_VALUE_MAX);
	*shape = (struct map_shape){
		.name = map->name,
		.type = map->type,
		.key_size = rule->no_key ? 0 : map->key_size,
		.name_size = rule->by_value ? map->value_size
		             : rule->no_key ? 0
		                            : map->key_size,
		.value_size = map->value_size,
		.max_entries = map->max_entries,
		.cpus = rule->per_cpu ? cpus : 0,
		.value_bytes = bytes,
	};
	return 0;
}

int map_act_check(const struct map_shape *shape, enum map_act act, struct error *error)
{
	static const char *const acts[] = {
		[MAP_ACT_GET] = "read",
		[MAP_ACT_DUMP] = "listed",
		[MAP_ACT_SET] = "set",
		[MAP_ACT_DELETE] = "deleted",
	};
	const struct map_rule *rule = rule_find(shape->type);

	if (rule->acts & 1u << act)
		return 0;
	return error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
	                 "the entries of map \"%s\" cannot be %s: %s", shape->name, acts[act],
	                 rule->instead);
}

int map_key_check(const struct map_shape *shape, size_t size, struct error *error)
{
	if (size == shape->key_size)
		return 0;
	if (!size)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "the key is missing: entries of map \"%s\" have keys of %u bytes",
		                 shape->name, shape->key_size);
	if (!shape->key_size)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "map \"%s\" has no keys, but one of %zu bytes was given: leave it "
		                 "out",
		                 shape->name, size);
	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
	                 "the key has %zu bytes, and keys of map \"%s\" have %u: give exactly "
	                 "that many",
	                 size, shape->name, shape->key_size);
}

int map_name_check(const struct map_shape *shape, size_t size, struct error *error)
{
	if (shape->name_size == shape->key_size)
		return map_key_check(shape, size, error);
	if (size == shape->name_size)
		return 0;
	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
	                 "map \"%s\" is asked for a value of %u bytes, and %zu were given: give "
	                 "exactly that many",
	                 shape->name, shape->name_size, size);
}

/* Behind the first 4 bytes of such a value the kernel expects a program's descriptor, and would
 * take one of the broker's. */
static bool value_names_program(const struct map_shape *shape, const uint8_t *value, size_t size)
{
	static const uint8_t none[MAP_KEY_MAX];

	if (shape->type != BPF_MAP_TYPE_DEVMAP && shape->type != BPF_MAP_TYPE_DEVMAP_HASH &&
	    shape->type != BPF_MAP_TYPE_CPUMAP)
		return false;
	return size > sizeof(none) + 4 || (size > 4 && memcmp(value + 4, none, size - 4) != 0);
}

int map_value_check(const struct map_shape *shape, const uint8_t *value, size_t size,
                    struct error *error)
{
	if (size != shape->value_size && size != shape->value_bytes) {
		if (shape->cpus)
			return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
			                 "the value has %zu bytes, and values of map \"%s\" have "
			                 "%u, or %zu for all %u processors: give exactly that many",
			                 size, shape->name, shape->value_size, shape->value_bytes,
			                 shape->cpus);
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "the value has %zu bytes, and values of map \"%s\" have %zu: give "
		                 "exactly that many",
		                 size, shape->name, shape->value_bytes);
	}
	if (value_names_program(shape, value, size))
		return error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
		                 "a value of map \"%s\" with a program behind its first 4 bytes "
		                 "cannot be set through bpfd: leave the rest zero, or open its pin",
		                 shape->name);
	return 0;
}

bool map_type_forgets(uint32_t type)
{
	return rule_find(type)->forgets;
}

/* A decimal number below the kernel's own bound of processors; NULL if there is none. */
static const char *cpu_parse(const char *text, uint32_t *cpu)
{
	uint32_t number = 0;

	if (*text < '0' || *text > '9')
		return NULL;
	for (; *text >= '0' && *text <= '9'; text++) {
		number = number * 10 + (uint32_t)(*text - '0');
		if (number > 65535)
			return NULL;
	}
	*cpu = number;
	return text;
}

uint32_t map_cpus_parse(const char *text, uint32_t *end)
{
	uint32_t count = 0, first = 0, last, highest = 0;

	for (;; text++) {
		text = cpu_parse(text, &first);
		last = first;
		if (text && *text == '-')
			text = cpu_parse(text + 1, &last);
		if (!text || last < first)
			return 0;
		count += last - first + 1;
		highest = last > highest ? last : highest;
		if (*text == ',')
			continue;
		if (*text && strcmp(text, "\n") != 0)
			return 0;
		*end = highest + 1;
		return count;
	}
}
