/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Attaching by program type: one row each, its functions in attach_<type>.c; types that differ in
 * what they were loaded for alone share one. */
#ifndef BPFD_BROKER_ATTACH_H
#define BPFD_BROKER_ATTACH_H

#include "broker/cgroup.h"
#include "broker/grace.h"
#include "broker/opener_client.h"
#include "broker/perf_events.h"
#include "broker/tc.h"
#include "broker/xdp.h"
#include "common/program_type.h"

struct attach_context {
	const struct launcher_settings *settings;
	struct xdp *xdp;
	struct tc *tc;
	struct netlink *netlink;      /* for TC, in bpfd's own network namespace */
	struct opener_client *opener; /* NULL: switched off */
	struct cgroup_tree cgroups;
	int netns_fd;              /* bpfd's own network namespace */
	struct grace grace;        /* for packets that are within a tcx or netkit hook */
	bool perf_links;           /* the kernel links programs to perf events */
	struct perf_events events; /* where it does not: those that run programs */
	uint32_t cpus_end;         /* one above the last processor that there may be */

	/* What the types ask of the broker's state: */
	void *state;
	/* bpfd's running links of the type and at the place of `link`, itself left out, in order
	 * (lower priority first, ties by link id): how many, at most `most`, the first ones. */
	size_t (*members)(void *state, const struct record_link *link, struct chain_member *members,
	                  size_t most);
	/* The priority that the link has until an update is through. */
	int32_t (*priority)(void *state, uint64_t link_id);
	bool (*own)(void *state, uint32_t kernel_id);
	/* The descriptor (which stays the broker's) of a program of bpfd's; -1: it is none. */
	int (*program_fd)(void *state, uint32_t kernel_id);
	void (*chain_changed)(void *state, const struct record_chain *chain);
};

struct attach_type {
	/*
	 * Checks the target against the program and the host, and fills in what was left open
	 * (ifindex, the object's own priority and proceed-on). Changes nothing in the kernel.
	 */
	int (*check)(struct attach_context *context, const struct record_program *program,
	             struct record_link *link, struct error *error);
	/* Changes the kernel; on failure nothing is left of it. */
	int (*attach)(struct attach_context *context, const struct record_program *program,
	              int program_fd, struct record_link *link, struct error *error);
	/* Also takes off what is only half there; nothing there is no error. */
	int (*detach)(struct attach_context *context, const struct record_link *link,
	              struct error *error);
	/* Of types whose attachment is a bpf_link (broker/attach_link.h): its descriptor. */
	int (*make)(struct attach_context *context, const struct record_program *program,
	            int program_fd, struct record_link *link, struct error *error);
	/* Of types that run on perf events (broker/attach_event.h): opens the link's event, or that
	 * of one processor, which is -1 but for links on all of them; -ENODEV: it is not there. */
	int (*event)(struct attach_context *context, const struct record_link *link, int32_t cpu,
	             int *perf_fd, struct error *error);
	/*
	 * Makes a running link run `program` with the priority and proceed_on that link->target has
	 * now, in one step: whoever is served sees the link as it was or as it is; on failure it is
	 * as it was. Completes link->target as check() does. `runs` is the kernel id of the program
	 * that is behind the link, which is `program`'s own where that stays. Does nothing where
	 * all is so already: after a start the same call, with the old values, takes an unfinished
	 * update back, and then `runs` is only what may be there.
	 */
	int (*update)(struct attach_context *context, const struct record_program *program,
	              int program_fd, uint32_t runs, struct record_link *link, struct error *error);
	bool replaces; /* with make(): BPF_LINK_UPDATE replaces the program behind such a link */
	/* After a start: sets link->state to ATTACHED, REMOVED or GONE by what the kernel holds, or
	 * to WAITING where what it held ended with the last broker: it is to be attached again. */
	int (*adopt)(struct attach_context *context, const struct record_program *program,
	             int program_fd, struct record_link *link, struct error *error);
};

/* The row of the type, or NULL. */
const struct attach_type *attach_type(uint32_t type);

#endif
