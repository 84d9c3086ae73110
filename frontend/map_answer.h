/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the broker says of a map's entries, as an answer for the client. */
#ifndef BPFD_FRONTEND_MAP_ANSWER_H
#define BPFD_FRONTEND_MAP_ANSWER_H

#include "bpfd.pb-c.h"
#include "frontend/arena.h"
#include "proto/channel_frontend.h"

#include <stdbool.h>

/* Is the broker's answer as it must be: sizes that agree, and within bounds? */
bool map_data_ok(const struct frontend_map_data *data);

/* Fills `response`; `bytes` are those that came with `data`, and must outlive it. 0 or -ENOMEM. */
int answer_map_data(struct arena *arena, const struct frontend_map_data *data, const uint8_t *bytes,
                    Bpfd__V1__Response *response);

#endif
