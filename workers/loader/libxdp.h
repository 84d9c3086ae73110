/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* libxdp's header beside proto/records.h: both have an XDP_MODE_NATIVE, and the loader needs
 * neither. */
#ifndef BPFD_WORKERS_LOADER_LIBXDP_H
#define BPFD_WORKERS_LOADER_LIBXDP_H

#define XDP_MODE_NATIVE LIBXDP_MODE_NATIVE
#include <xdp/libxdp.h>
#undef XDP_MODE_NATIVE

#endif
