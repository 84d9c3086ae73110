/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "proto/channel_fetcher.h"

static const struct channel_row rows[] = {
#define X(...) CHANNEL_TABLE_ROW(__VA_ARGS__)
	CHANNEL_FETCHER(X)
#undef X
};

const struct channel_list channel_fetcher = { .name = "fetcher",
	                                      .rows = rows,
	                                      .count = sizeof(rows) / sizeof(rows[0]) };
