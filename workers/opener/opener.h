/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The opener: one function for each question of proto/channel_opener.h. */
#ifndef BPFD_WORKERS_OPENER_OPENER_H
#define BPFD_WORKERS_OPENER_OPENER_H

#include "common/netlink.h"
#include "proto/channel_launcher.h"
#include "proto/channel_opener.h"

/* A kind of probe among the kernel's event sources. */
struct event_source {
	uint32_t type;    /* perf_event_attr.type; 0: this kernel has no such probes */
	uint64_t returns; /* the bit in perf_event_attr.config for "where the function returns" */
};

struct opener {
	const struct launcher_settings *settings;
	struct channel channel; /* to the broker */
	struct netlink netlink;
	int netns_fd; /* its own network namespace */
	int received; /* the descriptor that came with the question; -1: none */
	struct event_source kprobe, uprobe;
};

/* What a question is answered with: a message type and as many descriptors as it carries, which are
 * closed once sent. */
struct opener_answer {
	uint16_t type;
	int descriptors[2];
	/* The bodies of LISTED and TCX_ORDER; the other answers have none. */
	struct opener_listed listed;
	struct tcx_order order;
};

/* Each: 0 and `answer`, or -errno with `error`. */
int answer_dispatcher(struct opener *opener, const void *question, struct opener_answer *answer,
                      struct error *error);
int answer_component(struct opener *opener, const void *question, struct opener_answer *answer,
                     struct error *error);
int answer_pins_remove(struct opener *opener, const void *question, struct opener_answer *answer,
                       struct error *error);
int answer_tracepoint(struct opener *opener, const void *question, struct opener_answer *answer,
                      struct error *error);
int answer_kprobe(struct opener *opener, const void *question, struct opener_answer *answer,
                  struct error *error);
int answer_uprobe(struct opener *opener, const void *question, struct opener_answer *answer,
                  struct error *error);
int answer_sample(struct opener *opener, const void *question, struct opener_answer *answer,
                  struct error *error);
int answer_file(struct opener *opener, const void *question, struct opener_answer *answer,
                struct error *error);
int answer_list(struct opener *opener, const void *question, struct opener_answer *answer,
                struct error *error);
int answer_statistics(struct opener *opener, const void *question, struct opener_answer *answer,
                      struct error *error);

int answer_netns(struct opener *opener, const void *question, struct opener_answer *answer,
                 struct error *error);
int answer_netns_socket(struct opener *opener, const void *question, struct opener_answer *answer,
                        struct error *error);

/*
 * A routing socket inside the network namespace whose file this is, and the namespace; both are the
 * caller's. 0 or -errno with `error`. A process that cannot get back from there ends.
 */
int netns_netlink_open(const struct opener *opener, const char *path, int *netns_fd,
                       struct netlink *netlink, struct error *error);

/*
 * Into the network namespace with this file, if it still has this inode number, and back. 0 or
 * -errno with `error`, -ENODEV: it is gone. A process that cannot get back from there ends.
 */
int netns_enter_same(const char *path, uint64_t id, struct error *error);
void netns_leave(const struct opener *opener);

int answer_tcx_query(struct opener *opener, const void *question, struct opener_answer *answer,
                     struct error *error);
int answer_tcx_link(struct opener *opener, const void *question, struct opener_answer *answer,
                    struct error *error);

int answer_btf(struct opener *opener, const void *question, struct opener_answer *answer,
               struct error *error);

/* Reads the numbers of the kernel's probes below `directory` (/sys/bus/event_source/devices), which
 * the sandbox does not let through: what is not there stays 0. */
void event_sources_read(struct opener *opener, const char *directory);

/*
 * The regular file, for its place alone (O_PATH): nothing about it is read, and no FIFO or device
 * is touched. 0 and a descriptor, or -errno with `error`: -EINVAL (no such path, or not a regular
 * file), -EPERM (containers are switched off), -ENOENT, -ESRCH, -EACCES.
 */
int target_file_open(const struct opener *opener, const struct opener_file *asked, int *fd,
                     struct error *error);

/*
 * The same below `root_fd`, whose owner is a stranger: no symbolic link and no ".." leads out of
 * it, whatever is renamed meanwhile. 0, or -errno: -ENOENT, -ENOTDIR, -ELOOP, -ENAMETOOLONG,
 * -EACCES, -EINVAL for what is no regular file.
 */
int root_file_open(int root_fd, const char *path, int *fd);

/* Takes one question and answers it. 0; -EPIPE when the broker has gone; -EPROTO when it breaks the
 * protocol. */
int opener_serve(struct opener *opener);

#endif
