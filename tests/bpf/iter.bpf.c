// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Iterators: the kernel's maps, its tasks, and one that nobody can attach without a map. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define KERNEL_TYPE __attribute__((preserve_access_index))

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
} KERNEL_TYPE;

struct bpf_map {
	__u32 id;
	char name[16];
} KERNEL_TYPE;

struct task_struct {
	int pid;
	char comm[16];
} KERNEL_TYPE;

struct bpf_iter__bpf_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
} KERNEL_TYPE;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} KERNEL_TYPE;

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
} KERNEL_TYPE;

/* So that there is one with a known name. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} here SEC(".maps");

SEC("iter/bpf_map")
int maps(struct bpf_iter__bpf_map *context)
{
	struct bpf_map *map = context->map;
	__u32 key = 0;

	if (!map || !bpf_map_lookup_elem(&here, &key))
		return 0;
	BPF_SEQ_PRINTF(context->meta->seq, "map %u %s\n", map->id, map->name);
	return 0;
}

SEC("iter.s/task")
int tasks(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;

	if (task)
		BPF_SEQ_PRINTF(context->meta->seq, "task %d %s\n", task->pid, task->comm);
	return 0;
}

SEC("iter/bpf_map_elem")
int elements(struct bpf_iter__bpf_map_elem *context)
{
	(void)context;
	return 0;
}

SEC("iter")
int anything(struct bpf_iter__task *context)
{
	if (context->task)
		BPF_SEQ_PRINTF(context->meta->seq, "one\n");
	return 0;
}

char _license[] SEC("license") = "GPL";
