/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The broker's rows: into the view, and what they tell that nobody asked for out as events. */
#ifndef BPFD_FRONTEND_ROWS_H
#define BPFD_FRONTEND_ROWS_H

#include "common/channel.h"

struct frontend;

/* Takes one row: STATUS to GONE, or VIEW_COMPLETE. 0, or as the view_take functions. */
int row_take(struct frontend *frontend, const struct channel_message *message);

#endif
