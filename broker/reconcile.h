/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What is to be done at start, from what the store says and what the pins show: a pure function, so
 * that every case is one row of a test. broker/reconcile.c gathers the facts and carries the plan
 * out.
 */
#ifndef BPFD_BROKER_RECONCILE_H
#define BPFD_BROKER_RECONCILE_H

#include "proto/records.h"

#include <stdbool.h>
#include <stddef.h>

struct reconcile_program {
	uint64_t id;
	bool pinned;
	bool same; /* the pinned program is the recorded one: kernel id and tag */
	bool persistent;
};

struct reconcile_link {
	uint64_t id;
	uint64_t program_id;
	uint32_t state; /* enum link_state, as recorded */
};

struct reconcile_ids {
	const uint64_t *ids;
	size_t count;
};

struct reconcile_facts {
	const struct reconcile_program *programs; /* ascending */
	size_t program_count;
	const struct reconcile_link *links; /* ascending */
	size_t link_count;
	struct reconcile_ids program_pins, link_pins, map_pins;
};

/* In the order in which they are carried out. */
enum reconcile_action {
	RECONCILE_PROGRAM_KEEP,
	RECONCILE_PROGRAM_DROP,    /* its pin is gone (a reboot) or is not it: forget the record */
	RECONCILE_PROGRAM_RESTORE, /* the same of a persistent program: load it again */
	RECONCILE_LINK_DROP,       /* its program is dropped: forget the record */
	RECONCILE_LINK_WAIT,       /* its program is restored: attach it again then */
	RECONCILE_LINK_KEEP,       /* removed by others or without interface: it stays as it is */
	RECONCILE_LINK_UNDO,       /* was being attached: take off, forget */
	RECONCILE_LINK_FINISH,     /* was being detached: take off, forget */
	RECONCILE_LINK_ADOPT,      /* ask the kernel whether it still runs */
	RECONCILE_LINK_RESTORE,    /* was being updated: as it was before */
	RECONCILE_PROGRAM_UNPIN,   /* pins that no kept record has */
	RECONCILE_LINK_UNPIN,
	RECONCILE_MAPS_UNPIN
};

struct reconcile_step {
	enum reconcile_action action;
	uint64_t id;
};

/* The most steps that the facts can give. */
size_t reconcile_steps_max(const struct reconcile_facts *facts);
/* Writes the steps, sorted by action, then by id as far as the facts are; returns how many. */
size_t reconcile_plan(const struct reconcile_facts *facts, struct reconcile_step *steps);

#endif
