/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/places.h"

#include "common/channel.h"
#include "common/log.h"
#include "common/program_type.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PLACES_SHOWN 3
#define SHOWN_SIZE 200 /* of a text, in an error */

bool places_well_formed(const struct record_places *places)
{
	if (places->count >= PLACES_MAX || places->reserved)
		return false;
	for (uint32_t i = 0; i < places->count; i++) {
		if (!channel_text_ok(places->entries[i].function,
		                     sizeof(places->entries[i].function)))
			return false;
	}
	return true;
}

/* The target as it is for one of the places: 0 is its own. */
static struct record_target place_target(const struct record_target *target,
                                         const struct record_places *places, uint32_t index)
{
	struct record_target one = *target;

	if (index == 0)
		return one;
	memcpy(one.function, places->entries[index - 1].function, sizeof(one.function));
	one.offset = places->entries[index - 1].offset;
	return one;
}

static int place_twice(const struct record_target *one, struct error *error)
{
	char text[TARGET_TEXT_SIZE], shown[SHOWN_SIZE];

	target_describe(one, text);
	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT, "%s is there twice: say it once",
	                 log_escape(text, shown, sizeof(shown)));
}

/* One of the places, against those before it. */
static int place_check(uint32_t type, const struct record_target *target,
                       const struct record_places *places, uint32_t index, struct error *error)
{
	struct record_target one = place_target(target, places, index);
	int result = target_check(type, &one, error);

	for (uint32_t i = 0; i < index && result == 0; i++) {
		struct record_target earlier = place_target(target, places, i);

		if (target_same(&one, &earlier))
			result = place_twice(&one, error);
	}
	return result;
}

int places_check(uint32_t type, const struct record_target *target,
                 const struct record_places *places, struct error *error)
{
	int result = target_check(type, target, error);

	if (result < 0 || !places->count)
		return result;
	if (!program_type_row(type)->many)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "places is given, which %s programs do not take: they are at one "
		                 "place, and the _multi types at several",
		                 program_type_row(type)->name);
	for (uint32_t i = 1; i <= places->count && result == 0; i++)
		result = place_check(type, target, places, i, error);
	return result;
}

/* Appends to a text as far as there is room. */
__attribute__((format(printf, 2, 3))) static void text_append(char out[TARGET_TEXT_SIZE],
                                                              const char *format, ...)
{
	size_t used = strlen(out);
	va_list list;

	va_start(list, format);
	(void)vsnprintf(out + used, TARGET_TEXT_SIZE - used, format, list);
	va_end(list);
}

/* What tells the place from the others: they are in one file. */
static void place_append(char out[TARGET_TEXT_SIZE], const struct record_place *place, bool file)
{
	if (!file)
		text_append(out, ", %s", place->function);
	else if (place->function[0])
		text_append(out, ", +0x%llx (%s)", (unsigned long long)place->offset,
		            place->function);
	else
		text_append(out, ", +0x%llx", (unsigned long long)place->offset);
}

void places_describe(const struct record_target *target, const struct record_places *places,
                     char out[TARGET_TEXT_SIZE])
{
	uint32_t count = places ? places->count : 0;
	uint32_t shown = count < PLACES_SHOWN ? count : PLACES_SHOWN - 1;

	target_describe(target, out);
	for (uint32_t i = 0; i < shown; i++)
		place_append(out, &places->entries[i], target->path[0]);
	if (shown < count)
		text_append(out, " and %u more", count - shown);
}

/* Is this place of the one among those of the other? */
static bool place_among(const struct record_target *one, const struct record_target *target,
                        const struct record_places *places)
{
	for (uint32_t i = 0; i <= places->count; i++) {
		struct record_target other = place_target(target, places, i);

		if (target_same(one, &other))
			return true;
	}
	return false;
}

bool places_same(const struct record_target *left, const struct record_places *left_places,
                 const struct record_target *right, const struct record_places *right_places)
{
	if (left_places->count != right_places->count)
		return false;
	/* no place is there twice */
	for (uint32_t i = 0; i <= left_places->count; i++) {
		struct record_target one = place_target(left, left_places, i);

		if (!place_among(&one, right, right_places))
			return false;
	}
	return true;
}
