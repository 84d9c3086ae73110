/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Sigstore's trusted_root.json: whose certificates, logs and timestamps count. The file is the
 * administrator's.
 */
#ifndef BPFD_WORKERS_VERIFIER_TRUSTED_ROOT_H
#define BPFD_WORKERS_VERIFIER_TRUSTED_ROOT_H

#include "common/error.h"
#include "proto/limits.h"
#include "workers/verifier/time_span.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#define TRUSTED_ROOT_LOGS_MAX 16
#define TRUSTED_ROOT_AUTHORITIES_MAX 16
#define LOG_ID_MAX 32

/* A transparency log: Rekor's or one of certificates. */
struct trusted_log {
	uint8_t id[LOG_ID_MAX]; /* what entries name it by */
	size_t id_size;
	uint8_t key_digest[DIGEST_SIZE]; /* SHA-256 of its key: what SCTs name it by */
	EVP_PKEY *key;
	struct time_span span;
};

/* A certificate authority with one chain. */
struct trusted_authority {
	X509_STORE *roots;              /* the self-signed ones */
	STACK_OF(X509) * intermediates; /* the others */
	struct time_span span;
};

struct trusted_root {
	uint32_t log_count;         /* Rekor's */
	uint32_t certificate_count; /* logs of certificates */
	uint32_t authority_count;
	uint32_t timestamp_count;
	struct trusted_log logs[TRUSTED_ROOT_LOGS_MAX];
	struct trusted_log certificate_logs[TRUSTED_ROOT_LOGS_MAX];
	struct trusted_authority authorities[TRUSTED_ROOT_AUTHORITIES_MAX];
	struct trusted_authority timestamp_authorities[TRUSTED_ROOT_AUTHORITIES_MAX];
};

/* 0, and `root` is filled, to be given back with trusted_root_clear(); -EINVAL or -ENOMEM with a
 * sentence that names the part that is wrong; `root` is then empty. */
int trusted_root_read(const void *bytes, size_t size, struct trusted_root *root,
                      struct error *error);

void trusted_root_clear(struct trusted_root *root);

#endif
