/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One program or link of the view as clients see it. NULL where the arena's budget does not do. */
#ifndef BPFD_FRONTEND_ANSWER_ITEMS_H
#define BPFD_FRONTEND_ANSWER_ITEMS_H

#include "frontend/answer.h"

Bpfd__V1__Program *answer_program_item(const struct answer_source *source,
                                       const struct view_program *program);
Bpfd__V1__Link *answer_link_item(const struct answer_source *source, const struct view_link *link);

/* The program at `position` of what runs on an interface, which is not bpfd's. */
Bpfd__V1__Link *answer_foreign_item(const struct answer_source *source,
                                    const struct record_chain *chain, uint32_t position);

/* Map number `index` of one of bpfd's programs, into a message that is not initialised yet. */
bool answer_map_fill(const struct answer_source *source, const struct view_program *program,
                     uint32_t index, Bpfd__V1__Map *map);

#endif
