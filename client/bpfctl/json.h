/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What bpfctl prints with -o json. Keys are stable: later versions add some, and change none. Each
 * returns a new reference, or NULL when out of memory.
 */
#ifndef BPFD_BPFCTL_JSON_H
#define BPFD_BPFCTL_JSON_H

#include "bpfd/bpfd.h"

#include <jansson.h>
#include <stdio.h>

json_t *program_json(const struct bpfd_program *program);
json_t *programs_json(const struct bpfd_programs *programs);
json_t *maps_json(const struct bpfd_map *maps, size_t count);
json_t *link_json(const struct bpfd_link *link);
json_t *links_json(const struct bpfd_links *links);
json_t *maps_list_json(const struct bpfd_maps *maps);
json_t *verification_json(const struct bpfd_verification *verification);
json_t *image_json(const struct bpfd_image *image);
json_t *images_json(const struct bpfd_images *images);
json_t *status_json(const struct bpfd_daemon_status *status);
json_t *version_json(const struct bpfd_daemon_version *version);

/* Prints it, indented and with a newline, and drops the reference. 0, or -ENOMEM for NULL. */
int json_print(FILE *out, json_t *json);

#endif
