/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Who may use bpfd: root and the members of one group may do everything, nobody else anything. */
#ifndef BPFD_FRONTEND_POLICY_H
#define BPFD_FRONTEND_POLICY_H

#include "common/error.h"
#include "proto/records.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* True for uid 0 and for members of `access_gid`, by primary or supplementary group. (gid_t)-1 has
 * no members. Pure. */
bool policy_allows(gid_t access_gid, uid_t uid, gid_t gid, const gid_t *groups, size_t group_count);

/*
 * Who is at the other end of a connected stream socket (SO_PEERCRED, SO_PEERGROUPS: as they were
 * when it connected) and whether the policy allows it anything. 0 or -errno.
 */
int policy_peer(int fd, gid_t access_gid, struct record_peer *peer, bool *allowed);

/* Fills `error` with the refusal of one operation. Pure. */
void policy_refuse(gid_t access_gid, const struct record_peer *peer, const char *operation,
                   struct error *error);

#endif
