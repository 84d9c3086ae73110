/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The files of a TC dispatcher: <bpffs>/dispatchers/tc-<netns>-<ifindex>-<direction>-<program id>/
 * with "dispatcher" (the program), "config" (its map) and "prog<N>-link", which hold the components
 * in their slots. With them the broker finds its own dispatchers after a restart.
 */
#ifndef BPFD_BROKER_TC_PINS_H
#define BPFD_BROKER_TC_PINS_H

#include "broker/tc.h"
#include "broker/xdp_pins.h"

/* Paths, each PIN_PATH_SIZE bytes. */
void tc_pins_program_path(const struct launcher_settings *settings, const struct tc_place *place,
                          uint32_t id, char *out);
void tc_pins_config_path(const struct launcher_settings *settings, const struct tc_place *place,
                         uint32_t id, char *out);
void tc_pins_link_path(const struct launcher_settings *settings, const struct tc_place *place,
                       uint32_t id, size_t slot, char *out);

/* Reads the name of such a directory, nothing else. True if it was that. */
bool tc_pins_name_parse(const char *name, struct tc_place *place, uint32_t *id);

/* Makes the directory with the pins of program and map. 0, or -errno and nothing is left. */
int tc_pins_make(const struct launcher_settings *settings, const struct tc_place *place,
                 uint32_t id, int program_fd, int map_fd);

/* Removes the directory; what is not there is no error. */
void tc_pins_remove(const struct launcher_settings *settings, const struct tc_place *place,
                    uint32_t id);

#endif
