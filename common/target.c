/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/target.h"

#include "common/channel.h"
#include "common/log.h"
#include "common/program_type.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_SIZE 200 /* of a text, in an error */

static const char *const directions[] = { NULL, "ingress", "egress", NULL };
static const char *const modes[] = { NULL, "native", "generic", NULL };
static const char *const families[] = { NULL, "ipv4", "ipv6", NULL };
static const char *const hooks[] = { NULL,     "prerouting",  "input", "forward",
	                             "output", "postrouting", NULL };

static bool byte_is_graphic(char byte)
{
	return (unsigned char)byte > 0x20 && byte != 0x7f;
}

/* The kernel's own rule (dev_valid_name), and no control characters. */
static bool interface_ok(const char *text)
{
	for (const char *at = text; *at; at++) {
		if (!byte_is_graphic(*at) || *at == '/' || *at == ':')
			return false;
	}
	return strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

static bool path_ok(const char *text)
{
	for (const char *at = text; *at; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return false;
	}
	return text[0] == '/';
}

/* A binary's path, or a library's name alone. */
static bool binary_ok(const char *text)
{
	return path_ok(text) || (interface_ok(text) && text[0] != '.');
}

static bool words_ok(const char *text, const char *extra)
{
	for (const char *at = text; *at; at++) {
		bool word = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
		            (*at >= '0' && *at <= '9') || *at == '_';

		if (!word && !strchr(extra, *at))
			return false;
	}
	return true;
}

static bool function_ok(const char *text)
{
	return words_ok(text, ".$@:*?");
}

/* One part of a path in tracefs. */
static bool event_ok(const char *text)
{
	return words_ok(text, "-.:") && text[0] != '.' && !strstr(text, "..");
}

#define AT(member) \
	offsetof(struct record_target, member), sizeof(((struct record_target *)0)->member)
#define LIMITS_NONE false, 0, 0, NULL, NULL, NULL
#define TEXT(label, member, ok, allowed)                                            \
	{                                                                           \
		label, TARGET_KIND_TEXT, AT(member), false, 0, 0, NULL, ok, allowed \
	}
#define NUMBER(label, member, sign, least, most)                                           \
	{                                                                                  \
		label, TARGET_KIND_NUMBER, AT(member), sign, least, most, NULL, NULL, NULL \
	}
#define WORD(label, member, words)                                                  \
	{                                                                           \
		label, TARGET_KIND_WORD, AT(member), false, 0, 0, words, NULL, NULL \
	}
#define FLAG(label, member)                                      \
	{                                                        \
		label, TARGET_KIND_FLAG, AT(member), LIMITS_NONE \
	}

/* clang-format off */
static const struct target_field_row rows[TARGET_FIELD_END] = {
	[TARGET_INTERFACE] = TEXT("interface", interface, interface_ok,
		"1 to 15 characters without spaces, '/' and ':'"),
	[TARGET_NETNS] = TEXT("netns", netns, path_ok, "the absolute path of a network namespace's file"),
	[TARGET_FOLLOW] = FLAG("follow", follow),
	[TARGET_DIRECTION] = WORD("direction", direction, directions),
	[TARGET_PRIORITY] = NUMBER("priority", priority, true, INT32_MIN + 1, INT32_MAX - 1),
	[TARGET_PROCEED_ON] = { "proceed_on", TARGET_KIND_ACTIONS, AT(proceed_on), LIMITS_NONE },
	[TARGET_MODE] = WORD("mode", mode, modes),
	[TARGET_EXCLUSIVE] = FLAG("exclusive", exclusive),
	[TARGET_GROUP] = TEXT("group", group, event_ok, "letters, digits, '_', '-', '.' and ':'"),
	[TARGET_NAME] = TEXT("name", name, event_ok, "letters, digits, '_', '-', '.' and ':'"),
	[TARGET_PATH] = TEXT("path", path, binary_ok, "an absolute path without control characters"),
	[TARGET_FUNCTION] = TEXT("function", function, function_ok, "a symbol: letters, digits, '_', '.', '$', '@' and ':'"),
	[TARGET_OFFSET] = NUMBER("offset", offset, false, 0, INT64_MAX),
	[TARGET_PID] = NUMBER("pid", pid, false, 1, 4194304),
	[TARGET_CONTAINER_PID] = NUMBER("container_pid", container_pid, false, 1, 4194304),
	[TARGET_CPU] = NUMBER("cpu", cpu, false, 0, 8191),
	[TARGET_FREQUENCY] = NUMBER("frequency", frequency_hz, false, 1, 100000),
	[TARGET_FAMILY] = WORD("family", family, families),
	[TARGET_HOOK] = WORD("hook", hook, hooks),
};
/* clang-format on */

const struct target_field_row *target_field_row(uint32_t field)
{
	return &rows[field];
}

enum target_field target_field_by_name(const char *name)
{
	for (uint32_t field = 0; field < TARGET_FIELD_END; field++) {
		if (strcmp(rows[field].name, name) == 0)
			return (enum target_field)field;
	}
	return TARGET_FIELD_END;
}

int64_t target_number(const struct record_target *target, enum target_field field)
{
	const char *at = (const char *)target + rows[field].offset;
	uint64_t wide;
	uint32_t narrow;

	if (rows[field].size == sizeof(wide)) {
		memcpy(&wide, at, sizeof(wide));
		return wide > INT64_MAX ? -1 : (int64_t)wide;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return rows[field].is_signed ? (int64_t)(int32_t)narrow : (int64_t)narrow;
}

void target_number_set(struct record_target *target, enum target_field field, int64_t number)
{
	char *at = (char *)target + rows[field].offset;
	uint32_t narrow = (uint32_t)number;

	if (rows[field].size == sizeof(number))
		memcpy(at, &number, sizeof(number));
	else
		memcpy(at, &narrow, sizeof(narrow));
}

const char *target_text(const struct record_target *target, enum target_field field)
{
	return (const char *)target + rows[field].offset;
}

bool target_has(const struct record_target *target, enum target_field field)
{
	if (rows[field].kind == TARGET_KIND_TEXT)
		return target_text(target, field)[0] != '\0';
	return target->given & TARGET_BIT(field) || target_number(target, field) != 0;
}

static int64_t words_count(enum target_field field)
{
	int64_t count = 1;

	while (rows[field].words[count])
		count++;
	return count;
}

bool target_well_formed(const struct record_target *target)
{
	if (target->reserved[0] || target->reserved[1] || target->given >> TARGET_FIELD_END)
		return false;
	for (uint32_t field = 0; field < TARGET_FIELD_END; field++) {
		if (rows[field].kind == TARGET_KIND_TEXT &&
		    !channel_text_ok(target_text(target, field), rows[field].size))
			return false;
		if (rows[field].kind == TARGET_KIND_FLAG && target_number(target, field) > 1)
			return false;
		if (rows[field].kind == TARGET_KIND_WORD &&
		    target_number(target, field) >= words_count(field))
			return false;
	}
	return true;
}

/* "interface, priority and mode" */
static const char *fields_list(uint32_t fields, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (uint32_t field = 0; field < TARGET_FIELD_END && used < size; field++) {
		if (!(fields & TARGET_BIT(field)))
			continue;
		fields &= ~TARGET_BIT(field);
		used += (size_t)snprintf(out + used, size - used, "%s%s", rows[field].name,
		                         fields & (fields - 1) ? ", "
		                         : fields              ? " and "
		                                               : "");
	}
	return out[0] ? out : "nothing";
}

static int field_foreign(const struct program_type_row *type, enum target_field field,
                         struct error *error)
{
	char list[256];

	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
	                 "%s is given, which %s programs do not take: they take %s",
	                 rows[field].name, type->name,
	                 fields_list(type->takes, list, sizeof(list)));
}

static int field_missing(const struct program_type_row *type, enum target_field field,
                         struct error *error)
{
	char list[256];

	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
	                 "%s is missing: %s programs need %s", rows[field].name, type->name,
	                 fields_list(type->needs, list, sizeof(list)));
}

