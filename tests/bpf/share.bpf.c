/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Maps that several loads share: three programs at one tracepoint count into one of the same name;
 * the tracepoint is a system call that nobody makes but the test. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifndef HITS_ENTRIES
#define HITS_ENTRIES 4
#endif
#ifndef HITS_VALUE
#define HITS_VALUE __u64
#endif

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HITS_ENTRIES);
	__type(key, __u32);
	__type(value, HITS_VALUE);
} hits SEC(".maps");

/* one that only some of the objects have */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} own SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HITS_ENTRIES);
	__type(key, __u32);
	__type(value, HITS_VALUE);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} by_name SEC(".maps");

__u64 seen; /* in .bss: each load's own */

static __attribute__((always_inline)) void count(void *map, __u32 key)
{
	HITS_VALUE one = 1, *value = bpf_map_lookup_elem(map, &key);

	if (value)
		__sync_fetch_and_add(value, 1);
	else
		(void)bpf_map_update_elem(map, &key, &one, BPF_ANY);
}

/* Into the map, and a second one. */
SEC("tracepoint/syscalls/sys_enter_sched_yield")
int share(void *context)
{
	(void)context;
	count(&hits, 0);
	count(&own, 0);
	seen++;
	return 0;
}

/* Into the map that has a place of its own. */
SEC("tracepoint/syscalls/sys_enter_sched_yield")
int share_by_name(void *context)
{
	(void)context;
	count(&by_name, 0);
	return 0;
}

/* No map at all. */
SEC("tracepoint/syscalls/sys_enter_sched_yield")
int share_nothing(void *context)
{
	(void)context;
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
