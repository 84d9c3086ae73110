/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The layout of a tar header (POSIX.1-1988 ustar). For image/tar*.c alone. */
#ifndef BPFD_IMAGE_TAR_HEADER_H
#define BPFD_IMAGE_TAR_HEADER_H

#include <stdint.h>

struct tar_header {
	char name[100]; /* texts end at their field's end where there is no zero */
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char modified[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[6];
	char version[2];
	char owner[32];
	char group[32];
	char major[8];
	char minor[8];
	char prefix[155];
	char unused[12];
};

/* The sum of all bytes, those of the checksum as if they were blanks. */
uint32_t tar_header_sum(const struct tar_header *header);

/* An octal number, or GNU's base 256. 0 or -EINVAL. */
int tar_number_read(const char *field, unsigned int size, uint64_t *number);

#endif
