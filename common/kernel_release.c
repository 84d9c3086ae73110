/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/kernel_release.h"

#include "common/program_type.h"

#include <errno.h>
#include <stdlib.h>

bool kernel_release_is(const char *release, unsigned int major, unsigned int minor)
{
	char *end;
	unsigned long found_major = strtoul(release, &end, 10);
	unsigned long found_minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;

	return found_major > major || (found_major == major && found_minor >= minor);
}

int program_type_too_new(uint32_t type, const char *release, struct error *error)
{
	const struct program_type_row *row = program_type_row(type);
	char *end;
	unsigned long major = strtoul(release, &end, 10);
	unsigned long minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;

	if (!row || major == 0 || major > row->since_major ||
	    (major == row->since_major && minor >= row->since_minor))
		return 0;
	return error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
	                 "%s programs need Linux %u.%u, this is %s", row->name, row->since_major,
	                 row->since_minor, release);
}
