/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Hooks of tcx and netkit in other network namespaces: the kernel looks for the interface in the
 * namespace of who asks, when a link is made and when it is asked what runs there. The program
 * comes with the question, and its link goes back; for what else is done with it nobody needs to be
 * inside.
 */
#include "common/cleanup.h"
#include "common/kernel_uapi.h"
#include "workers/opener/opener.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ANCHOR_FLAGS (KERNEL_F_BEFORE | KERNEL_F_AFTER | KERNEL_F_ID | KERNEL_F_LINK)

static const uint32_t attach_types[] = { KERNEL_TCX_INGRESS, KERNEL_TCX_EGRESS,
	                                 KERNEL_NETKIT_PRIMARY, KERNEL_NETKIT_PEER };

static int question_error(struct error *error)
{
	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
	                 "that is no hook of tcx or netkit, or no place in its order");
}

static bool hook_ok(const struct tcx_hook *hook)
{
	if (!hook->ifindex || hook->ifindex > INT32_MAX)
		return false;
	for (size_t i = 0; i < sizeof(attach_types) / sizeof(attach_types[0]); i++) {
		if (hook->attach_type == attach_types[i])
			return true;
	}
	return false;
}

/* One call in the namespace. Its result, or -errno with `error`. */
static int bpf_inside(const struct opener *opener, const struct opener_tcx_hook *asked,
                      enum bpf_cmd command, union bpf_attr *attr, struct error *error)
{
	int result = netns_enter_same(asked->netns, asked->netns_id, error);
	long called;

	if (result < 0)
		return result;
	called = syscall(SYS_bpf, command, attr, sizeof(*attr));
	result = called < 0 ? -errno : (int)called;
	netns_leave(opener);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "the kernel refuses the opener's question about interface %u in "
		                 "another network namespace: %s",
		                 asked->hook.ifindex, strerror(-result));
	return result;
}

int answer_tcx_query(struct opener *opener, const void *question, struct opener_answer *answer,
                     struct error *error)
{
	const struct opener_tcx_hook *asked = question;
	struct tcx_ids ids;
	union bpf_attr attr;
	int result;

	if (!hook_ok(&asked->hook))
		return question_error(error);
	tcx_query_attr(&asked->hook, &ids, &attr);
	result = bpf_inside(opener, asked, BPF_PROG_QUERY, &attr, error);
	result = tcx_query_answer(&attr, &ids, result, &answer->order);
	if (result < 0)
		return result;
	answer->type = OPENER_TCX_ORDER;
	return 0;
}

int answer_tcx_link(struct opener *opener, const void *question, struct opener_answer *answer,
                    struct error *error)
{
	const struct opener_tcx_link *asked = question;
	union bpf_attr attr;
	int result;

	if (!hook_ok(&asked->at.hook) || asked->anchor.flags & ~ANCHOR_FLAGS)
		return question_error(error);
	tcx_link_attr(&asked->at.hook, opener->received, &asked->anchor, asked->revision, &attr);
	result = bpf_inside(opener, &asked->at, BPF_LINK_CREATE, &attr, error);
	if (result < 0)
		return result;
	answer->descriptors[0] = result;
	answer->type = OPENER_OPENED;
	return 0;
}
