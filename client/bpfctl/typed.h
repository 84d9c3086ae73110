/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Bytes and values by BTF. Numbers are JSON numbers (beyond 63 bits texts in decimal), enumerators
 * and texts in arrays of char are texts, pointers and what has no better form are "0x..." and
 * "hex:..."; structures and sections are objects whose nameless members' members are their own.
 */
#ifndef BPFD_BPFCTL_TYPED_H
#define BPFD_BPFCTL_TYPED_H

#include <bpf/btf.h>
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define TYPED_COMPLAINT_SIZE 272 /* a path of 95 bytes, a reason of 159 */

/* The value of `size` bytes as this type. Never reads beyond them, whatever the type says. A new
 * reference; NULL without memory. */
json_t *typed_decode(const struct btf *btf, uint32_t type, const uint8_t *bytes, size_t size);

/* "hex:0a00..." */
json_t *typed_hex(const uint8_t *bytes, size_t size);

/*
 * Writes the value, as plain_parse() or typed_decode() give it, over `bytes`: members that it does
 * not name stay. 0; -EINVAL with a complaint that names the member.
 */
int typed_encode(const struct btf *btf, uint32_t type, const json_t *value, uint8_t *bytes,
                 size_t size, char complaint[TYPED_COMPLAINT_SIZE]);

/* Without names and qualifiers: the type's own id in `id`. NULL for none, or a ring of names. */
const struct btf_type *typed_resolve(const struct btf *btf, uint32_t *id);

/* Is it an array of char, which people see as a text? `count`: how many. */
_Bool typed_is_text(const struct btf *btf, const struct btf_type *type, uint32_t *count);

/* The longest number that C has. */
typedef unsigned __int128 typed_number;
#define TYPED_NUMBER_BITS 128

/* Bits as they are counted in structures: on little-endian machines from the lowest of the first
 * byte on. */
typed_number bits_read(const uint8_t *bytes, size_t offset, size_t count);
void bits_write(uint8_t *bytes, size_t offset, size_t count, typed_number number);

/* In decimal, with a sign if it is negative. */
#define TYPED_NUMBER_SIZE 41
void typed_number_print(char text[TYPED_NUMBER_SIZE], typed_number magnitude, _Bool negative);

#define TYPED_DEPTH_MAX 32

#endif
