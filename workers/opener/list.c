/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the kernel has, for hosts where it refuses bpfd's iterators: ids, and what each object says
 * of itself. No descriptor leaves this file but that of the records.
 */
#include "common/cleanup.h"
#include "common/memfd.h"
#include "workers/opener/opener.h"

#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>

/* Newer than the headers that this is built with. */
#define LINK_TYPE_TCX 11
#define LINK_TYPE_NETKIT 13

static int bpf_call(enum bpf_cmd command, union bpf_attr *attr)
{
	long result = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return result < 0 ? -errno : (int)result;
}

static int info_read(int fd, void *info, uint32_t size)
{
	union bpf_attr attr = {};

	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = size;
	attr.info.info = (uint64_t)(uintptr_t)info;
	return bpf_call(BPF_OBJ_GET_INFO_BY_FD, &attr);
}

/* Each fills the record of an open object: 0 or -errno. */
static int program_read(int fd, void *out)
{
	struct kernel_program *record = out;
	struct bpf_prog_info info = { .nr_map_ids = KERNEL_PROGRAM_MAPS_MAX };
	int result;

	info.map_ids = (uint64_t)(uintptr_t)record->map_ids;
	result = info_read(fd, &info, sizeof(info));
	if (result < 0)
		return result;
	record->id = info.id;
	record->type = info.type;
	record->attach_type = KERNEL_UNKNOWN;
	record->owner_uid = info.created_by_uid;
	record->loaded_at_ns = info.load_time;
	record->run_time_ns = info.run_time_ns;
	record->run_count = info.run_cnt;
	record->bytes_xlated = info.xlated_prog_len;
	record->bytes_jited = info.jited_prog_len;
	record->verified_insns = info.verified_insns;
	record->btf_id = info.btf_id;
	record->gpl_compatible = info.gpl_compatible;
	record->map_count = info.nr_map_ids < KERNEL_PROGRAM_MAPS_MAX ? info.nr_map_ids
	                                                              : KERNEL_PROGRAM_MAPS_MAX;
	memcpy(record->name, info.name, sizeof(record->name));
	memcpy(record->tag, info.tag, sizeof(record->tag));
	return 0;
}

static int map_read(int fd, void *out)
{
	struct kernel_map *record = out;
	struct bpf_map_info info = {};
	int result = info_read(fd, &info, sizeof(info));

	if (result < 0)
		return result;
	record->id = info.id;
	record->type = info.type;
	record->key_size = info.key_size;
	record->value_size = info.value_size;
	record->max_entries = info.max_entries;
	record->flags = info.map_flags;
	record->btf_id = info.btf_id;
	memcpy(record->name, info.name, sizeof(record->name));
	return 0;
}

static int link_read(int fd, void *out)
{
	struct kernel_link *record = out;
	struct bpf_link_info info = {};
	int result = info_read(fd, &info, sizeof(info));

	if (result < 0)
		return result;
	record->id = info.id;
	record->type = info.type;
	record->program_id = info.prog_id;
	/* of all three the first thing that is told */
	if (info.type == BPF_LINK_TYPE_XDP || info.type == LINK_TYPE_TCX ||
	    info.type == LINK_TYPE_NETKIT)
		record->ifindex = info.xdp.ifindex;
	return 0;
}

static const struct {
	enum bpf_cmd next, open;
	size_t record_size;
	int (*read)(int fd, void *record);
} kinds[KERNEL_KIND_COUNT] = {
	[KERNEL_KIND_PROGRAM] = { BPF_PROG_GET_NEXT_ID, BPF_PROG_GET_FD_BY_ID,
	                          sizeof(struct kernel_program), program_read },
	[KERNEL_KIND_MAP] = { BPF_MAP_GET_NEXT_ID, BPF_MAP_GET_FD_BY_ID, sizeof(struct kernel_map),
	                      map_read },
	[KERNEL_KIND_LINK] = { BPF_LINK_GET_NEXT_ID, BPF_LINK_GET_FD_BY_ID,
	                       sizeof(struct kernel_link), link_read },
};

/* The record of the object of this id. -ENOENT: it is gone already. */
static int record_fill(uint32_t kind, uint32_t id, void *record)
{
	union bpf_attr attr = {};

	attr.prog_id = id; /* in the same place for all kinds */
	_cleanup_close_ int fd = bpf_call(kinds[kind].open, &attr);

	if (fd < 0)
		return fd;
	memset(record, 0, kinds[kind].record_size);
	return kinds[kind].read(fd, record);
}

/* -ENOENT after the last one. */
static int id_next(uint32_t kind, uint32_t *id)
{
	union bpf_attr attr = {};
	int result;

	attr.start_id = *id;
	result = bpf_call(kinds[kind].next, &attr);
	if (result == 0)
		*id = attr.next_id;
	return result;
}

static int list_fill(const struct opener_list *asked, unsigned char *records,
                     struct opener_listed *listed)
{
	uint32_t id = asked->after_id;

	while (listed->count < OPENER_LIST_MAX) {
		int result = id_next(asked->kind, &id);

		if (result == -ENOENT)
			return 0;
		if (result < 0)
			return result;
		result = record_fill(asked->kind, id,
		                     records + listed->count * kinds[asked->kind].record_size);
		/* a link that is being made has an id, and nothing to be opened yet */
		if (result == -ENOENT || result == -EAGAIN)
			continue;
		if (result < 0)
			return result;
		listed->count++;
	}
	listed->more = 1;
	return 0;
}

int answer_list(struct opener *opener, const void *question, struct opener_answer *answer,
                struct error *error)
{
	static unsigned char records[OPENER_LIST_MAX * sizeof(struct kernel_program)];
	const struct opener_list *asked = question;
	int result;

	(void)opener;
	if (asked->kind >= KERNEL_KIND_COUNT)
		return error_set(error, -EINVAL, ERROR_INTERNAL, "there is no list of kind %u",
		                 asked->kind);
	result = list_fill(asked, records, &answer->listed);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "the opener cannot list what the kernel has: %s",
		                 strerror(-result));
	result = memfd_from_bytes("kernel-records", records,
	                          answer->listed.count * kinds[asked->kind].record_size);
	if (result < 0)
		return error_set(error, result, ERROR_INTERNAL,
		                 "the opener cannot hand on a list: %s", strerror(-result));
	answer->type = OPENER_LISTED;
	answer->descriptors[0] = result;
	return 0;
}

int answer_statistics(struct opener *opener, const void *question, struct opener_answer *answer,
                      struct error *error)
{
	union bpf_attr attr = {};
	int fd;

	(void)opener;
	(void)question;
	attr.enable_stats.type = BPF_STATS_RUN_TIME;
	fd = bpf_call(BPF_ENABLE_STATS, &attr);
	if (fd < 0)
		return error_set(error, fd, ERROR_KERNEL,
		                 "the kernel does not count runs of programs: %s", strerror(-fd));
	answer->type = OPENER_OPENED;
	answer->descriptors[0] = fd;
	return 0;
}
