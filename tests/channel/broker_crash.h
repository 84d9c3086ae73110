/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Deaths of the broker: an operation is begun again and again, and the broker dies before each of
 * its steps in turn: bpf() calls, writes to the store, removals of pins. After the next start the
 * store, the kernel and the pins agree, the operation has happened whole or not at all, and nothing
 * of it is left over.
 */
#ifndef BPFD_TESTS_BROKER_CRASH_H
#define BPFD_TESTS_BROKER_CRASH_H

#include "tests/channel/broker_stage.h"

#define STEPS_MOST 1000

struct operation {
	const char *name;
	bool shared; /* needs a kernel that takes extension programs: the programs run by a
	                dispatcher */
	bool held;   /* on a kernel without perf links: the broker keeps perf events open */
	void (*prepare)(void);
	/* Sends the request and gives back its id. */
	uint64_t (*send)(void);
	/* After the restart, with every program and link of `prepare` looked at. */
	void (*check)(bool answered);
};

/* What must be true after any start: rows, pins and interfaces tell the same. */
void assert_consistent(bool shared);

/* An XDP program (1) and one for a tracepoint (2); both attached besides. */
void prepare_programs(void);
void prepare_links(void);
/* And a second program of each type, to take the place of the first. */
void prepare_successors(void);

/* Requests that several of the tests make, and the last one's marks on the host. */
uint64_t remove_send(uint16_t type, uint64_t id);
uint64_t detach_xdp_send(void);
uint64_t update_xdp_send(void);
void update_xdp_check(bool answered);

/* Two programs run by a dispatcher, a third one is loaded. */
void prepare_shared(void);
uint64_t shared_attach_send(uint64_t program_id, int32_t priority);

/* Two programs that sample, and one of them attached on every processor. */
void prepare_samplers(void);
void prepare_sample(void);
uint64_t attach_sample_send(void);

/* A whole main(): every operation dies before each of its steps. An argument chooses operations, as
 * in "shared*". */
int operations_run(const struct operation *operations, size_t count, int argc, char **argv);

#endif
