/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef BPFD_IMAGE_OBJECT_MAPS_H
#define BPFD_IMAGE_OBJECT_MAPS_H

#include "common/error.h"
#include "image/object.h"

#include <stddef.h>

/* Tells the visitor the types of maps, from an object's BTF. BTF that cannot be read tells none. 0;
 * -EINVAL (BAD_OBJECT) where the visitor does not take one. */
int object_map_types(const void *btf, size_t size, const struct object_visitor *visitor,
                     void *context, struct error *error);

#endif
