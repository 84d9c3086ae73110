/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The kernel's types as bpftool names them. */
#ifndef BPFD_FRONTEND_KERNEL_NAMES_H
#define BPFD_FRONTEND_KERNEL_NAMES_H

#include <stdint.h>

/* Name of an enum bpf_map_type or bpf_prog_type, or NULL for one that is not known here. */
const char *map_type_name(uint32_t type);
const char *prog_type_name(uint32_t type);
/* The same of an enum bpf_link_type. */
const char *link_type_name(uint32_t type);

#endif