static int text_check(const struct record_target *target, enum target_field field,
                      struct error *error)
{
	const char *text = target_text(target, field);
	char shown[SHOWN_SIZE];

	if (rows[field].text_ok(text))
		return 0;
	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT, "%s \"%s\" is not %s",
	                 rows[field].name, log_escape(text, shown, sizeof(shown)),
	                 rows[field].allowed);
}

static int number_check(const struct program_type_row *type, const struct record_target *target,
                        enum target_field field, struct error *error)
{
	int64_t number = target_number(target, field);
	int64_t least = rows[field].least, most = rows[field].most;

	if (field == TARGET_PRIORITY && type->takes & TARGET_BIT(TARGET_INTERFACE)) {
		least = 0; /* as libxdp has it */
		most = PRIORITY_MAX;
	}
	if (number >= least && number <= most)
		return 0;
	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
	                 "%s %lld is out of range: it goes from %lld to %lld", rows[field].name,
	                 (long long)number, (long long)least, (long long)most);
}

static int word_check(const struct record_target *target, enum target_field field,
                      struct error *error)
{
	int64_t number = target_number(target, field), count = words_count(field);
	char list[128];
	size_t used = 0;

	if (number < count)
		return 0;
	list[0] = '\0';
	for (int64_t word = 1; word < count; word++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
		                         word > 1 ? ", " : "", rows[field].words[word]);
	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
	                 "%s %lld is unknown: it is one of %s", rows[field].name, (long long)number,
	                 list);
}

