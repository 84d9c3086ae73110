/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An OCI image layout, which skopeo, podman, oras and others read, as a directory or as a tar
 * archive of one: https://github.com/opencontainers/image-spec/blob/main/image-layout.md */
#ifndef BPFD_BUILDER_LAYOUT_H
#define BPFD_BUILDER_LAYOUT_H

#include "client/builder/pieces.h"

#include <sys/types.h>

enum layout_form { LAYOUT_DIRECTORY = 1, LAYOUT_ARCHIVE = 2 };

/* What a path is to become: an archive if it ends in ".tar", else a directory, which is new or
 * empty. 0, or -errno with a sentence. Changes nothing. */
int layout_choose(const char *path, enum layout_form *form, struct error *error);

/* `tag` is org.opencontainers.image.ref.name. 0, or -errno with a sentence. An archive that was
 * there is replaced whole, or not at all; of a directory index.json comes last: without it it is no
 * layout. */
int layout_write(const char *path, enum layout_form form, const struct pieces *pieces,
                 const char *tag, int64_t created_s, struct error *error);

#endif
