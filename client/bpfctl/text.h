/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Texts that came from elsewhere, made fit for a terminal: control characters (C0, DEL, C1),
 * characters that turn the direction of writing, and bytes that are not UTF-8 become '?', so that
 * nobody's metadata moves the cursor.
 */
#ifndef BPFD_BPFCTL_TEXT_H
#define BPFD_BPFCTL_TEXT_H

#include <stdio.h>

/* A cleaned copy, to be freed; NULL when out of memory. */
char *text_clean(const char *text);

/* Prints it cleaned. */
void text_print(FILE *out, const char *text);

/* The same for many lines: newline and tab stay. `size` bytes, which may hold anything. */
void lines_print(FILE *out, const char *text, size_t size);

#endif
