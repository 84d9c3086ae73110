/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef BPFD_BUILDER_CONFINED_H
#define BPFD_BUILDER_CONFINED_H

#include "client/builder/builder.h"

/*
 * Runs a child that confines itself by seccomp/image.policy and then does what reads strangers'
 * bytes: prints labels, or makes the image, pushes it, and leaves it in the file in memory `fd`
 * (pieces.h). Waits for its end. 0: it is done; 1: it has said on standard error what is wrong;
 * -errno with a sentence.
 */
int confined_run(const struct builder *builder, int fd, struct error *error);

/* Prints "bpfctl: SENTENCE", cleaned. */
void error_print(const struct error *error);

#endif
