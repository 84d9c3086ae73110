/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "proto/channel_opener.h"

static const struct channel_row rows[] = {
#define X(...) CHANNEL_TABLE_ROW(__VA_ARGS__)
	CHANNEL_OPENER(X)
#undef X
};

const struct channel_list channel_opener = { .name = "opener",
	                                     .rows = rows,
	                                     .count = sizeof(rows) / sizeof(rows[0]) };
