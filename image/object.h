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

#include <stddef.h>
#include <stdint.h>

#define OBJECT_NAMES_MAX 4096 /* programs, and maps: of an object with more nothing is said */

/*
 * 0 where the file is an eBPF object for a machine of this byte order: ELF, 64 bit, EM_BPF,
 * relocatable, its sections within the file. -EINVAL and BAD_OBJECT otherwise, with what it is
 * instead; -errno where it cannot be read.
 */
int image_object_check(int fd, uint64_t size, struct error *error);

/* The same for the machines of an architecture, as OCI names it: of what is built for others.
 * -EINVAL and INVALID_ARGUMENT where OCI has no such name. */
int image_object_check_for(int fd, uint64_t size, const char *architecture, struct error *error);

/* What image_object_walk() finds. They return 0, or -errno: the name is refused. */
struct object_visitor {
	int (*program)(void *context, const char *name, const char *section);
	int (*map)(void *context, const char *name);
	/* later, of some or all of them; also of names that are no map's */
	int (*map_type)(void *context, const char *name, const char *type);
};

/*
 * Programs: global functions in executable sections other than .text, with their section's name.
 * Maps: of the section .maps, with libbpf's name of their type where BTF says it. The object passed
 * image_object_check() or image_object_check_for(). 0; -EINVAL (BAD_OBJECT), -ENOMEM, -errno, with
 * a sentence.
 */
int image_object_walk(int fd, uint64_t size, const struct object_visitor *visitor, void *context,
                      struct error *error);

/* The same into an image's names: a program's type is its section's name, cut; a map's may be
 * "unknown". */
int image_object_names(int fd, uint64_t size, struct image_names *names, struct error *error);

#endif
