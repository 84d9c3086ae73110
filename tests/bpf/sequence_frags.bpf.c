/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The program of sequence.bpf.c, loaded as one that understands frames in fragments. */
#define SEQUENCE_SECTION "xdp.frags"
#include "tests/bpf/sequence.bpf.c"
