/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * From a layer, as the registry sent it, to the one object in it: a tar archive, or the ELF file
 * itself as oras pushes it; plain, gzip or zstd: the content says which, its media type does not
 * count. Nothing is ever extracted to a file system.
 *
 * The cost is bounded whatever comes: one level of compression, a zstd window of at most 8 MiB, 64
 * KiB blocks, and an end once OBJECT_SIZE_MAX and 1 MiB for the archive's own were unpacked. The
 * object goes to a memfd by write(): it is not mapped here.
 */
#ifndef BPFD_IMAGE_LAYER_H
#define BPFD_IMAGE_LAYER_H

#include "common/error.h"
#include "proto/limits.h"

#include <stdbool.h>
#include <stdint.h>

#define LAYER_NAME_SIZE 256

struct layer_object {
	int fd; /* a sealed memfd, the caller's to close, or -1; what it holds is not looked at:
	           see image/object.h */
	uint64_t size;
	uint8_t digest[DIGEST_SIZE]; /* SHA-256 of the object */
	uint8_t diff[DIGEST_SIZE];   /* SHA-256 of what was unpacked: a config's diff_id */
	bool is_raw;                 /* no archive, the object itself */
	char name[LAYER_NAME_SIZE];  /* in the archive, made printable and cut; empty where raw */
};

/*
 * `size` bytes of `fd` from `offset` on, read by pread(); the caller has compared their digest.
 * Exactly one regular file is in the archive, directories are tolerated; links, devices, whiteouts,
 * absolute names and "..", a second file are refused by name. 0, or with a sentence: -EBADMSG
 * (BAD_OBJECT: not what a bytecode image holds, damaged), -EFBIG (LIMIT: too large once unpacked,
 * or too large a window), -ENOMEM, -errno of the descriptors. `object` is untouched unless 0.
 */
int layer_open(int fd, uint64_t offset, uint64_t size, struct layer_object *object,
               struct error *error);

/* The same for who only wants to know what it is: `object->fd` is -1, and nothing is written. */
int layer_measure(int fd, uint64_t offset, uint64_t size, struct layer_object *object,
                  struct error *error);

/* Both with bytes in memory. */
int layer_measure_bytes(const void *bytes, uint64_t size, struct layer_object *object,
                        struct error *error);
int layer_open_bytes(const void *bytes, uint64_t size, struct layer_object *object,
                     struct error *error);

#endif
