/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Errors that a person reads: a code for programs and one sentence that says what failed, why, and
 * what to do. Functions return 0 or a negative errno; those whose failure reaches a user also fill
 * a struct error.
 */
#ifndef BPFD_COMMON_ERROR_H
#define BPFD_COMMON_ERROR_H

#include <stdint.h>

/* The codes are the same numbers as bpfd.v1.ErrorCode in proto/bpfd.proto. Never renumber. */
#define ERROR_CODES(X)                                                                       \
	X(INVALID_ARGUMENT, 1)  /* the request itself is wrong */                            \
	X(NOT_FOUND, 2)         /* no such program, link, interface, ... */                  \
	X(PERMISSION_DENIED, 3) /* policy refuses this client */                             \
	X(ALREADY_EXISTS, 4)    /* it is there already */                                    \
	X(BUSY, 5)              /* somebody else holds it */                                 \
	X(LIMIT, 6)             /* a limit is reached: eleventh program, quota, budget */    \
	X(UNSUPPORTED, 7)       /* this kernel or configuration lacks it */                  \
	X(BAD_OBJECT, 8)        /* the object file cannot be read or used */                 \
	X(VERIFIER, 9)          /* the kernel's verifier refused the program */              \
	X(KERNEL, 10)           /* a system call failed */                                   \
	X(STORE, 11)            /* the store could not be written: disk full, ... */         \
	X(UNAVAILABLE, 12)      /* a worker died or is not there; try again */               \
	X(TIMEOUT, 13)          /* the work took longer than allowed */                      \
	X(INTERNAL, 14)         /* a defect of bpfd's own */                                 \
	X(REGISTRY, 15)         /* a registry is out of reach or answers what it must not */ \
	X(UNTRUSTED, 16)        /* a signature is missing or wrong */

enum error_code {
	ERROR_NONE = 0,
#define X(name, value) ERROR_##name = (value),
	ERROR_CODES(X)
#undef X
};

#define ERROR_MESSAGE_MAX 512

struct error {
	uint32_t code; /* enum error_code */
	char message[ERROR_MESSAGE_MAX];
};

/*
 * Fills `error` (may be NULL) with a code and a formatted sentence; longer text is cut.
 * Returns `result` (a negative errno), so that a caller may write `return error_set(...)`.
 */
int error_set(struct error *error, int result, enum error_code code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* "INVALID_ARGUMENT" and so on; "UNKNOWN" for a number that is none. */
const char *error_code_name(uint32_t code);

#endif
