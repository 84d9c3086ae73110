/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The promise of a log of certificates, embedded in a certificate (RFC 6962). */
#ifndef BPFD_WORKERS_VERIFIER_SCT_H
#define BPFD_WORKERS_VERIFIER_SCT_H

#include "workers/verifier/reason.h"
#include "workers/verifier/trusted_root.h"

#include <openssl/x509.h>
#include <stdbool.h>

/* Whether one of the certificate's SCTs is by one of the logs, for this certificate of this issuer.
 */
bool sct_verify(X509 *certificate, X509 *issuer, const struct trusted_log *logs, uint32_t count,
                struct reason *reason);

#endif
