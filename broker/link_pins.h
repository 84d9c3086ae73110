/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What is pinned for a link: links/<id>, the file of its kernel link, or a directory of files where
 * it has several. What shall take its place waits as links/<id>-new; a directory whose place is
 * taken is links/<id>-old meanwhile; links/<id>-move is the program array of broker/tcx_relay.h.
 */
#ifndef BPFD_BROKER_LINK_PINS_H
#define BPFD_BROKER_LINK_PINS_H

#include "proto/channel_launcher.h"

#include <stdint.h>

#define LINK_PIN_PATH_SIZE 352 /* with a name in the directory */

/* links/<id>, links/<id>-new and links/<id>-move. */
void link_pin_path(const struct launcher_settings *settings, uint64_t id,
                   char out[LINK_PIN_PATH_SIZE]);
void link_pin_fresh_path(const struct launcher_settings *settings, uint64_t id,
                         char out[LINK_PIN_PATH_SIZE]);

void link_pin_move_path(const struct launcher_settings *settings, uint64_t id,
                        char out[LINK_PIN_PATH_SIZE]);

/* Puts right what a crash left of link_pins_replace(): a place that is empty gets back what it had,
 * and what waited for it goes. */
void link_pins_settle(const struct launcher_settings *settings, uint64_t id);

/* links/<id>-new takes the place of links/<id>, of the same kind, or not there. 0; or -errno, and
 * the old one stays. */
int link_pins_replace(const struct launcher_settings *settings, uint64_t id);

/* Removes links/<id>-new and links/<id>-move. */
void link_pins_fresh_remove(const struct launcher_settings *settings, uint64_t id);

/* Removes all of it, and an iterator's file; what is not there is no error. 0 or -errno. */
int link_pins_remove(const struct launcher_settings *settings, uint64_t id);

#endif
