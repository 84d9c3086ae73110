/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/attach.h"
#include "broker/attach_types.h"

/* One row for each type of common/program_type.h. */
static const struct attach_type *const types[] = {
	[PROGRAM_TYPE_XDP] = &attach_type_xdp,
	[PROGRAM_TYPE_TRACEPOINT] = &attach_type_tracepoint,
	[PROGRAM_TYPE_RAW_TRACEPOINT] = &attach_type_tracing,
	[PROGRAM_TYPE_TP_BTF] = &attach_type_tracing,
	[PROGRAM_TYPE_FENTRY] = &attach_type_tracing,
	[PROGRAM_TYPE_FEXIT] = &attach_type_tracing,
	[PROGRAM_TYPE_FMOD_RET] = &attach_type_tracing,
	[PROGRAM_TYPE_LSM] = &attach_type_tracing,
	[PROGRAM_TYPE_TC] = &attach_type_tc,
	[PROGRAM_TYPE_TCX] = &attach_type_tcx,
	[PROGRAM_TYPE_NETKIT] = &attach_type_tcx,
	[PROGRAM_TYPE_KPROBE] = &attach_type_kprobe,
	[PROGRAM_TYPE_KRETPROBE] = &attach_type_kprobe,
	[PROGRAM_TYPE_KPROBE_MULTI] = &attach_type_kprobe_multi,
	[PROGRAM_TYPE_KRETPROBE_MULTI] = &attach_type_kprobe_multi,
	[PROGRAM_TYPE_UPROBE] = &attach_type_uprobe,
	[PROGRAM_TYPE_URETPROBE] = &attach_type_uprobe,
	[PROGRAM_TYPE_UPROBE_MULTI] = &attach_type_uprobe_multi,
	[PROGRAM_TYPE_URETPROBE_MULTI] = &attach_type_uprobe_multi,
	[PROGRAM_TYPE_PERF_EVENT] = &attach_type_perf_event,
	[PROGRAM_TYPE_NETFILTER] = &attach_type_netfilter,
	[PROGRAM_TYPE_SK_LOOKUP] = &attach_type_netns,
	[PROGRAM_TYPE_FLOW_DISSECTOR] = &attach_type_netns,
	[PROGRAM_TYPE_ITER] = &attach_type_iter,
	[PROGRAM_TYPE_CGROUP_SKB_INGRESS... PROGRAM_TYPE_SOCKOPS] = &attach_type_cgroup,
};

const struct attach_type *attach_type(uint32_t type)
{
	return type < sizeof(types) / sizeof(types[0]) ? types[type] : NULL;
}
