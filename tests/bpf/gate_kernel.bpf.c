/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an object may want of the kernel it runs on: CO-RE and configuration. */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct task_struct {
	int pid;
	struct task_struct *group_leader;
} __attribute__((preserve_access_index));

struct task_struct___never {
	int bpfd_never_had_this;
} __attribute__((preserve_access_index));

extern int LINUX_KERNEL_VERSION __kconfig;
extern enum libbpf_tristate CONFIG_BPF_SYSCALL __kconfig __weak;
extern int CONFIG_BPFD_NEVER_HAD_THIS __kconfig __weak;
extern _Bool CONFIG_BPFD_NOR_THIS __kconfig __weak;
extern char CONFIG_BPFD_NOR_THIS_TEXT[8] __kconfig __weak;

#define FOUND_PID 1
#define FOUND_LEADER 2
#define FOUND_VERSION 4
#define FOUND_WRONG 8

SEC("xdp")
int kernel_all(struct xdp_md *context)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct___never *never = (void *)task;
	int found = 0;

	(void)context;
	if (BPF_CORE_READ(task, pid) > 0)
		found |= FOUND_PID;
	if (BPF_CORE_READ(task, group_leader, pid) > 0)
		found |= FOUND_LEADER;
	if (LINUX_KERNEL_VERSION > 0x050000)
		found |= FOUND_VERSION;
	if (bpf_core_field_exists(never->bpfd_never_had_this) || CONFIG_BPFD_NEVER_HAD_THIS ||
	    CONFIG_BPFD_NOR_THIS || CONFIG_BPFD_NOR_THIS_TEXT[0] ||
	    CONFIG_BPF_SYSCALL == TRI_MODULE)
		found |= FOUND_WRONG;
	return found;
}

char _license[] SEC("license") = "GPL";
