/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef BPFD_CLIENT_EVENT_H
#define BPFD_CLIENT_EVENT_H

#include "bpfd/bpfd.h"

/* A published message: its topic, a blank, and the event. 0, -EPROTO or -ENOMEM with `error`. */
int event_decode(const char *body, size_t size, struct bpfd_event **event,
                 struct bpfd_error **error);

/* An event of the library's own. 0 or -ENOMEM with `error`. */
int event_make(enum bpfd_event_kind kind, uint64_t missed, struct bpfd_event **event,
               struct bpfd_error **error);

#endif
