/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bpfd's own object of iterators (bpf/iterators.bpf.c): bytes that the broker hands on unread. */
#ifndef BPFD_BROKER_KERNEL_OBJECT_H
#define BPFD_BROKER_KERNEL_OBJECT_H

#include <stdint.h>

/* A sealed memfd with the object, or -errno. */
int kernel_object_memfd(void);

/* The function in it that goes over what `kind` (enum kernel_kind) says. */
const char *kernel_object_function(uint32_t kind);

/* "programs", "maps" or "links". */
const char *kernel_object_noun(uint32_t kind);

#endif
