/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/words.h"
#include "common/program_type.h"

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

const char *action_text(enum bpfd_program_type type, int32_t action, char text[WORD_SIZE])
{
	const char *name = bpfd_action_name(type, action);

	if (name)
		return name;
	(void)snprintf(text, WORD_SIZE, "%d", action);
	return text;
}

const char *actions_text(const struct bpfd_link *link, char text[ACTIONS_TEXT_SIZE])
{
	const struct bpfd_target *target = &link->target;
	size_t used = 0;

	if (target->proceed_on_count == 0)
		return "-";
	for (size_t i = 0; i < target->proceed_on_count && used < ACTIONS_TEXT_SIZE; i++) {
		char word[WORD_SIZE];

		used += (size_t)snprintf(text + used, ACTIONS_TEXT_SIZE - used, "%s%s",
		                         i ? "," : "",
		                         action_text(link->type, target->proceed_on[i], word));
	}
	return text;
}

const char *actions_known(enum bpfd_program_type type, char *text, size_t size)
{
	const struct action_table *actions = program_type_row(type)->actions;
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; actions && i < actions->count && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s",
		                         i == 0                   ? ""
		                         : i + 1 < actions->count ? ", "
		                                                  : " and ",
		                         actions->rows[i].name);
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
