/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Parts of the building of images. For image/build*.c alone. */
#ifndef BPFD_IMAGE_BUILD_INTERNAL_H
#define BPFD_IMAGE_BUILD_INTERNAL_H

#include "image/build.h"

/* A layer with one file: the packed bytes (free()) and the digest of the tar. 0 or -errno with a
 * sentence. */
int build_layer(int fd, uint64_t size, const char *name, int64_t modified_s, unsigned char **bytes,
                size_t *packed, uint8_t diff[DIGEST_SIZE], struct error *error);

#endif
