/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *time_text(uint64_t seconds, char text[TIME_TEXT_SIZE])
{
	time_t when = (time_t)seconds;
	struct tm fields;

	/* until the year 9999, after which the form is another */
	if (seconds == 0 || seconds > 253402300799ull || !gmtime_r(&when, &fields))
		return NULL;
	return strftime(text, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &fields) ? text : NULL;
}

const char *action_text(uint32_t action, char text[WORD_SIZE])
{
	const char *name = bpfd_xdp_action_name(action);

	if (name)
		return name;
	(void)snprintf(text, WORD_SIZE, "%u", action);
	return text;
}

const char *actions_text(const struct bpfd_link *link, char text[ACTIONS_TEXT_SIZE])
{
	size_t used = 0;

	if (link->proceed_on_count == 0)
		return "-";
	for (size_t i = 0; i < link->proceed_on_count && used < ACTIONS_TEXT_SIZE; i++) {
		char word[WORD_SIZE];

		used += (size_t)snprintf(text + used, ACTIONS_TEXT_SIZE - used, "%s%s",
		                         i ? "," : "", action_text(link->proceed_on[i], word));
	}
	return text;
}

char *hex_text(const char *prefix, const uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	size_t used = strlen(prefix);
	char *text = malloc(used + 2 * size + 1);

	if (!text)
		return NULL;
	memcpy(text, prefix, used);
	for (size_t i = 0; i < size; i++) {
		text[used++] = digits[bytes[i] >> 4];
		text[used++] = digits[bytes[i] & 15];
	}
	text[used] = '\0';
	return text;
}
