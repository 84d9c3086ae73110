/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bpfd's dispatcher put into the kernel from the constant tables of bpf/xdp_dispatcher_tables.h. */
#ifndef BPFD_BROKER_XDP_DISPATCHER_H
#define BPFD_BROKER_XDP_DISPATCHER_H

#include "bpf/xdp_dispatcher.h"
#include "common/error.h"

#include <stddef.h>
#include <stdint.h>

/* Loads the dispatcher's BTF. A descriptor, or -errno with `error`. */
int dispatcher_btf_load(struct error *error);

/*
 * Loads a dispatcher with this configuration; its map is frozen. `btf_fd` stays the caller's. 0 and
 * two descriptors, or -errno with `error`.
 */
int dispatcher_load(int btf_fd, const struct xdp_dispatcher_config *config, int *program_fd,
                    int *map_fd, struct error *error);

/* The BTF id of the function that component `slot` of `count` replaces: a single one replaces the
 * main function. */
uint32_t dispatcher_target(size_t count, size_t slot);

/*
 * Tries a component against `program_fd` (a dispatcher with `btf_fd` as its BTF), load and link: 0
 * if the kernel takes them, or the -errno it answered.
 */
int dispatcher_extension_try(int btf_fd, int program_fd);

#endif
