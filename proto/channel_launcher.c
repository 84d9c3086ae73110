/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "proto/channel_launcher.h"

static const struct channel_row rows[] = {
#define X(...) CHANNEL_TABLE_ROW(__VA_ARGS__)
	CHANNEL_LAUNCHER(X)
#undef X
};

const struct channel_list channel_launcher = { .name = "launcher",
	                                       .rows = rows,
	                                       .count = sizeof(rows) / sizeof(rows[0]) };
