/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Programs and maps of an image, as its labels or its object name them. */
#ifndef BPFD_IMAGE_NAMES_H
#define BPFD_IMAGE_NAMES_H

#include "proto/image_records.h"

#include <stdint.h>

struct image_names {
	uint32_t program_count; /* of those below */
	uint32_t map_count;
	uint32_t programs_more; /* that have no room below: 0 but for large objects */
	uint32_t maps_more;
	struct record_image_program
		programs[LOAD_PROGRAMS_MAX]; /* in the order of the document or object */
	struct record_image_map maps[LOAD_MAPS_MAX];
};

/* Adds one; where there is no room it is counted. 0; -EINVAL for an empty name or one that does not
 * fit, or that is there already. A type that does not fit is cut. */
int image_names_add_program(struct image_names *names, const char *name, const char *type);
int image_names_add_map(struct image_names *names, const char *name, const char *type);

#endif
