/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Records as bytes in the store: the fixed part, then only those entries of each array that are
 * used. Decoding checks every size, count and text, so that a damaged record is an error and never
 * more.
 */
#ifndef BPFD_BROKER_CODEC_H
#define BPFD_BROKER_CODEC_H

#include "proto/records.h"

#include <stddef.h>

/* Each encoder writes to `out`, which has room for the whole structure, and returns the number of
 * bytes. */
size_t codec_program_encode(const struct record_program *program, void *out);
size_t codec_link_encode(const struct record_link *link, void *out);
size_t codec_globals_encode(const struct record_globals *globals, void *out);

/* 0, or -EBADMSG with the output untouched. `id` is the key under which the record was found. */
int codec_program_decode(const void *bytes, size_t size, uint64_t id,
                         struct record_program *program);
int codec_link_decode(const void *bytes, size_t size, uint64_t id, struct record_link *link);
int codec_globals_decode(const void *bytes, size_t size, struct record_globals *globals);

#endif
