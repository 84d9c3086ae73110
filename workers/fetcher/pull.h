/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef BPFD_WORKERS_FETCHER_PULL_H
#define BPFD_WORKERS_FETCHER_PULL_H

#include "image/evidence.h"

#include <stdbool.h>

/* evidence_copy.c */

/* Adds the index, manifest and layer of a finished evidence, without its signatures. 0 or -errno
 * with a sentence. */
int evidence_copy_image(int evidence_fd, struct evidence_writer *writer, struct error *error);

/* Whether two finished ones have the same bytes; false also where that cannot be found out. */
bool evidence_equal(int one_fd, int other_fd);

#endif
