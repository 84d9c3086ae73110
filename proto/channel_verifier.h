/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Broker (upper end) and one verifier (lower end): one question down, one verdict up. The verifier
 * is not the frontend's child and not the fetcher's: what they say of signatures counts for
 * nothing. Its rules and keys come from the launcher, as a sealed memfd (proto/trust.h) at
 * ROLE_FD_PEER.
 */
#ifndef BPFD_PROTO_CHANNEL_VERIFIER_H
#define BPFD_PROTO_CHANNEL_VERIFIER_H

#include "common/channel.h"
#include "common/error.h"
#include "proto/image_records.h"

enum verifier_state {
	VERIFIER_STATE_WARM = 1,
	VERIFIER_STATE_WARMING = 2,
	VERIFIER_STATE_WORKING = 4
};

struct verifier_question {
	struct record_image_name image; /* as the frontend says: the verifier hashes for itself */
	uint32_t demand; /* 1: a signature is wanted also where the repository's rule wants none:
	                    then by any other rule that matches it */
	uint32_t reserved;
};

struct verifier_answer {
	struct record_verdict verdict;
	struct error error; /* REFUSED: why */
};

/* X(NAME, type, sender, structure, descriptors, receiver's states) */
#define CHANNEL_VERIFIER(X)                                                     \
	/* + the object and the evidence, both sealed */                        \
	X(VERIFY, 1, UPPER, struct verifier_question, 2, VERIFIER_STATE_WARM)   \
	X(WARM, 2, LOWER, struct channel_nothing, 0, VERIFIER_STATE_WARMING)    \
	X(VERDICT, 3, LOWER, struct verifier_answer, 0, VERIFIER_STATE_WORKING) \
	X(FAILED, 4, LOWER, struct verifier_answer, 0, VERIFIER_STATE_WARMING)

enum verifier_message {
#define X(name, type, ...) CHANNEL_ENUM_ROW(VERIFIER_, name, type)
	CHANNEL_VERIFIER(X)
#undef X
};

extern const struct channel_list channel_verifier;

#endif
