/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What every command that talks to bpfd does before and after. */
#ifndef BPFD_BPFCTL_SESSION_H
#define BPFD_BPFCTL_SESSION_H

#include "bpfctl/arguments.h"

#include <limits.h>

/* Connects as the arguments say; EXIT_DONE, or prints why not. */
enum exit_code session_open(const struct arguments *arguments, struct bpfd_client **client);
/* The same for what may fetch an image, which takes longer. */
enum exit_code session_open_image(const struct arguments *arguments, struct bpfd_client **client);

/* The socket of events, which lies beside that of requests. False: the path is too long. */
_Bool events_path(const struct arguments *arguments, char path[PATH_MAX]);

/*
 * Prints an error (with `subject`, as "link 5", before it unless that is NULL) and the verifier's
 * log, and frees it. Returns the exit code that it means.
 */
enum exit_code error_report(FILE *out, const char *subject, struct bpfd_error *error);

/* Prints a sentence, cleaned, and returns EXIT_REFUSED. */
enum exit_code refusal_report(const char *sentence);

/* Prints "bpfctl: out of memory" and returns EXIT_REFUSED. */
enum exit_code memory_report(void);

#endif
