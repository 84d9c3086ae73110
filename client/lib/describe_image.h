/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Of describe.h, what images are made of. */
#ifndef BPFD_CLIENT_DESCRIBE_IMAGE_H
#define BPFD_CLIENT_DESCRIBE_IMAGE_H

#include "bpfd/image.h"
#include "bpfd.pb-c.h"
#include "client/lib/arena.h"

/* 0, or -EPROTO with `error`. */
int digest_describe(const ProtobufCBinaryData *message, uint8_t digest[BPFD_DIGEST_SIZE],
                    struct bpfd_error **error);

/* NULL: nothing was verified. */
void verification_describe(const Bpfd__V1__Verification *message,
                           struct bpfd_verification *verification);

int image_describe(struct arena *arena, const Bpfd__V1__Image *message, struct bpfd_image *image,
                   struct bpfd_error **error);

/* As results, which take the arena over: *arena is NULL afterwards. */
int image_give(struct arena **arena, const Bpfd__V1__Image *message,
               const Bpfd__V1__Verification *verification, struct bpfd_image_details **details,
               struct bpfd_error **error);
int images_give(struct arena **arena, Bpfd__V1__Image *const *messages, size_t count,
                struct bpfd_images **images, struct bpfd_error **error);

#endif
