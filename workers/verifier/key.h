/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Public keys that cosign signs with, and no others. */
#ifndef BPFD_WORKERS_VERIFIER_KEY_H
#define BPFD_WORKERS_VERIFIER_KEY_H

#include "common/error.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

static inline void key_cleanup(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}
#define _cleanup_key_ __attribute__((cleanup(key_cleanup)))

/*
 * Reads one public key as PEM (SubjectPublicKeyInfo): P-256, P-384, RSA of 2048 to 8192 bits,
 * Ed25519. `name` is how an error calls it. 0 and *key, or -EINVAL with a sentence.
 */
int key_read(const void *pem, size_t size, const char *name, EVP_PKEY **key, struct error *error);

/* The same of DER, without a sentence: NULL where it is none. */
EVP_PKEY *key_of_der(const void *der, size_t size);

/* Whether signatures by it are looked at. */
bool key_is_usable(const EVP_PKEY *key);

/*
 * Whether the signature over the bytes is by this key: ECDSA (DER) with SHA-256 for P-256, SHA-384
 * or SHA-256 for P-384, RSA PKCS #1 v1.5 with SHA-256, Ed25519 pure.
 */
bool key_verify(EVP_PKEY *key, const void *bytes, size_t size, const void *signature,
                size_t signature_size);

/* Begins the first verification with this key ahead of time. It keeps the key until then. */
void key_prepare(EVP_PKEY *key);

#endif
