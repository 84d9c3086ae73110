/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bpfd's dispatchers put into the kernel from the constant tables of bpf/dispatcher_tables.h. */
#ifndef BPFD_BROKER_DISPATCHER_H
#define BPFD_BROKER_DISPATCHER_H

#include "bpf/dispatcher_tables.h"
#include "common/error.h"

#include <stddef.h>
#include <stdint.h>

/* Loads the dispatcher's BTF. A descriptor, or -errno with `error`. */
int dispatcher_btf_load(const struct dispatcher_tables *tables, struct error *error);

/*
 * Loads a dispatcher with this configuration (tables->config_size_bytes), with `flags` as the
 * program's; its map is frozen. `btf_fd` stays the caller's. 0 and two descriptors, or -errno with
 * `error`.
 */
int dispatcher_load(const struct dispatcher_tables *tables, int btf_fd, const void *config,
                    uint32_t flags, int *program_fd, int *map_fd, struct error *error);

/*
 * Tries a component against `program_fd` (a dispatcher with `btf_fd` as its BTF), load and link: 0
 * if the kernel takes them, or the -errno it answered.
 */
int dispatcher_extension_try(const struct dispatcher_tables *tables, int btf_fd, int program_fd);

#endif
