/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Values as people write them: 100, -1, 0x10, true, NAME, "text", [1,2], {a=1,b={c=2}}. JSON is
 * understood too ({"a": 1}). A JSON value stands for them in between; what was written as one word
 * is a text there, whose meaning its type tells.
 */
#ifndef BPFD_BPFCTL_PLAIN_H
#define BPFD_BPFCTL_PLAIN_H

#include <jansson.h>
#include <stdio.h>

#define PLAIN_DEPTH_MAX 32

/* A new reference; NULL for a text that is no value (`complaint` says where), or without memory. */
json_t *plain_parse(const char *text, char *complaint, size_t complaint_size);

/* Prints a value as plain_parse() understands it. */
void plain_print(FILE *out, const json_t *value);

#endif
