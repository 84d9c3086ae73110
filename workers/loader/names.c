/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/loader/names.h"

#include <stdio.h>
#include <string.h>

#define ENDING_ROOM 32 /* for "and 4294967295 more" */

void names_add(struct names *names, const char *name)
{
	size_t length = strlen(name);

	if (names->left_out || names->used + length + 2 + ENDING_ROOM > sizeof(names->text)) {
		names->left_out++;
		return;
	}
	if (names->used) {
		memcpy(names->text + names->used, ", ", 2);
		names->used += 2;
	}
	memcpy(names->text + names->used, name, length);
	names->used += length;
}

const char *names_text(struct names *names)
{
	char *end = names->text + names->used;
	size_t room = sizeof(names->text) - names->used;

	if (names->left_out)
		(void)snprintf(end, room, "%s%zu more", names->used ? " and " : "",
		               names->left_out);
	else
		(void)snprintf(end, room, "%s", names->used ? "" : "none");
	return names->text;
}
