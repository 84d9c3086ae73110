/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What kernels after 6.1 added to linux/bpf.h: Debian 12's header does not have it. The numbers are
 * the kernel's ABI; each says which release brought it.
 */
#ifndef BPFD_COMMON_KERNEL_UAPI_H
#define BPFD_COMMON_KERNEL_UAPI_H

#include <linux/bpf.h>
#include <stdint.h>

/* Linux 6.6: attach type of a program for many places in user space, and how it is linked. */
#define KERNEL_TRACE_UPROBE_MULTI 48
#define KERNEL_UPROBE_MULTI_RETURN 1u

/* Linux 6.6: hooks of an interface with an order of their own. */
#define KERNEL_TCX_INGRESS 46
#define KERNEL_TCX_EGRESS 47
/* Linux 6.7: the same of a netkit pair's primary end. */
#define KERNEL_NETKIT_PRIMARY 54
#define KERNEL_NETKIT_PEER 55
/* Linux 6.6: where in that order; of control groups' links from Linux 6.17. */
#define KERNEL_F_BEFORE (1u << 3)
#define KERNEL_F_AFTER (1u << 4)
#define KERNEL_F_ID (1u << 5)
#define KERNEL_F_LINK (1u << 13)

/* union bpf_attr.link_create with its tcx or netkit member */
struct kernel_link_create_tcx {
	uint32_t prog_fd;
	uint32_t target_ifindex;
	uint32_t attach_type;
	uint32_t flags;
	uint32_t relative_id;
	uint32_t reserved;
	uint64_t expected_revision;
};

/* union bpf_attr.query as BPF_PROG_QUERY takes it for such a hook */
struct kernel_prog_query {
	uint32_t target_ifindex;
	uint32_t attach_type;
	uint32_t query_flags;
	uint32_t attach_flags;
	uint64_t prog_ids;
	uint32_t count;
	uint32_t reserved;
	uint64_t prog_attach_flags;
	uint64_t link_ids;
	uint64_t link_attach_flags;
	uint64_t revision;
};

/* struct bpf_link_info, from its type-specific part on, of a tcx or netkit link. Index 0: its
 * interface is gone, or somebody detached it. */
struct kernel_link_info_tcx {
	uint32_t ifindex;
	uint32_t attach_type;
};

_Static_assert(sizeof(struct kernel_link_create_tcx) <= sizeof(union bpf_attr) &&
                       sizeof(struct kernel_prog_query) <= sizeof(union bpf_attr),
               "travel in the union");

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

/* Linux 6.4: attach type of netfilter programs. */
#define KERNEL_NETFILTER 45

/* union bpf_attr.link_create with its netfilter member */
struct kernel_link_create_netfilter {
	uint32_t prog_fd;
	uint32_t target_fd;
	uint32_t attach_type;
	uint32_t flags;
	uint32_t family;
	uint32_t hook;
	int32_t priority;
	uint32_t netfilter_flags;
};

_Static_assert(sizeof(struct kernel_link_create_netfilter) <= sizeof(union bpf_attr),
               "travels in the union");

/* union bpf_attr.link_create with its cgroup member, of Linux 6.17 */
struct kernel_link_create_cgroup {
	uint32_t prog_fd;
	uint32_t target_fd;
	uint32_t attach_type;
	uint32_t flags;
	uint32_t relative_fd;
	uint32_t reserved; /* padding */
	uint64_t expected_revision;
};

_Static_assert(sizeof(struct kernel_link_create_cgroup) <= sizeof(union bpf_attr),
               "travels in the union");

#endif
