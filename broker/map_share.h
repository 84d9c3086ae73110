/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Maps that programs of several loads share: a load asks for the maps of an owner, or its object
 * declares a map with LIBBPF_PIN_BY_NAME. Who shares is derived from the programs' records: a map
 * keeps the load that made it as its origin, so that what was shared is shared again after a
 * reboot, whatever was unloaded meanwhile. One that is shared by name is pinned at shared/<name>,
 * too, for as long as a program has it.
 */
#ifndef BPFD_BROKER_MAP_SHARE_H
#define BPFD_BROKER_MAP_SHARE_H

#include "broker/broker.h"

/* Can the load have the maps of the owner that it names? 0, or -errno with `error`. */
int map_owner_check(struct broker *broker, const struct frontend_load *request,
                    struct error *error);
/* The same for a persistent program that is loaded again; `owner` may be 0. */
int map_owner_restored(struct broker *broker, uint64_t owner, struct error *error);

/* Is the loader to ask for maps that the object does not declare to be shared? */
bool map_sharing_wanted(struct broker *broker, const struct load_job *job);

/* The descriptor of the map that the load shares under this name, -ENOENT where there is none. */
int map_share_find(struct broker *broker, const struct load_job *job,
                   const struct gate_map_find *question);

/*
 * After the load: is a map of it shared, and with whom? Fills in origin (0: the load's own, to be
 * numbered) and flags. 0; -EAGAIN when another load has made a map of the name meanwhile: then this
 * one is to be done again; -errno with `error`.
 */
int map_share_settle(struct broker *broker, const struct load_job *job,
                     const struct session_map *map, struct record_map *record, struct error *error);

/* Pins at shared/<name> what is not there yet. 0, -EAGAIN as above, or -errno with `error`. */
int map_shares_pin(struct broker *broker, const struct record_program *program, const int *map_fds,
                   struct error *error);
/* Removes the pins below shared/ that no program needs but this one, which is gone. */
void map_shares_release(struct broker *broker, const struct record_program *program);
/* At start, when the registry holds what is kept: pins and records are made to agree. */
void map_shares_reconcile(struct broker *broker);

/* Within a change: the program goes, and nobody is loaded with its maps any more. -errno with
 * `error`: the change is to be given up. */
int map_owner_forget(struct broker *broker, uint64_t owner, struct error *error);
/* After the commit: the same in the registry and in the view. */
void map_owner_forgotten(struct broker *broker, uint64_t owner);
/* -EBUSY with `error` when programs use the maps of this one. */
int map_users_check(const struct registry *registry, uint64_t owner, struct error *error);

#endif
