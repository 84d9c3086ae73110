/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The program of sequence.bpf.c with a run configuration: early, and the next one runs after
 * XDP_DROP too. */
#include "tests/bpf/sequence.bpf.c"

struct {
	__uint(priority, 5);
	__uint(XDP_PASS, 1);
	__uint(XDP_DROP, 1);
} _sequence SEC(".xdp_run_config");
