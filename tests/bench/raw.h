/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A client without nng: a socket that speaks its wire protocol. */
#ifndef BPFD_TESTS_BENCH_RAW_H
#define BPFD_TESTS_BENCH_RAW_H

#include <stdbool.h>

#define SP_HEAD 9 /* 1, length */
#define SP_ID 4

/* A connection; with `sp` greeted as a requester, else a bare SEQPACKET one. Ends the program where
 * there is none. */
int raw_connect(const char *path, bool sp);

#endif
