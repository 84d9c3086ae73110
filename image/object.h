/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What an ELF object says of itself, without loading it: for an image whose labels name nothing,
 * and for the labels of one that is built. Reads by pread() only what it needs, each part with a
 * cap of its own, so that memory stays bounded.
 */
#ifndef BPFD_IMAGE_OBJECT_H
#define BPFD_IMAGE_OBJECT_H

#include "common/error.h"
#include "image/names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * 0 where the file is an eBPF object for a machine of this byte order: ELF, 64 bit, EM_BPF,
 * relocatable, its section table within the file. -EINVAL and BAD_OBJECT otherwise, with what it is
 * instead; -errno where it cannot be read.
 */
int image_object_check(int fd, uint64_t size, struct error *error);

/* The same for a byte order that need not be this machine's: of what is built for another one. */
int image_object_check_order(int fd, uint64_t size, bool big_endian, struct error *error);

/*
 * Programs (global functions in executable sections other than .text) with their section's name as
 * type, and maps (of the section .maps) with libbpf's name of their type, "unknown" where BTF does
 * not say. The object passed image_object_check(); byte orders other than this machine's are read
 * too. 0; -EINVAL (BAD_OBJECT), -EFBIG (LIMIT), -ENOMEM, -errno.
 */
int image_object_names(int fd, uint64_t size, struct image_names *names, struct error *error);

#endif
