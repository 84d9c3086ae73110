/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Verifiers: each answers one question about one image and is thrown away. One is kept warm where
 * there are rules about signatures. The launcher starts them, on the broker's word but with its own
 * rules and keys; the broker hands over two memfds that it has not looked into.
 */
#ifndef BPFD_BROKER_VERIFIER_H
#define BPFD_BROKER_VERIFIER_H

#include "common/channel.h"
#include "proto/channel_verifier.h"
#include "proto/records.h"

#include <stdbool.h>
#include <stdint.h>

struct load_job;

#define VERIFIER_SLOTS 5      /* as many as the launcher starts; one of them is the warm one */
#define VERIFIER_QUEUE_MAX 16 /* questions that wait for a verifier */

/* A question, and what is to become of it. It owns its descriptors. */
struct verify_job {
	struct verify_job *next;
	struct load_job *load;   /* to be loaded after its verdict; NULL: VERIFY_IMAGE */
	uint64_t message_id;     /* of VERIFY_IMAGE */
	struct record_peer peer; /* who asked for that */
	struct verifier_question question;
	int object_fd; /* the load's own where there is one */
	int evidence_fd;
	uint64_t deadline_ms; /* of CLOCK_MONOTONIC */
};

struct verifier_slot {
	struct channel channel; /* fd -1: the slot is free */
	uint64_t id;            /* of its WORKER_START */
	enum verifier_state state;
	struct verify_job *job; /* NULL: warming, warm or answered */
	bool answered;          /* it has said its verdict: it is cleared at the deadline */
	uint64_t deadline_ms;   /* not of a warm one */
};

struct verifiers {
	struct verifier_slot slots[VERIFIER_SLOTS];
	struct verify_job *first;
	size_t waiting;
	unsigned int deaths;  /* verifiers that died before they had a question, in a row */
	struct error broken;  /* why none could read the rules; empty since one could */
	uint64_t start_at_ms; /* none is started before */
	uint64_t spare_at_ms; /* nor before this, unless a question waits */
};

#endif
