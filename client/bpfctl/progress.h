/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One line on a terminal that says how far a fetch is, from bpfd's events with the request's id.
 * Where the standard error is no terminal, or no events come, it stays silent.
 */
#ifndef BPFD_BPFCTL_PROGRESS_H
#define BPFD_BPFCTL_PROGRESS_H

#include "bpfctl/arguments.h"

#define PROGRESS_TEXT_SIZE 96

struct progress;

/* Watches from now on, in a thread; NULL where there is nothing to show it on. */
struct progress *progress_start(const struct arguments *arguments,
                                const uint8_t request_id[BPFD_REQUEST_ID_SIZE]);
/* Takes the line away. */
void progress_stop(struct progress *progress);

/* "fetching the object: 1.5 of 3.0 MiB" */
const char *progress_text(const struct bpfd_event *event, char text[PROGRESS_TEXT_SIZE]);

#endif
