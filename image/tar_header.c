/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/tar_header.h"

#include "image/tar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

uint32_t tar_header_sum(const struct tar_header *header)
{
	struct tar_header copy = *header;
	unsigned char bytes[sizeof(copy)];
	uint32_t sum = 0;

	memset(copy.checksum, ' ', sizeof(copy.checksum));
	memcpy(bytes, &copy, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		sum += bytes[i];
	return sum;
}

static int binary_read(const char *field, unsigned int size, uint64_t *number)
{
	uint64_t value = (unsigned char)field[0] & 0x7f;

	for (unsigned int i = 1; i < size; i++) {
		if (value >> 56)
			return -EINVAL;
		value = value << 8 | (unsigned char)field[i];
	}
	*number = value;
	return 0;
}

int tar_number_read(const char *field, unsigned int size, uint64_t *number)
{
	uint64_t value = 0;
	unsigned int at = 0;

	if ((unsigned char)field[0] & 0x80)
		return binary_read(field, size, number);
	while (at < size && field[at] == ' ')
		at++;
	for (; at < size && field[at] >= '0' && field[at] <= '7'; at++)
		value = value << 3 | (uint64_t)(field[at] - '0'); /* 12 digits: 36 bits */
	for (; at < size; at++) {
		if (field[at] && field[at] != ' ')
			return -EINVAL;
	}
	*number = value;
	return 0;
}

int tar_header_make(const char *name, uint64_t size, int64_t modified_s,
                    unsigned char header[TAR_BLOCK_SIZE])
{
	struct tar_header made = { .type = '0', .magic = "ustar", .version = { '0', '0' } };
	size_t length = strlen(name);

	_Static_assert(sizeof(made) == TAR_BLOCK_SIZE, "a header is one block");
	if (length == 0 || length > sizeof(made.name) || size >> 33 || modified_s < 0 ||
	    modified_s >> 33)
		return -EINVAL;
	memcpy(made.name, name, length);
	memcpy(made.mode, "0000644", sizeof(made.mode));
	memcpy(made.uid, "0000000", sizeof(made.uid));
	memcpy(made.gid, "0000000", sizeof(made.gid));
	(void)snprintf(made.size, sizeof(made.size), "%011llo", (unsigned long long)size);
	(void)snprintf(made.modified, sizeof(made.modified), "%011llo",
	               (unsigned long long)modified_s);
	(void)snprintf(made.checksum, sizeof(made.checksum), "%06o", tar_header_sum(&made));
	made.checksum[7] = ' ';
	memcpy(header, &made, sizeof(made));
	return 0;
}
