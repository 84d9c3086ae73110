/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Numbers and bytes as people read them. */
#ifndef BPFD_BPFCTL_WORDS_H
#define BPFD_BPFCTL_WORDS_H

#include "bpfd/bpfd.h"

#define TIME_TEXT_SIZE 32
#define WORD_SIZE 24
#define ACTIONS_TEXT_SIZE 256

/* ISO 8601 in UTC, to the second. NULL for 0 and for times that have no such form. */
const char *time_text(uint64_t seconds, char text[TIME_TEXT_SIZE]);

/* The name of a return value, or its number. */
const char *action_text(enum bpfd_program_type type, int32_t action, char text[WORD_SIZE]);

/* "aborted, drop, ... and dispatcher_return": what a type's proceed-on may name. */
const char *actions_known(enum bpfd_program_type type, char *text, size_t size);

/* A link's proceed-on actions, with commas; "-" if there are none. */
const char *actions_text(const struct bpfd_link *link, char text[ACTIONS_TEXT_SIZE]);

/* Hexadecimal digits after the prefix; to be freed; NULL when out of memory. */
char *hex_text(const char *prefix, const uint8_t *bytes, size_t size);

#endif
