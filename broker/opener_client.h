/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The broker's side of the opener: one question, one answer, waited for (the opener answers in
 * microseconds). Every function takes a NULL client, which means that the opener is switched off,
 * and says in `error` which feature is gone with it.
 */
#ifndef BPFD_BROKER_OPENER_CLIENT_H
#define BPFD_BROKER_OPENER_CLIENT_H

#include "common/channel.h"
#include "common/error.h"
#include "proto/channel_opener.h"

struct opener_client {
	struct channel channel;
	uint64_t next_id;
};

/* The program attached to the interface, if it is `program_id`; `map_fd` is its only map's, or -1.
 * Descriptors are the caller's. `netns` here and below is the path of the file of the interface's
 * network namespace; empty: bpfd's own. */
int opener_dispatcher_open(struct opener_client *client, const char *netns, uint32_t ifindex,
                           uint32_t program_id, int *program_fd, int *map_fd, struct error *error);
int opener_component_open(struct opener_client *client, const char *netns, uint32_t ifindex,
                          uint32_t dispatcher_id, uint32_t slot, int *program_fd,
                          struct error *error);
int opener_pins_remove(struct opener_client *client, const char *netns, uint32_t ifindex,
                       uint32_t dispatcher_id, struct error *error);
/* A perf event of the tracepoint, for all processes. */
int opener_tracepoint_open(struct opener_client *client, const char *group, const char *name,
                           int *perf_fd, struct error *error);
/*
 * Perf events of probes and samples, as the question says (proto/channel_opener.h); the opener
 * checks it. -ENOENT or -ESRCH: no such function, file or process; -EINVAL: no such place in it,
 * with a sentence for the user; -EOPNOTSUPP: not on this kernel or machine.
 */
int opener_kprobe_open(struct opener_client *client, const struct opener_kprobe *question,
                       int *perf_fd, struct error *error);
int opener_uprobe_open(struct opener_client *client, const struct opener_uprobe *question,
                       int *perf_fd, struct error *error);
int opener_sample_open(struct opener_client *client, const struct opener_sample *question,
                       int *perf_fd, struct error *error);
/* The file's place, for the kernel to find it as /proc/self/fd/N: an O_PATH descriptor, which gives
 * no right to read. */
int opener_file_open(struct opener_client *client, const struct opener_file *question, int *fd,
                     struct error *error);

/* A network namespace by its file (/run/netns/NAME): a descriptor that setns(2) and
 * BPF_LINK_CREATE take. */
int opener_netns_open(struct opener_client *client, const char *path, int *fd, struct error *error);
/* A slice of what the kernel has, as the question and the answer say in proto/channel_opener.h; the
 * memfd is the caller's. */
int opener_list(struct opener_client *client, uint32_t kind, uint32_t after_id, int *records_fd,
                struct opener_listed *listed, struct error *error);
/* While the descriptor is open the kernel counts runs of programs. */
int opener_statistics_open(struct opener_client *client, int *statistics_fd, struct error *error);

/* The same with a routing socket that was made inside; what asks by it needs the capabilities of
 * the asker alone. */
int opener_netns_socket(struct opener_client *client, const char *path, int *netns_fd,
                        int *socket_fd, struct error *error);

/*
 * What runs at a hook of tcx or netkit of an interface in another network namespace, which must
 * still be the one with this inode number: 0 or -errno as of tcx_query() (broker/tcx.h), also
 * -ENODEV when the namespace is gone.
 */
int opener_tcx_query(struct opener_client *client, const struct opener_tcx_hook *question,
                     struct tcx_order *out, struct error *error);
/* A link there: its descriptor in `link_fd`, or -errno as of tcx_link_create(). */
int opener_tcx_link(struct opener_client *client, const struct opener_tcx_link *question,
                    int program_fd, int *link_fd, struct error *error);

/* A BTF object by its id: the types of a map. */
int opener_btf_open(struct opener_client *client, uint32_t id, int *fd, struct error *error);

#endif
