/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The objects of persistent programs: a file each in <state>/objects, named by the SHA-256 of its
 * bytes. The broker moves them from memfd to file and back inside the kernel and never looks at
 * them; the digest is the loader's word, and the loader checks it again when the object is loaded
 * again.
 */
#ifndef BPFD_BROKER_OBJECTS_H
#define BPFD_BROKER_OBJECTS_H

#include "common/error.h"
#include "proto/limits.h"

#include <stdbool.h>
#include <stdint.h>

/* Opens the directory, which the launcher made. The descriptor, or -errno with `error`. */
int objects_open(const char *state_directory, struct error *error);

/*
 * Keeps the object in the sealed memfd, on the disk when this returns. A file of that name stays as
 * it is: whoever makes a loader lie about a digest must not replace what others keep under it. 0,
 * or -errno with `error` (code STORE).
 */
int object_keep(int directory_fd, const uint8_t digest[DIGEST_SIZE], int object_fd,
                struct error *error);

/* The object again, in a sealed memfd: its descriptor, or -errno with `error`. */
int object_open(int directory_fd, const uint8_t digest[DIGEST_SIZE], struct error *error);

void object_remove(int directory_fd, const uint8_t digest[DIGEST_SIZE]);

/* Removes every object that `used` does not want, and what a crash left half written. 0 or -errno.
 */
int objects_collect(const char *state_directory, int directory_fd,
                    bool (*used)(void *state, const uint8_t digest[DIGEST_SIZE]), void *state);

#endif
