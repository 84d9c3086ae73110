// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One program for each type that runs at a place in the kernel: each counts its calls in its own
 * slot. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
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

SEC("raw_tracepoint/sys_enter")
int raw_enter(void *context)
{
	(void)context;
	return count(0);
}

SEC("tp_btf/sys_exit")
int btf_exit(void *context)
{
	(void)context;
	return count(1);
}

SEC("fentry/do_nanosleep")
int sleep_begins(void *context)
{
	(void)context;
	return count(2);
}

SEC("fexit/do_nanosleep")
int sleep_ends(void *context)
{
	(void)context;
	return count(3);
}

SEC("lsm/file_open")
int file_opened(void *context)
{
	(void)context;
	return count(4);
}

/* Whose section names no place: the request has to. */
SEC("fentry")
int anywhere(void *context)
{
	(void)context;
	return count(5);
}

SEC("fmod_ret/security_file_open")
int modified(void *context)
{
	(void)context;
	return count(6);
}

/* Those that refuse something: to one user alone, so that all others can go on. */
#define REFUSED_UID 64999
#define EPERM 1

static __always_inline int refuse(__u32 slot)
{
	if ((__u32)bpf_get_current_uid_gid() != REFUSED_UID)
		return 0;
	count(slot);
	return -EPERM;
}

SEC("lsm/file_open")
int file_refused(void *context)
{
	(void)context;
	return refuse(7);
}

SEC("fmod_ret/security_file_open")
int file_refused_early(void *context)
{
	(void)context;
	return refuse(7);
}

char _license[] SEC("license") = "GPL";
