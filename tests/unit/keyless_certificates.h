/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Keys, authorities and certificates for the keyless maker. Everything aborts where OpenSSL does
 * not do it. */
#ifndef BPFD_TESTS_KEYLESS_CERTIFICATES_H
#define BPFD_TESTS_KEYLESS_CERTIFICATES_H

#include "tests/unit/keyless_maker.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

struct blob {
	uint8_t data[8192];
	size_t size;
};

struct authority {
	EVP_PKEY *root_key, *key;
	X509 *root, *certificate;
};

#define MUST(what)                                                    \
	do {                                                          \
		if (!(what)) {                                        \
			(void)fprintf(stderr, "cannot: %s\n", #what); \
			abort();                                      \
		}                                                     \
	} while (0)

EVP_PKEY *maker_key(void);
struct blob maker_sign(EVP_PKEY *key, const void *data, size_t size);
struct blob maker_public(EVP_PKEY *key);
struct blob maker_der(const X509 *certificate);
void maker_digest(const void *data, size_t size, uint8_t digest[DIGEST_SIZE]);

/* A root and what it issued, for this use ("codeSigning", "critical,timeStamping"). */
void authority_make(struct authority *authority, const char *name, const char *use);
void authority_clear(struct authority *authority);

/* The signer's, with the word of `log_key` in it. */
X509 *maker_leaf(const struct maker_options *options, const struct authority *authority,
                 EVP_PKEY *key, EVP_PKEY *log_key);

/* A TimeStampResp about the bytes. */
struct blob maker_timestamp(const struct authority *authority, const void *data, size_t size,
                            int64_t time_s);

#endif
