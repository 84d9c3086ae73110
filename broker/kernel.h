/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The kernel as the broker sees it: thin calls of bpf(2) through a table of operations, which tests
 * swap to count calls and to inject failures. Each returns 0 or a descriptor, or -errno.
 */
#ifndef BPFD_BROKER_KERNEL_H
#define BPFD_BROKER_KERNEL_H

#include "proto/records.h"

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

struct kernel_operations {
	/* bpf(2): a result >= 0 or -errno */
	int (*bpf)(enum bpf_cmd command, union bpf_attr *attr, unsigned int size);
	/* ioctl(2), the same */
	int (*ioctl)(int fd, unsigned long request, unsigned long argument);
};

extern const struct kernel_operations kernel_real;
extern const struct kernel_operations *kernel; /* &kernel_real unless a test swapped it */

/* BPF_OBJ_GET_INFO_BY_FD into a structure of linux/bpf.h that the caller zeroed. */
int kernel_info(int fd, void *info, uint32_t size_bytes);
int kernel_pin(int fd, const char *path);
int kernel_pin_open(const char *path);
/* Fills everything in `program` that BPF_OBJ_GET_INFO_BY_FD tells (kernel_id ... gpl_compatible,
 * kernel_name, tag) and nothing else. */
int kernel_program_info(int fd, struct record_program *program);
/* The kernel ids of the program's maps, at most LOAD_MAPS_MAX. */
int kernel_program_map_ids(int fd, uint32_t *ids, size_t *count);
/* Fills all but the name. */
int kernel_map_info(int fd, struct record_map *map);
/* Reads element `key` of a map whose values have the size that `value` has room for. */
int kernel_map_lookup(int map_fd, const void *key, void *value);
/* The key that follows `key` (NULL: the first): -ENOENT after the last. Most types begin anew when
 * `key` is not there any more. */
int kernel_map_next(int map_fd, const void *key, void *next);
/* `mode` is BPF_ANY, BPF_NOEXIST or BPF_EXIST. `key` is NULL for maps without keys. */
int kernel_map_set(int map_fd, const void *key, const void *value, uint64_t mode);
int kernel_map_delete(int map_fd, const void *key);
/* The ids of the BTF that describes a map and of its key's and value's types there; 0: none. */
int kernel_map_types(int map_fd, uint32_t *btf_id, uint32_t *key_type, uint32_t *value_type);
/* Copies the BTF object's bytes. `size` is how much room `bytes` has, and then how many bytes there
 * are, which may be more. */
int kernel_btf_read(int btf_fd, void *bytes, uint32_t *size);

/* Links a component (BPF_PROG_TYPE_EXT) to the function `btf_id` of `target_fd`. The link's
 * descriptor. */
int kernel_link_extension(int program_fd, int target_fd, uint32_t btf_id);
/* Puts another program behind a link: -EINVAL or -EOPNOTSUPP where the kernel cannot do that for
 * links of its kind. 0 or -errno. */
int kernel_link_update(int link_fd, int program_fd);
/* Detaches a link at once, whoever holds it: -EOPNOTSUPP for links of kinds that end with their
 * last holder alone. 0 or -errno. */
int kernel_link_detach(int link_fd);
/* Links a program to what `target_fd` is of (a control group, a network namespace; 0 where the type
 * needs nothing: an iterator). The link's descriptor. */
int kernel_link_create(int program_fd, int target_fd, uint32_t attach_type);
/* Links a program to a control group, to run right before another link's there: from Linux 6.17,
 * -EINVAL before. The link's descriptor. */
int kernel_link_cgroup_before(int program_fd, int cgroup_fd, uint32_t attach_type, int next_fd);
/*
 * Links a program to a netfilter hook (NF_INET_*) of a family (NFPROTO_*) in this process's network
 * namespace: from Linux 6.4, -EINVAL before. -EBUSY: another program has that priority there. The
 * link's descriptor.
 */
int kernel_link_netfilter(int program_fd, uint32_t family, uint32_t hook, int32_t priority);
/* Links a program to a perf event: from Linux 5.15, -EINVAL before. The link's descriptor. */
int kernel_link_perf_event(int program_fd, int perf_fd);
/* Does the kernel do that? It is asked with a program that goes at once. 1 or 0; or -errno where it
 * takes no such program. */
int kernel_perf_links(void);
/* Runs a program on a perf event while the event is open: what there was before. 0 or -errno. */
int kernel_perf_event_run(int program_fd, int perf_fd);
/* Links a program to a raw tracepoint, or (name NULL) to what it was loaded for. The link's
 * descriptor. */
int kernel_raw_tracepoint_open(int program_fd, const char *name);
/*
 * Links a program (BPF_TRACE_KPROBE_MULTI) to every kernel function of `functions`, or to where
 * each returns: from Linux 5.18, -EINVAL before; -EOPNOTSUPP where the kernel lacks CONFIG_FPROBE;
 * -ESRCH when one of the functions is not there or cannot be probed. The link's descriptor.
 */
int kernel_link_kprobe_multi(int program_fd, const char *const *functions, uint32_t count,
                             bool returns);
/*
 * Links a program (KERNEL_TRACE_UPROBE_MULTI) to places in one file, given by its path as this
 * process sees it (/proc/self/fd/N serves): from Linux 6.6, -EINVAL before. `pid` 0 is every
 * process. -ESRCH: no such process; -ENOENT: no such file; -EBADF: not a regular file. The link's
 * descriptor.
 */
int kernel_link_uprobe_multi(int program_fd, const char *path, const uint64_t *offsets,
                             uint32_t count, uint32_t pid, bool returns);

/* A descriptor to read an iterator's output from, once. Needs no capability of the reader. */
int kernel_iterator_create(int link_fd);

#endif
