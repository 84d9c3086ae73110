/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Items of answers about what others loaded, from the kernel's own records, and the filters that
 * both kinds of things go through. Memory as in frontend/answer.h: NULL without it.
 */
#ifndef BPFD_FRONTEND_ANSWER_KERNEL_H
#define BPFD_FRONTEND_ANSWER_KERNEL_H

#include "frontend/answer.h"
#include "frontend/kernel_view.h"

/* bpfd's programs by kernel id, to tell them from others'. */
struct own_programs {
	const struct view_program **items; /* in ascending order of kernel id */
	size_t count;
};

/* 0 or -ENOMEM. */
int own_programs_take(const struct answer_source *source, struct own_programs *own);
const struct view_program *own_program(const struct own_programs *own, uint32_t kernel_id);

/* A program that is not bpfd's. */
Bpfd__V1__Program *answer_kernel_program_item(const struct answer_source *source,
                                              const struct kernel_program *record);
/* Of bpfd's own: how often it ran, if that was read. */
void answer_counts_fill(const struct answer_source *source, Bpfd__V1__Program *program);

/* A link that is not bpfd's. */
Bpfd__V1__Link *answer_kernel_link_item(const struct answer_source *source,
                                        const struct kernel_link *record);

/* A map of somebody else's; who uses it is not filled in. */
Bpfd__V1__Map *answer_kernel_map_item(const struct answer_source *source,
                                      const struct kernel_map *record);

/* Is this a program of the type, as far as the kernel's record tells? */
bool kernel_program_is(const struct kernel_program *record, uint32_t type);

/* Does the program with this kernel id run on the interface, which bpfd manages? */
bool view_runs_on(const struct view *view, uint32_t kernel_id, const char *interface);

/* Does somebody else's program run on an interface that bpfd manages? Its row there shows it. */
bool view_runs_foreign(const struct view *view, uint32_t kernel_id);

#endif
