/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps of share.bpf.c with shorter values. */
#define HITS_VALUE __u32
#include "tests/bpf/share.bpf.c"
