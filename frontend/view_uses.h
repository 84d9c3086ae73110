/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The view's index of links by program: without it each program of a list would look at every link.
 */
#ifndef BPFD_FRONTEND_VIEW_USES_H
#define BPFD_FRONTEND_VIEW_USES_H

#include "frontend/view.h"

/* Makes room for one more, so that uses_add cannot fail. 0 or -ENOMEM. */
int uses_reserve(struct view_uses *uses);

/* A link that is not there yet; it must stay where it is until it is removed. */
void uses_add(struct view_uses *uses, const struct view_link *link);

/* Nothing for NULL. */
void uses_remove(struct view_uses *uses, const struct view_link *link);

void uses_clear(struct view_uses *uses);

#endif
