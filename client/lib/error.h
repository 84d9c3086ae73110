/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef BPFD_CLIENT_ERROR_H
#define BPFD_CLIENT_ERROR_H

#include "bpfd/bpfd.h"

/*
 * Makes the error object, if `error` is not NULL, from a formatted sentence. Returns `result` (a
 * negative errno), so that a caller may write `return error_make(...)`. Without memory the object
 * is a constant that says so.
 */
int error_make(struct bpfd_error **error, int result, enum bpfd_error_code code, const char *format,
               ...) __attribute__((format(printf, 4, 5)));

/* The same, with a verifier log of `log_size` bytes (0: none). */
int error_make_log(struct bpfd_error **error, int result, enum bpfd_error_code code,
                   const char *message, const void *log, size_t log_size);

/* -ENOMEM with its error object. */
int error_memory(struct bpfd_error **error);

#endif
