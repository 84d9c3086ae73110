/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef BPFD_IMAGE_HTTP_TRUST_H
#define BPFD_IMAGE_HTTP_TRUST_H

#include "common/error.h"

#include <openssl/types.h>

#define HTTP_CA_SIZE_MAX (4u << 20) /* bytes of a CA bundle */

/*
 * Reads a PEM bundle once, so that no connection has to. 0 and *store; *store is NULL where there
 * is no such file. -errno with a sentence.
 */
int http_trust_read(const char *ca_file, X509_STORE **store, struct error *error);

/* Goes through what a connection does first, up to the client's first message: what OpenSSL looks
 * up once for a process it has then. */
void http_trust_warm(X509_STORE *store);

#endif
