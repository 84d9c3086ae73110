/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How often programs ran between two readings of the kernel's counters. */
#ifndef BPFD_BPFCTL_TOP_RATES_H
#define BPFD_BPFCTL_TOP_RATES_H

#include "bpfd/bpfd.h"

#include <jansson.h>
#include <stdio.h>

struct top_rate {
	const struct bpfd_program *program; /* of the later reading */
	uint64_t runs;                      /* between the two */
	uint64_t time_ns;
};

struct top_rates {
	struct top_rate *items; /* what took most time first */
	size_t count;
	uint64_t elapsed_ns; /* more than 0 */
	bool statistics;
};

/* What is in both readings. 0 and `rates`, whose items are to be freed; or -ENOMEM. */
int top_rates_make(const struct bpfd_programs *before, const struct bpfd_programs *after,
                   uint64_t elapsed_ns, struct top_rates *rates);

/* The first `rows` as a table; 0: all of them. 0 or -ENOMEM. */
int top_rates_show(FILE *out, const struct top_rates *rates, size_t rows, size_t width);

/* NULL when out of memory. */
json_t *top_rates_json(const struct top_rates *rates);

#endif
