/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A strict look at a protobuf message's bytes before protobuf-c unpacks them, guided by
 * protobuf-c's own descriptors. protobuf-c takes unknown fields and enum values, text that is no
 * UTF-8 or holds a NUL, numbers that do not fit, and fields that come twice; here each of these is
 * refused, with the field's name. What passes is unpacked without loss.
 */
#ifndef BPFD_FRONTEND_WIRE_H
#define BPFD_FRONTEND_WIRE_H

#include "common/error.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * 0 and in `raw_bytes` how many bytes all fields of type bytes have together (they are copied as
 * they are); or -EINVAL with `error` (ERROR_INVALID_ARGUMENT) that names the field and the rule.
 * Pure.
 */
int wire_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t size,
               size_t *raw_bytes, struct error *error);

/* True for well-formed UTF-8 (RFC 3629: shortest form, no surrogates) without NUL. */
bool wire_text_ok(const uint8_t *bytes, size_t size);

#endif
