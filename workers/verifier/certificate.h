/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A signer's certificate: who says so, for whom, and when. */
#ifndef BPFD_WORKERS_VERIFIER_CERTIFICATE_H
#define BPFD_WORKERS_VERIFIER_CERTIFICATE_H

#include "workers/verifier/reason.h"
#include "workers/verifier/trusted_root.h"

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

static inline void certificate_cleanup(X509 **certificate)
{
	X509_free(*certificate);
}
#define _cleanup_certificate_ __attribute__((cleanup(certificate_cleanup)))

/* One certificate and nothing behind it; NULL: it is none. */
X509 *certificate_of_der(const void *der, size_t size);
/* The first of a PEM text. */
X509 *certificate_of_pem(const void *pem, size_t size);

bool certificate_equal(const X509 *one, const X509 *other);

/*
 * Whether one of the authorities has issued it for code signing, all of the chain being valid at
 * each of the times. On success *issuer is the certificate above it, the caller's to free.
 */
bool certificate_chain_verify(X509 *certificate, const struct trusted_authority *authorities,
                              uint32_t count, const int64_t *times, size_t time_count,
                              X509 **issuer, struct reason *reason);

/* Whether it is for exactly this identity (a URI or an email address among its subject's other
 * names), as exactly this issuer vouches. */
bool certificate_identity_verify(X509 *certificate, const char *identity, const char *issuer,
                                 struct reason *reason);

#endif
