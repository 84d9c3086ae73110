/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A list of names for an error message, cut where the message would get too long. */
#ifndef BPFD_WORKERS_LOADER_NAMES_H
#define BPFD_WORKERS_LOADER_NAMES_H

#include <stddef.h>

struct names {
	char text[240];
	size_t used;
	size_t left_out;
};

void names_add(struct names *names, const char *name);
/* "a, b, c", "a, b and 7 more", or "none". */
const char *names_text(struct names *names);

#endif
