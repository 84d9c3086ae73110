/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the monitor needs of tcx and netkit. */
#ifndef BPFD_BROKER_ATTACH_TCX_H
#define BPFD_BROKER_ATTACH_TCX_H

#include "broker/tcx.h"
#include "proto/records.h"

/* The hook of a type (tcx or netkit) that a checked target names. */
struct tcx_hook tcx_hook_of(uint32_t type, const struct record_target *target);

/* What runs there, as the broker reports it: programs that are no member's are foreign. */
void tcx_record(uint32_t type, const struct record_target *target, const struct tcx_order *order,
                const struct chain_member *members, size_t count, struct record_chain *record);

#endif
