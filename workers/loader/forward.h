/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The parts of libbpf's way to the gate: what they share, and one function per bpf() command. */
#ifndef BPFD_WORKERS_LOADER_FORWARD_H
#define BPFD_WORKERS_LOADER_FORWARD_H

#include "workers/loader/loader.h"

/* One question, one answer, which is valid until the next question. Without its gate the loader
 * ends. */
void forward_ask(uint16_t type, const void *body, int fd, struct channel_message *answer);

/* A plain answer: a handle, 0 or -errno. The kernel's log, if one came, goes to `log` (an address,
 * or 0) as far as it fits. */
int forward_answer(struct channel_message *message, uint64_t log, uint32_t log_size);

/* A question without a payload, and its plain answer. */
int forward_ask_plain(uint16_t type, const void *body);

/* What was given to forward_set_object(). */
const struct object *forward_object(void);
void forward_refused(const struct bpf_program *program, int result);

/* As bpf(2): a descriptor (a memfd that stands for one), 0 or -errno. */
typedef int forward_function(union bpf_attr *attr);
forward_function forward_map_create, forward_map_update, forward_map_freeze;
forward_function forward_program_load, forward_program_bind;

#endif
