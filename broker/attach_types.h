/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The rows of broker/attach.c, each defined in attach_<type>.c. */
#ifndef BPFD_BROKER_ATTACH_TYPES_H
#define BPFD_BROKER_ATTACH_TYPES_H

#include "broker/attach.h"

extern const struct attach_type attach_type_xdp, attach_type_tracepoint, attach_type_tracing,
	attach_type_tc, attach_type_tcx;
extern const struct attach_type attach_type_kprobe, attach_type_uprobe, attach_type_perf_event,
	attach_type_kprobe_multi, attach_type_uprobe_multi;
extern const struct attach_type attach_type_cgroup, attach_type_iter, attach_type_netfilter,
	attach_type_netns;

#endif
