/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The gate: a forked child of the broker that makes the bpf() calls which one loader asks for. The
 * broker's session starts it; see gate.c for what it guards against.
 */
#ifndef BPFD_BROKER_GATE_H
#define BPFD_BROKER_GATE_H

#include "broker/kernel.h"

#include <stdbool.h>

/* What programs of one type are loaded against where they are loaded as extensions. */
struct extension_target {
	uint32_t program_type; /* enum bpf_prog_type that they are written as */
	int fd;                /* the template dispatcher; -1: the kernel refuses extensions */
	uint32_t btf_id;       /* of the function there that programs replace */
};

enum { EXTENSION_TARGETS = 2 }; /* one for each kind of dispatcher */

struct gate_options {
	const struct kernel_operations *kernel;
	struct extension_target extension_targets[EXTENSION_TARGETS];
	const char *kernel_release; /* as uname(2) has it; NULL: not known */
	uint32_t possible_cpus;     /* for the size of per-CPU maps; at least 1 */
};

/*
 * Serves one load: lets the loader probe, takes the job from the broker, makes the loader's calls,
 * sends up what was loaded. `broker_fd` and `loader_fd` are the gate's ends of its two channels.
 * Returns the process's exit status.
 */
int gate_run(const struct gate_options *options, int broker_fd, int loader_fd);

#endif
