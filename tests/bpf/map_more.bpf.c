/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Maps of whose entries the kernel itself knows no types, maps of maps, and long numbers. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct job {
	__u32 id;
	__s16 weight;
	char name[6];
};

struct wide {
	__int128 balance;
	unsigned __int128 total;
	struct job jobs[2];
	int table[2][3];
	void *where;
	signed int shift : 5;
	unsigned long long mask : 40;
};

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 4);
	__type(value, struct job);
} stack SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4);
	__type(value, struct job);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} devices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 2);
} sizes SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} first SEC(".maps"), second SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 3);
	__type(key, __u32);
	__array(values, struct inner);
} tables SEC(".maps") = { .values = { &first, &second } };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wide);
} wides SEC(".maps");

#define NAMED(map) asm volatile("" : : "r"(&(map)))

SEC("tracepoint/syscalls/sys_enter_sched_yield")
int map_more(void *context)
{
	(void)context;
	NAMED(stack);
	NAMED(queue);
	NAMED(devices);
	NAMED(sizes);
	NAMED(first);
	NAMED(second);
	NAMED(tables);
	NAMED(wides);
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
