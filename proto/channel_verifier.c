/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "proto/channel_verifier.h"

static const struct channel_row rows[] = {
#define X(...) CHANNEL_TABLE_ROW(__VA_ARGS__)
	CHANNEL_VERIFIER(X)
#undef X
};

const struct channel_list channel_verifier = { .name = "verifier",
	                                       .rows = rows,
	                                       .count = sizeof(rows) / sizeof(rows[0]) };
