/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An entry of a transparency log (Rekor), as it travels beside a signature. */
#ifndef BPFD_WORKERS_VERIFIER_LOG_ENTRY_H
#define BPFD_WORKERS_VERIFIER_LOG_ENTRY_H

#include "proto/limits.h"
#include "workers/verifier/base64.h"
#include "workers/verifier/reason.h"
#include "workers/verifier/trusted_root.h"

#include <jansson.h>
#include <openssl/x509.h>
#include <stdbool.h>

#define LOG_HASHES_MAX 64 /* one for each level of a tree of 2^64 entries */

struct log_proof {
	int64_t index;
	int64_t size; /* entries in the tree */
	struct bytes root;
	uint32_t count;
	struct bytes hashes[LOG_HASHES_MAX];
	const char *checkpoint;
};

/* Texts are those of the JSON document it was read from, which must live as long. */
struct log_entry {
	const char *body_text; /* base64 */
	struct bytes body;
	struct bytes log; /* the log's id */
	int64_t index;
	int64_t time_s;       /* 0: it does not say */
	struct bytes promise; /* SignedEntryTimestamp; empty: none */
	bool has_proof;
	struct log_proof proof;
};

/* One of a bundle's tlogEntries. 0; -EBADMSG, -ENOMEM. Give it back with log_entry_clear() in any
 * case. */
int log_entry_of_bundle(const json_t *object, struct log_entry *entry);

/* cosign 2's annotation dev.sigstore.cosign/bundle. The same. */
int log_entry_of_annotation(const json_t *object, struct log_entry *entry);

void log_entry_clear(struct log_entry *entry);

/*
 * Whether a log of the trusted root has it: by its promise, or by the proof that it is in the tree
 * of a signed checkpoint; what is there of both must be right. *time_s is when, or 0 where nobody
 * has signed that: only a promise covers the time.
 */
bool log_entry_verify(const struct log_entry *entry, const struct trusted_root *root,
                      int64_t *time_s, struct reason *reason);

/* Whether a checkpoint is by this log, over a tree of this size and root. */
bool checkpoint_verify(const char *envelope, const struct trusted_log *log, int64_t size,
                       const struct bytes *root);

/* RFC 9162, 2.1.3.2: whether the leaf is in the tree. */
bool log_proof_verify(const struct log_proof *proof, const struct bytes *leaf);

/* What a log's entry has to be about. */
struct logged {
	X509 *certificate;
	const struct bytes *signature;
	bool is_envelope;
	uint8_t signed_digest[DIGEST_SIZE];  /* of the bytes under the signature */
	uint8_t payload_digest[DIGEST_SIZE]; /* of an envelope's payload */
};

/* Whether the entry is about this signature: kinds hashedrekord and dsse, versions 0.0.1 and 0.0.2.
 */
bool log_body_verify(const struct bytes *body, const struct logged *logged, struct reason *reason);

#endif