static int actions_check(const struct program_type_row *type, const struct record_target *target,
                         struct error *error)
{
	if (!(target->proceed_on & ~actions_mask(type->actions)))
		return 0;
	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
	                 "proceed_on 0x%x has return values that %s programs do not know",
	                 target->proceed_on, type->name);
}

static int field_check(const struct program_type_row *type, const struct record_target *target,
                       enum target_field field, struct error *error)
{
	if (!target_has(target, field))
		return type->needs & TARGET_BIT(field) ? field_missing(type, field, error) : 0;
	if (!(type->takes & TARGET_BIT(field)))
		return field_foreign(type, field, error);
	switch (rows[field].kind) {
	case TARGET_KIND_TEXT:
		return text_check(target, field, error);
	case TARGET_KIND_NUMBER:
		return number_check(type, target, field, error);
	case TARGET_KIND_WORD:
		return word_check(target, field, error);
	case TARGET_KIND_ACTIONS:
		return actions_check(type, target, error);
	default:
		return 0;
	}
}

int target_check(uint32_t type, const struct record_target *target, struct error *error)
{
	const struct program_type_row *row = program_type_row(type);
	int result = row ? 0 : -EINVAL;

	if (!row)
		return error_set(error, result, ERROR_INVALID_ARGUMENT,
		                 "program type %u is unknown", type);
	for (uint32_t field = 0; field < TARGET_FIELD_END && result == 0; field++)
		result = field_check(row, target, (enum target_field)field, error);
	if (result == 0 && target->exclusive &&
	    target->given & (TARGET_BIT(TARGET_PRIORITY) | TARGET_BIT(TARGET_PROCEED_ON)))
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "exclusive is given together with %s: a program that is attached "
		                 "alone has no place in an order",
		                 target->given & TARGET_BIT(TARGET_PRIORITY) ? "priority"
		                                                             : "proceed_on");
	return result;
}

/* The word for what the field says, or nothing. */
static const char *word_text(const struct record_target *target, enum target_field field)
{
	int64_t number = target_number(target, field);

	return number > 0 && number < words_count(field) ? rows[field].words[number] : "";
}

static void place_describe(const struct record_target *target, char *out, size_t size)
{
	if (target->interface[0])
		(void)snprintf(out, size, "%s%s%s", target->interface, target->direction ? " " : "",
		               word_text(target, TARGET_DIRECTION));
	else if (target->group[0])
		(void)snprintf(out, size, "%s/%s", target->group, target->name);
	else if (target->name[0])
		(void)snprintf(out, size, "%s", target->name);
	else if (target->path[0])
		(void)snprintf(out, size, "%s", target->path);
	else if (target->function[0])
		(void)snprintf(out, size, "%s", target->function);
	else if (target->family)
		(void)snprintf(out, size, "%s%s%s", word_text(target, TARGET_FAMILY),
		               target->hook ? " " : "", word_text(target, TARGET_HOOK));
	else
		(void)snprintf(out, size, "%s", target->netns);
}

void target_describe(const struct record_target *target, char out[TARGET_TEXT_SIZE])
{
	size_t used;

	place_describe(target, out, TARGET_TEXT_SIZE);
	used = strlen(out);
	if (target->offset)
		(void)snprintf(out + used, TARGET_TEXT_SIZE - used, "+0x%llx",
		               (unsigned long long)target->offset);
	used = strlen(out);
	if (target->path[0] && target->function[0]) /* the client's word for it */
		(void)snprintf(out + used, TARGET_TEXT_SIZE - used, " (%s)", target->function);
}

/* What is left says the place. */
static struct record_target place_of(const struct record_target *target)
{
	struct record_target place = *target;

	place.priority = 0;
	place.proceed_on = 0;
	place.mode = 0;
	place.follow = 0;
	place.exclusive = 0;
	place.given &= TARGET_BIT(TARGET_CPU); /* the first processor is not all of them */
	if (place.path[0])
		memset(place.function, 0, sizeof(place.function)); /* a description */
	if (place.ifindex)
		memset(place.interface, 0, sizeof(place.interface));
	if (place.ifindex || place.netns_id)
		memset(place.netns, 0, sizeof(place.netns));
	return place;
}

bool target_same(const struct record_target *left, const struct record_target *right)
{
	struct record_target one = place_of(left), other = place_of(right);

	return memcmp(&one, &other, sizeof(one)) == 0;
}
