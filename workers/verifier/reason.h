/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Why a signature does not do: of several the one that got furthest is told. */
#ifndef BPFD_WORKERS_VERIFIER_REASON_H
#define BPFD_WORKERS_VERIFIER_REASON_H

#include <stdbool.h>

/* How far it got, in the order of the steps. */
enum reason_step {
	REASON_NOTHING, /* there was no signature */
	REASON_FORM,
	REASON_IMAGE, /* it is about another image */
	REASON_KIND,  /* it is by a key, an identity is wanted */
	REASON_SIGNATURE,
	REASON_LOG,
	REASON_CHAIN,
	REASON_CERTIFICATE_LOG,
	REASON_IDENTITY
};

#define REASON_TEXT_SIZE 256

struct reason {
	enum reason_step step;
	char text[REASON_TEXT_SIZE]; /* "it is not by that key" */
};

/* Keeps it unless a later step's is there. What a stranger may have written in it is made
 * printable. Returns false, so that a caller may write `return reason_set(...)`. */
bool reason_set(struct reason *reason, enum reason_step step, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
