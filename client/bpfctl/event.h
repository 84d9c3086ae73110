/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An event as bpfctl prints it: one line each, so that a line is there as soon as its event. */
#ifndef BPFD_BPFCTL_EVENT_H
#define BPFD_BPFCTL_EVENT_H

#include "bpfd/bpfd.h"

#include <stdio.h>

/* The names of the columns, and an event in them; what it says of strangers is cleaned. 0 or
 * -ENOMEM. */
void event_head_print(FILE *out);
int event_print(FILE *out, const struct bpfd_event *event);

/* The event as one line of JSON with stable keys. 0 or -ENOMEM. */
int event_json_print(FILE *out, const struct bpfd_event *event);

#endif
