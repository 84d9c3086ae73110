/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which rules speak about a repository. */
#ifndef BPFD_WORKERS_VERIFIER_RULES_H
#define BPFD_WORKERS_VERIFIER_RULES_H

#include "proto/trust.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether the pattern (with "*" at its end for any rest) matches "registry/repository". */
bool rule_matches(const char *pattern, const char *repository);

struct rules_choice {
	bool wanted;    /* a signature is: by any one of those below, and where there are none, by
	                   nobody */
	uint32_t count; /* none but KEY and KEYLESS */
	uint32_t rules[TRUST_RULES_MAX]; /* numbers of rules */
};

/*
 * Those of the longest pattern that matches. One of kind NONE among them, or no rule at all, wants
 * no signature. With `demand` one is wanted all the same: by those of the longest pattern that are
 * not NONE, and where it has no others, by all that match and are not NONE.
 */
void rules_choose(const struct trust_rule *rules, uint32_t count, const char *repository,
                  bool demand, struct rules_choice *choice);

#endif
