/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What all types have in common whose attachment is one bpf_link: it is made by the type's `make`,
 * pinned at <bpffs>/links/<id>, and ends when the pin goes.
 */
#ifndef BPFD_BROKER_ATTACH_LINK_H
#define BPFD_BROKER_ATTACH_LINK_H

#include "broker/attach.h"

/* The members `check`, `attach`, `detach`, `update` and `adopt` of a row of struct attach_type. */
int attach_link_check(struct attach_context *context, const struct record_program *program,
                      struct record_link *link, struct error *error);
int attach_link_attach(struct attach_context *context, const struct record_program *program,
                       int program_fd, struct record_link *link, struct error *error);
int attach_link_detach(struct attach_context *context, const struct record_link *link,
                       struct error *error);
int attach_link_adopt(struct attach_context *context, const struct record_program *program,
                      int program_fd, struct record_link *link, struct error *error);

/*
 * Where the row says `replaces` the kernel puts the program behind the link. Elsewhere a second
 * link is made before the first one ends: nothing that happens is missed, and for a moment both
 * run.
 */
int attach_link_update(struct attach_context *context, const struct record_program *program,
                       int program_fd, uint32_t runs, struct record_link *link,
                       struct error *error);

/* The link's descriptor, from its pin; -ENOENT or another -errno. */
int attach_link_open(const struct attach_context *context, const struct record_link *link);

/* Pins another kernel link in the place of the one that is pinned for the link `id`, in one step;
 * the old one ends. 0, or -errno and the old one stays. */
int attach_link_replace(const struct attach_context *context, uint64_t id, int link_fd,
                        struct error *error);

/* Makes a second kernel link, which then takes the place of the first. */
int attach_link_succeed(struct attach_context *context, const struct record_program *program,
                        int program_fd, struct record_link *link, struct error *error);

#define ATTACH_LINK_ROW                                                                         \
	.check = attach_link_check, .attach = attach_link_attach, .detach = attach_link_detach, \
	.update = attach_link_update, .adopt = attach_link_adopt

#endif
