/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What kernels after 6.1 added to linux/bpf.h: Debian 12's header does not have it. The numbers are
 * the kernel's ABI; each says which release brought it.
 */
#ifndef BPFD_BROKER_KERNEL_UAPI_H
#define BPFD_BROKER_KERNEL_UAPI_H

#include <linux/bpf.h>
#include <stdint.h>

/* Linux 6.6: attach type of a program for many places in user space, and how it is linked. */
#define KERNEL_TRACE_UPROBE_MULTI 48
#define KERNEL_UPROBE_MULTI_RETURN 1u

/* union bpf_attr.link_create with its uprobe_multi member */
struct kernel_link_create_uprobe_multi {
	uint32_t prog_fd;
	uint32_t target_fd;
	uint32_t attach_type;
	uint32_t flags;
	uint64_t path;
	uint64_t offsets;
	uint64_t ref_ctr_offsets;
	uint64_t cookies;
	uint32_t cnt;
	uint32_t multi_flags;
	uint32_t pid;
	uint32_t reserved; /* padding to what the kernel's union has there */
};

_Static_assert(sizeof(struct kernel_link_create_uprobe_multi) <= sizeof(union bpf_attr),
               "travels in the union");

#endif
