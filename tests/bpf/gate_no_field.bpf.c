/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Needs a field that no kernel has. */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct task_struct {
	int bpfd_never_had_this;
} __attribute__((preserve_access_index));

SEC("xdp")
int no_field(struct xdp_md *context)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	(void)context;
	return BPF_CORE_READ(task, bpfd_never_had_this);
}

char _license[] SEC("license") = "GPL";
