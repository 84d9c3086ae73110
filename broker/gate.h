/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The gate: a forked child of the broker that makes the bpf() calls which one loader asks for. The
 * broker's session starts it; see gate.c for what it guards against.
 */
#ifndef BPFD_BROKER_GATE_H
#define BPFD_BROKER_GATE_H

#include "broker/kernel.h"

#include <stdbool.h>

struct gate_options {
	const struct kernel_operations *kernel;
	int extension_target_fd;          /* the template dispatcher, or -1 */
	uint32_t extension_target_btf_id; /* of the function there that programs replace */
	uint32_t possible_cpus;           /* for the size of per-CPU maps; at least 1 */
};

/*
 * Serves one load: lets the loader probe, takes the job from the broker, makes the loader's calls,
 * sends up what was loaded. `broker_fd` and `loader_fd` are the gate's ends of its two channels.
 * Returns the process's exit status.
 */
int gate_run(const struct gate_options *options, int broker_fd, int loader_fd);

#endif
