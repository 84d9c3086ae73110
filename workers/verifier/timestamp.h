/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Signed timestamps (RFC 3161). */
#ifndef BPFD_WORKERS_VERIFIER_TIMESTAMP_H
#define BPFD_WORKERS_VERIFIER_TIMESTAMP_H

#include "workers/verifier/base64.h"
#include "workers/verifier/reason.h"
#include "workers/verifier/trusted_root.h"

#include <stdbool.h>

/* Whether the response (DER, a TimeStampResp) is by one of the authorities, about these bytes, by
 * SHA-256, SHA-384 or SHA-512, and when. */
bool timestamp_verify(const struct bytes *response, const struct bytes *about,
                      const struct trusted_authority *authorities, uint32_t count, int64_t *time_s,
                      struct reason *reason);

#endif
