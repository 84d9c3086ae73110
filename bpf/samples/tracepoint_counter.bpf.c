/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counts how often a tracepoint fires, by process. It reads nothing of the event itself, so that it
 *fits any tracepoint:
 *
 *	bpfctl attach tracepoint <program id> --target syscalls/sys_enter_getpid
 *	bpfctl attach tracepoint <program id> --target sched/sched_process_exec
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define PROCESSES_MAX 4096

/* By process id. The least recently seen process makes room for a new one. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PROCESSES_MAX);
	__type(key, __u32);
	__type(value, __u64);
} processes SEC(".maps");

/* All events; key 0. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} events SEC(".maps");

SEC("tracepoint")
int tracepoint_counter(void *ctx)
{
	__u32 process = bpf_get_current_pid_tgid() >> 32;
	__u64 one = 1, *count;
	__u32 key = 0;

	(void)ctx;
	count = bpf_map_lookup_elem(&events, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	count = bpf_map_lookup_elem(&processes, &process);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&processes, &process, &one, BPF_NOEXIST);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
