/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Who may read a program's maps besides those whom the policy allows everything: the users that its
 * metadata names, by number, under READERS_KEY. They may ask for that program, for its maps, for
 * their entries and their types, and for nothing else.
 */
#ifndef BPFD_FRONTEND_READERS_H
#define BPFD_FRONTEND_READERS_H

#include "bpfd.pb-c.h"
#include "frontend/view.h"

#define READERS_KEY "bpfd.map-readers"

/* "1000" or "1000,1001": at least one user's number. Pure. */
bool readers_ok(const char *value);

/* Is the number among those of a text that readers_ok()? Pure. */
bool readers_have(const char *value, uint32_t uid);

/* What is wrong with the metadata of a program that is to be loaded: 0 or -EINVAL. Pure. */
int readers_check(const struct record_metadata *metadata, struct error *error);

/* May the user have this request of a program's answered? */
bool readers_allow(const struct view *view, const Bpfd__V1__Request *request, uint32_t uid);

#endif
