/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Requests about the entries of maps, as messages for the broker. */
#ifndef BPFD_FRONTEND_MAP_REQUEST_H
#define BPFD_FRONTEND_MAP_REQUEST_H

#include "bpfd.pb-c.h"
#include "common/error.h"
#include "proto/channel_frontend.h"

#include <stdbool.h>

/* Is it about a map's entries? */
bool map_request_is(const Bpfd__V1__Request *request);

/* A request of MAP_DUMP, MAP_GET or MAP_TYPES. 0, or -EINVAL with `error`. */
int map_read_take(const Bpfd__V1__Request *request, struct frontend_map_read *out,
                  struct error *error);

/* A request of MAP_SET or MAP_DELETE; the value of a set is left in the request. */
int map_entry_take(const Bpfd__V1__Request *request, struct frontend_map_entry *out,
                   struct error *error);

/*
 * The cursor of a dump, for the client to send back: how many keys were passed, and the last one.
 * `out` has room for MAP_CURSOR_MAX bytes. Returns its size.
 */
#define MAP_CURSOR_MAX (8 + MAP_KEY_MAX)
size_t map_cursor_make(uint64_t seen, const uint8_t *key, size_t key_size, uint8_t *out);

#endif
