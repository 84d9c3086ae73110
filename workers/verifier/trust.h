/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The administrator's rules, keys and trusted root, read ahead of any question. */
#ifndef BPFD_WORKERS_VERIFIER_TRUST_H
#define BPFD_WORKERS_VERIFIER_TRUST_H

#include "common/error.h"
#include "proto/trust.h"
#include "workers/verifier/trusted_root.h"

#include <openssl/evp.h>
#include <stdbool.h>

struct trust {
	uint32_t count;
	struct trust_rule rules[TRUST_RULES_MAX];
	EVP_PKEY *keys[TRUST_RULES_MAX]; /* of rules of kind KEY */
	bool has_root;
	struct trusted_root root;
};

/*
 * Reads a memfd as proto/trust.h has it, which must be sealed. 0, and `trust` is filled, to be
 * given back with trust_clear(). -EPROTO where it is not of that form (a defect of the launcher's),
 * -EINVAL where a key or the trusted root is no such thing or a rule KEYLESS has none; all with a
 * sentence. `trust` is then empty.
 */
int trust_read(int fd, struct trust *trust, struct error *error);

void trust_clear(struct trust *trust);

#endif
