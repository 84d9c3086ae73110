/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Places that are named: bpfd takes an absolute path and offsets in the file. */
#ifndef BPFD_BPFCTL_PLACES_H
#define BPFD_BPFCTL_PLACES_H

#include "bpfctl/arguments.h"

/* What the target points to beside texts of the arguments. */
struct places_found {
	struct bpfd_place places[PLACES_MAX - 1];
	struct bpfd_symbol *symbol;
};

/* The target of `arguments` as bpfd takes it: functions in a file are looked up, and a library's
 * name. 0; or -errno with `error`. In any case places_free() follows. */
int places_find(const struct arguments *arguments, struct places_found *found,
                struct bpfd_target *target, struct bpfd_error **error);
void places_free(struct places_found *found);

#endif
