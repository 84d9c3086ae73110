/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The parts of libbpf's way to the gate: what they share, and one function per bpf() command. */
#ifndef BPFD_WORKERS_LOADER_FORWARD_H
#define BPFD_WORKERS_LOADER_FORWARD_H

#include "workers/loader/loader.h"

/* Where libbpf wants the kernel's log: an address, or 0 for no log. */
struct forward_log {
	uint64_t address;
	uint32_t size;
};

/* forward_ask.c. Each ends the process when the gate is gone. */

/* A call that is answered with 0 or -errno; its answer may come later, and is then believed to be
 * 0. */
int forward_do(uint16_t type, const void *body, int fd);
/* The same for a call that is answered with a new handle. Where a log is wanted the answer is
 * waited for. */
int forward_make(uint16_t type, const void *body, int fd, struct forward_log log);
/* The same, but the answer is waited for in any case: libbpf wants to know whether it works. */
int forward_try(uint16_t type, const void *body, struct forward_log log);
/* A question whose answer is more than a number; it is valid until the next one. */
void forward_ask(uint16_t type, const void *body, struct channel_message *answer);
void forward_log_take(const struct channel_message *answer, struct forward_log log);

/* What was given to forward_begin(). */
struct object *forward_object(void);
void forward_refused(const struct bpf_program *program, int result);

/* As bpf(2): a descriptor (a memfd that stands for one), 0 or -errno. */
typedef int forward_function(union bpf_attr *attr);
forward_function forward_map_create, forward_map_update, forward_map_freeze;
forward_function forward_program_load, forward_program_bind;

#endif
