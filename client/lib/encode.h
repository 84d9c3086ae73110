/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* From the library's structures to messages that are about to be packed: nothing is copied but
 * lists. */
#ifndef BPFD_CLIENT_ENCODE_H
#define BPFD_CLIENT_ENCODE_H

#include "bpfd/bpfd.h"
#include "bpfd.pb-c.h"
#include "client/lib/arena.h"

/* protobuf-c has no constant texts and bytes; packing only reads them. NULL is the empty text. */
char *text_encode(const char *text);
ProtobufCBinaryData bytes_encode(const void *bytes, size_t size);

/* NULL when out of memory. */
Bpfd__V1__Metadata **metadata_encode(struct arena *arena, const struct bpfd_metadata *metadata,
                                     size_t count);

/* 0, or -EINVAL with `error` for a source without a reference. */
int image_source_encode(const struct bpfd_image_source *source, Bpfd__V1__ImageSource *message,
                        struct bpfd_error **error);

#endif
