/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * bpfd's own pins: programs/<id>, links/<id>, maps/<program id>/<map name> and shared/<map name>
 * below the bpffs directory. All names are made from bpfd's ids and from map names that
 * validate_map_name() passed. A program with its maps is pinned whole or not at all.
 */
#ifndef BPFD_BROKER_OWN_PINS_H
#define BPFD_BROKER_OWN_PINS_H

#include "common/error.h"
#include "proto/channel_launcher.h"
#include "proto/records.h"

#define OWN_PIN_PATH_SIZE 320

enum own_pin { OWN_PIN_PROGRAM, OWN_PIN_LINK, OWN_PIN_MAPS, OWN_PIN_KINDS };

/* "<bpffs>/programs/<id>" and so on; `out` has OWN_PIN_PATH_SIZE bytes. */
void own_pin_path(const struct launcher_settings *settings, enum own_pin kind, uint64_t id,
                  char *out);

/* "<bpffs>/iters/<id>": the file of an iterator's link. Where it is, links/<id> is, too. */
void own_pin_iter_path(const struct launcher_settings *settings, uint64_t id, char *out);

/* Pins the program and its maps; `map_fds` are in the order of program->maps. -EEXIST: two maps
 * would get one name. */
int own_pins_program_make(const struct launcher_settings *settings,
                          const struct record_program *program, int program_fd, const int *map_fds,
                          struct error *error);

/* Removes the program's pin and its maps' directory; what is not there is no error. 0 or -errno
 * (the first). */
int own_pins_program_remove(const struct launcher_settings *settings, uint64_t id);
/* Removes a directory of pins with what is in it; 0, or -errno. */
int own_pins_directory_remove(const char *path);

/*
 * The ids of the pins of one kind that are there, unordered: 0, and `ids` (to be freed) and
 * `count`; -errno. Names that are no id are skipped: bpfd made none of them.
 */
int own_pins_list(const struct launcher_settings *settings, enum own_pin kind, uint64_t **ids,
                  size_t *count);

/* Opens a map of the program by its pin: a descriptor, or -errno. */
int own_pins_map_open(const struct launcher_settings *settings, uint64_t program_id,
                      const char *name);

/* A map that is shared by name: a descriptor, -ENOENT, or another -errno. */
int own_pins_shared_open(const struct launcher_settings *settings, const char *name);
/* Pins it. 0; -EEXIST where there is a pin of that name; -errno with `error`. */
int own_pins_shared_make(const struct launcher_settings *settings, const char *name, int fd,
                         struct error *error);
void own_pins_shared_remove(const struct launcher_settings *settings, const char *name);
/* The names that are there: 0, and `names` (to be freed) and `count`; -errno. */
int own_pins_shared_list(const struct launcher_settings *settings, char (**names)[MAP_NAME_SIZE],
                         size_t *count);

#endif
