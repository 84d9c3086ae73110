/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the verifier's parts share. It answers one question in its life. */
#ifndef BPFD_WORKERS_VERIFIER_VERIFIER_H
#define BPFD_WORKERS_VERIFIER_VERIFIER_H

#include "image/evidence.h"
#include "proto/channel_verifier.h"
#include "workers/verifier/rules.h"
#include "workers/verifier/signature.h"
#include "workers/verifier/trust.h"

#include <stdbool.h>

/* signatures.c: what rules say of the signatures in the evidence. */
struct signatures {
	const struct evidence *evidence;
	uint32_t first; /* part of the evidence that may be a signature's */
	struct signed_image image;
};

/*
 * Tries each signature with each chosen rule. True, and *rule is the number of the one that was
 * met; false with the reason of the one that got furthest.
 */
bool signatures_judge(const struct signatures *signatures, const struct trust *trust,
                      const struct rules_choice *choice, uint32_t *rule, struct reason *reason);

/* judge.c: the whole answer: a refusal is one too. The descriptors stay the caller's. */
void verifier_judge(const struct trust *trust, const struct verifier_question *question,
                    int object_fd, int evidence_fd, struct verifier_answer *answer);

/* The memory for it is there afterwards. */
void judge_prepare(void);

/* rehearse.c: what can be done before there is a question. */
void verifier_rehearse(const struct trust *trust);

/* question.c: whether the message is one that the broker can have sent. */
bool question_ok(const struct verifier_question *question);

/* run.c: reads the rules, says WARM or FAILED, answers one question. The exit status. */
int verifier_run(const struct channel *channel, int trust_fd);

#endif
