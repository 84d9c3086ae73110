/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What all types have in common that run on perf events which the opener opens by the type's
 * `event`. Where the kernel links programs to events (Linux 5.15) the links are pinned at
 * <bpffs>/links/<id>. Elsewhere a program runs while its event is open: the broker keeps it open,
 * and makes it again at its start.
 *
 * A link of a type that takes a processor, and has neither one nor a process, is on every
 * processor that is online: it has an event for each, and links/<id>/<processor>.
 */
#ifndef BPFD_BROKER_ATTACH_EVENT_H
#define BPFD_BROKER_ATTACH_EVENT_H

#include "broker/attach_link.h"

#define ATTACH_EVENT_CPUS_MAX 1024 /* processors under one link */

/* The members `attach`, `detach`, `update` and `adopt` of a row of struct attach_type. */
int attach_event_attach(struct attach_context *context, const struct record_program *program,
                        int program_fd, struct record_link *link, struct error *error);
int attach_event_detach(struct attach_context *context, const struct record_link *link,
                        struct error *error);
/* The other program's events are made before those that run end: nothing that happens is missed,
 * and for a moment both run. */
int attach_event_update(struct attach_context *context, const struct record_program *program,
                        int program_fd, uint32_t runs, struct record_link *link,
                        struct error *error);
int attach_event_adopt(struct attach_context *context, const struct record_program *program,
                       int program_fd, struct record_link *link, struct error *error);

#define ATTACH_EVENT_ROW                                                                          \
	.check = attach_link_check, .attach = attach_event_attach, .detach = attach_event_detach, \
	.update = attach_event_update, .adopt = attach_event_adopt

#endif
