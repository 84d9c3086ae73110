/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a session left of a load is checked against the kernel's own word. The gate and its loader
 * are not believed: type, form, name and maps are read from the descriptors.
 */
#ifndef BPFD_BROKER_LOAD_CHECK_H
#define BPFD_BROKER_LOAD_CHECK_H

#include "broker/broker.h"

/* One program of the load. */
struct loaded {
	int fd;                     /* the session's */
	int map_fds[LOAD_MAPS_MAX]; /* the session's, in the order of the record's maps */
	bool pinned;
	struct record_program record;
};

/*
 * Checks the result, and fills `all`, one for each program, as far as the kernel knows: ids and
 * pins are given later. 0, or -errno with `error`.
 */
int load_check(struct broker *broker, const struct load_job *job,
               const struct session_result *result, struct loaded *all, struct error *error);

#endif
