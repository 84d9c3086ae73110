/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * WWW-Authenticate, which a registry writes and which says where to get a token: RFC 9110, 11.6.1,
 * with the parameters of the registry protocol's token authentication. Pure, and fuzzed.
 */
#ifndef BPFD_IMAGE_CHALLENGE_H
#define BPFD_IMAGE_CHALLENGE_H

#include <stdbool.h>
#include <stddef.h>

#define CHALLENGE_REALM_SIZE 1024
#define CHALLENGE_SERVICE_SIZE 256

/* What the fields of one answer offer, all taken together. */
struct challenges {
	bool basic;
	bool bearer;
	char realm[CHALLENGE_REALM_SIZE]; /* of the first bearer challenge: a URL, as it was written
	                                   */
	char service[CHALLENGE_SERVICE_SIZE]; /* empty: it names none */
};

/*
 * Adds what one field's value offers; schemes that nobody here speaks are passed over. 0; -EBADMSG,
 * and `challenges` untouched, for a value that is not written as the RFC says, a parameter twice,
 * or one that does not fit.
 */
int challenge_read(const char *value, size_t length, struct challenges *challenges);

#endif
