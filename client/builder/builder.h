/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What bpfd-image's files share: the command line, and what was asked for. */
#ifndef BPFD_BUILDER_BUILDER_H
#define BPFD_BUILDER_BUILDER_H

#include "image/build.h"
#include "image/manifest.h"
#include "image/reference.h"

#include <limits.h>
#include <sys/types.h>

struct builder_options {
	bool labels_only;   /* build-args */
	const char *tag;    /* as it was written; NULL: none */
	const char *output; /* a path; NULL: nothing is written */
	bool push;
	bool json;
	int credentials_fd; /* -1: none */
	char **operands;    /* [ARCHITECTURE=]PATH */
	size_t operand_count;
};

/* An object that was opened. */
struct builder_object {
	struct build_object object;
	char architecture[IMAGE_TYPE_SIZE];
	const char *path; /* as it was written */
};

struct builder {
	struct builder_options options;
	struct reference reference; /* the tag's */
	int64_t created_s;
	struct builder_object objects[BUILD_OBJECTS_MAX];
	struct build_object build[BUILD_OBJECTS_MAX]; /* the same, for build_image() */
	size_t count;
};

/* Reads the command line. 0, or -EINVAL with a sentence. */
int options_parse(int argc, char **argv, struct builder_options *options, struct error *error);

/* Takes the operands apart and opens the objects, the reference and the time of the environment. 0,
 * or -errno with a sentence. */
int builder_open(struct builder *builder, struct error *error);

/*
 * In the confined child. Each: 0, or -errno with a sentence.
 *
 * The labels, as KEY=VALUE lines on the standard output.
 */
int labels_print(const struct builder *builder, struct error *error);

#endif
