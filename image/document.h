/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What indexes and manifests have in common. For image/ alone. */
#ifndef BPFD_IMAGE_DOCUMENT_H
#define BPFD_IMAGE_DOCUMENT_H

#include "image/manifest.h"

/* The JSON of an index or a manifest whose media type fits; see manifest_kind() for how it is told.
 * Errors as there. */
int document_read(const void *bytes, size_t size, const char *content_type,
                  enum manifest_kind *kind, json_t **document, struct error *error);

/* The same, where only one kind will do. */
int document_read_as(const void *bytes, size_t size, const char *content_type,
                     enum manifest_kind kind, json_t **document, struct error *error);

/* -EBADMSG, REGISTRY: "the <what> <why>: ...". */
int document_refuse(struct error *error, enum manifest_kind kind, const char *why);

#endif
