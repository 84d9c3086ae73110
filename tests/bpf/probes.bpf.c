// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One program for each type that probes functions or samples: each counts its calls in its own
 * slot. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 9);
	__type(key, __u32);
	__type(value, __u64);
} calls SEC(".maps");

static __always_inline int count(__u32 slot)
{
	__u64 *value = bpf_map_lookup_elem(&calls, &slot);

	if (value)
		__sync_fetch_and_add(value, 1);
	return 0;
}

#define COUNTER(section, name, slot) \
	SEC(section)                 \
	int name(void *context)      \
	{                            \
		(void)context;       \
		return count(slot);  \
	}

COUNTER("kprobe", function_enters, 0)
COUNTER("kretprobe", function_returns, 1)
COUNTER("uprobe", place_reached, 2)
COUNTER("uretprobe", place_returns, 3)
COUNTER("perf_event", sampled, 4)
COUNTER("kprobe.multi", functions_enter, 5)
COUNTER("kretprobe.multi", functions_return, 6)
COUNTER("uprobe.multi", places_reached, 7)
COUNTER("uretprobe.multi", places_return, 8)

char _license[] SEC("license") = "GPL";
