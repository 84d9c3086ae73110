/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps of share.bpf.c with more entries. */
#define HITS_ENTRIES 8
#include "tests/bpf/share.bpf.c"
