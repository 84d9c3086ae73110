/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "proto/channel_gate.h"

static const struct channel_row rows[] = {
#define X(...) CHANNEL_TABLE_ROW(__VA_ARGS__)
	CHANNEL_GATE(X)
#undef X
};

const struct channel_list channel_gate = { .name = "gate",
	                                   .rows = rows,
	                                   .count = sizeof(rows) / sizeof(rows[0]) };
