/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The opener: one function for each question of proto/channel_opener.h. */
#ifndef BPFD_WORKERS_OPENER_OPENER_H
#define BPFD_WORKERS_OPENER_OPENER_H

#include "common/netlink.h"
#include "proto/channel_launcher.h"
#include "proto/channel_opener.h"

struct opener {
	const struct launcher_settings *settings;
	struct channel channel; /* to the broker */
	struct netlink netlink;
};

/* What a question is answered with: a message type and as many descriptors as it carries, which are
 * closed once sent. */
struct opener_answer {
	uint16_t type;
	int descriptors[2];
};

/* Each: 0 and `answer`, or -errno with `error`. */
int answer_dispatcher(struct opener *opener, const void *question, struct opener_answer *answer,
                      struct error *error);
int answer_component(struct opener *opener, const void *question, struct opener_answer *answer,
                     struct error *error);
int answer_pins_remove(struct opener *opener, const void *question, struct opener_answer *answer,
                       struct error *error);
int answer_tracepoint(struct opener *opener, const void *question, struct opener_answer *answer,
                      struct error *error);

/* Takes one question and answers it. 0; -EPIPE when the broker has gone; -EPROTO when it breaks the
 * protocol. */
int opener_serve(struct opener *opener);

#endif
