/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Makes bytecode images out of objects: for each a layer (tar+gzip with that one file), a
 * configuration with the labels io.ebpf.programs and io.ebpf.maps, a manifest; and an index over
 * several. The same input gives the same bytes, whoever builds and wherever: owner 0, mode 0644,
 * one time for all, sorted members, gzip without name and time.
 */
#ifndef BPFD_IMAGE_BUILD_H
#define BPFD_IMAGE_BUILD_H

#include "common/error.h"
#include "image/manifest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUILD_OBJECTS_MAX 16

struct build_object {
	const char *architecture; /* as OCI names it; its byte order is the object's */
	const char *name;         /* of the file in the layer: no "/" */
	int fd; /* read by pread(), from its start; may be of another process: it is copied first */
};

enum build_kind { BUILD_BLOB = 1, BUILD_MANIFEST = 2, BUILD_INDEX = 3 };

/* What a registry or layout has to be given, in an order in which everything follows what it refers
 * to. */
struct build_piece {
	enum build_kind kind;
	bool is_root;                 /* the last one: what the image's reference leads to */
	struct descriptor descriptor; /* media type, digest, size */
	const void *bytes;            /* until the callback returns */
};

/* 0, or a negative errno with a sentence, which ends the building. */
typedef int build_take(void *context, const struct build_piece *piece, struct error *error);

/*
 * One object: a manifest is the root; several, of different architectures: an index is. `created_s`
 * is Unix time: SOURCE_DATE_EPOCH, or 0. Pieces that are the same are given once. 0 and *root, or
 * -errno with a sentence: whatever image_object_check_for() and image_object_names() find,
 * INVALID_ARGUMENT for a bad architecture, name, number or time.
 */
int build_image(const struct build_object *objects, size_t count, int64_t created_s,
                build_take *take, void *context, struct descriptor *root, struct error *error);

/*
 * The labels' values for one object, as JSON objects in texts with sorted members: {"pass":"xdp"},
 * {"counts":"hash"}. The caller frees both. 0 or -errno with a sentence.
 */
int build_labels(int fd, uint64_t size, char **programs, char **maps, struct error *error);

/* SOURCE_DATE_EPOCH's text to seconds; NULL or empty: 0. -EINVAL and INVALID_ARGUMENT for anything
 * but a number. */
int build_time_parse(const char *text, int64_t *created_s, struct error *error);

#endif
