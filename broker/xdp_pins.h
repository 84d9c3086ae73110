/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The files of a chain on bpffs. By libxdp's protocol: <xdp>/dispatch-<ifindex>-<dispatcher
 * id>/prog<N>-{link,prog}. bpfd's own beside them, which no other user of the protocol has:
 * <bpffs>/dispatchers/<ifindex>-<program id>, what bpfd attached to the interface (in another
 * network namespace ns<number>-<ifindex>-<program id>), and the same with "-map", the dispatcher's
 * configuration. With them the broker finds its own dispatchers after
 * a restart without the opener. They are made first and removed last, so that nothing is left that
 * they do not name.
 */
#ifndef BPFD_BROKER_XDP_PINS_H
#define BPFD_BROKER_XDP_PINS_H

#include "broker/xdp.h"
#include "common/error.h"
#include "common/netlink.h"
#include "proto/channel_launcher.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIN_PATH_SIZE 192

enum pin_kind { PIN_PROGRAM, PIN_LINK };

/* Paths, each PIN_PATH_SIZE bytes. */
void pins_directory_path(const struct launcher_settings *settings, uint32_t ifindex, uint32_t id,
                         char *out);
void pins_component_path(const struct launcher_settings *settings, uint32_t ifindex, uint32_t id,
                         size_t slot, enum pin_kind kind, char *out);
void pins_private_path(const struct launcher_settings *settings, const struct xdp_place *place,
                       uint32_t id, bool map, char *out);

/* Reads a decimal number as files' names have it: no sign, no leading zero. Where it ends, or NULL.
 */
const char *pins_number_parse(const char *text, uint32_t *out);

/* Reads "<ifindex>-<id>" or "ns<netns>-<ifindex>-<id>", nothing else. True if it was that. */
bool pins_name_parse(const char *name, struct xdp_place *place, uint32_t *id);

/*
 * Takes the lock that users of the protocol hold while they change files and attachments. Waits
 * some seconds at most. A descriptor, which holds the lock until it is closed; or -errno with
 * `error`.
 */
int pins_lock(const struct launcher_settings *settings, struct error *error);

/* Makes the private pins; map_fd may be -1. 0, or -errno and nothing is left. */
int pins_private_make(const struct launcher_settings *settings, const struct xdp_place *place,
                      uint32_t id, int program_fd, int map_fd);
int pins_directory_make(const struct launcher_settings *settings, uint32_t ifindex, uint32_t id);

/* Removes all files of one dispatcher of bpfd's, or of a program attached by itself; what is not
 * there is no error. */
void pins_remove(const struct launcher_settings *settings, const struct xdp_place *place,
                 uint32_t id);

/*
 * Removes the files of everything that bpfd attached and that is not attached any more: to
 * `ifindex`, or to any interface for 0, of the network namespace `netns`, as `netlink` in there
 * says; all where that is NULL. Call it with the lock held. Returns how many there were, or -errno.
 */
int pins_collect(const struct launcher_settings *settings, struct netlink *netlink, uint32_t netns,
                 uint32_t ifindex);

#endif
