/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Single values of a command line. All are strict: no blanks, no signs, nothing that follows. */
#ifndef BPFD_BPFCTL_VALUE_H
#define BPFD_BPFCTL_VALUE_H

#include <stddef.h>
#include <stdint.h>

/* A decimal number from `least` to `most`. False if it is none. */
_Bool number_parse(const char *text, uint64_t least, uint64_t most, uint64_t *number);

/* An id of bpfd's: 1 to 2^63 - 1. */
_Bool id_parse(const char *text, uint64_t *id);

/*
 * An even number of hexadecimal digits, two at least, after "0x" or not: bytes in the order in
 * which they lie in memory. `bytes` has room for half as many bytes as `text` has digits; it may be
 * the text itself.
 */
_Bool hex_parse(const char *text, uint8_t *bytes, size_t *size);

/* Would hex_parse() take it? */
_Bool hex_ok(const char *text);

/* Cuts "KEY=VALUE" at the first '='; false (and nothing is cut) without one or with an empty key.
 */
_Bool pair_split(char *text, const char **key, char **value);

/* The last part of a path. */
const char *path_base(const char *path);

#endif
