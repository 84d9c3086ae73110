/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/config_value.h"

#include "launcher/config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit no_units[] = { { "", 1 }, { NULL, 0 } };
static const struct unit duration_units[] = {
	{ "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { NULL, 0 }
};
static const struct unit size_units[] = {
	{ "", 1 }, { "K", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 }, { NULL, 0 }
};

/* Digits and one of the units, nothing else: no sign, no space. */
static int number_parse(const char *value, int base, const struct unit *units, uint64_t *out)
{
	char *end;

	if (!isdigit((unsigned char)value[0]))
		return -EINVAL;
	errno = 0;
	unsigned long long number = strtoull(value, &end, base);

	if (errno)
		return -EINVAL;
	for (; units->name; units++) {
		uint64_t result;

		if (strcmp(end, units->name) != 0)
			continue;
		if (__builtin_mul_overflow(number, units->factor, &result))
			return -EINVAL;
		*out = result;
		return 0;
	}
	return -EINVAL;
}

static int bounded_parse(const struct config_key *key, const char *value, int base,
                         const struct unit *units, uint64_t *field)
{
	uint64_t number;

	if (number_parse(value, base, units, &number) < 0 || number < key->least ||
	    number > key->most)
		return -EINVAL;
	*field = number;
	return 0;
}

static int number_value(const struct config_key *key, const char *value, void *field)
{
	return bounded_parse(key, value, 10, no_units, field);
}

static int duration_value(const struct config_key *key, const char *value, void *field)
{
	return bounded_parse(key, value, 10, duration_units, field);
}

static int size_value(const struct config_key *key, const char *value, void *field)
{
	return bounded_parse(key, value, 10, size_units, field);
}

/* Bits, not a range: everything in `least` and nothing beyond `most`. */
static int mode_value(const struct config_key *key, const char *value, void *field)
{
	uint64_t mode;

	if (number_parse(value, 8, no_units, &mode) < 0 || (mode & key->least) != key->least ||
	    (mode & ~key->most))
		return -EINVAL;
	*(uint64_t *)field = mode;
	return 0;
}

static int switch_value(const struct config_key *key, const char *value, void *field)
{
	(void)key;
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return -EINVAL;
	*(uint64_t *)field = strcmp(value, "yes") == 0;
	return 0;
}

static int level_value(const struct config_key *key, const char *value, void *field)
{
	static const struct unit levels[] = {
		{ "error", LOG_LEVEL_ERROR },
		{ "warning", LOG_LEVEL_WARNING },
		{ "info", LOG_LEVEL_INFO },
		{ "debug", LOG_LEVEL_DEBUG },
	};

	(void)key;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(value, levels[i].name) != 0)
			continue;
		*(uint64_t *)field = levels[i].factor;
		return 0;
	}
	return -EINVAL;
}

static int name_value(const struct config_key *key, const char *value, void *field)
{
	size_t length = strlen(value);

	(void)key;
	if (length == 0 || length >= CONFIG_NAME_SIZE || value[0] == '-')
		return -EINVAL;
	for (size_t i = 0; i < length; i++) {
		if (!isalnum((unsigned char)value[i]) && !strchr("_.-$", value[i]))
			return -EINVAL;
	}
	memset(field, 0, CONFIG_NAME_SIZE);
	memcpy(field, value, length);
	return 0;
}

/* True if one of the path's components is empty, "." or "..". */
static int path_is_crooked(const char *path)
{
	while (*path == '/') {
		size_t length = strcspn(++path, "/");

		if (length == 0 || (length <= 2 && strncmp(path, "..", length) == 0))
			return 1;
		path += length;
	}
	return 0;
}

static int path_value(const struct config_key *key, const char *value, void *field)
{
	size_t length = strlen(value);

	(void)key;
	if (value[0] != '/' || length >= CONFIG_PATH_SIZE || path_is_crooked(value))
		return -EINVAL;
	memset(field, 0, CONFIG_PATH_SIZE);
	memcpy(field, value, length);
	return 0;
}

static int path_or_none_value(const struct config_key *key, const char *value, void *field)
{
	if (value[0])
		return path_value(key, value, field);
	memset(field, 0, CONFIG_PATH_SIZE);
	return 0;
}

/* host, host:port, [address] or [address]:port, as a reference in its normal form has it. */
static bool host_ok(const char *word, size_t length)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-:[]";

	return length > 0 && length < CONFIG_HOST_SIZE && strspn(word, allowed) >= length &&
	       word[0] != ':' && word[0] != '-' && word[length - 1] != ':';
}

static int hosts_value(const struct config_key *key, const char *value, void *field)
{
	char hosts[CONFIG_HOSTS_MAX][CONFIG_HOST_SIZE] = {};
	size_t count = 0;

	(void)key;
	for (value += strspn(value, " \t"); *value; value += strspn(value, " \t")) {
		size_t length = strcspn(value, " \t");

		if (count == CONFIG_HOSTS_MAX || !host_ok(value, length))
			return -EINVAL;
		memcpy(hosts[count++], value, length);
		value += length;
	}
	memcpy(field, hosts, sizeof(hosts));
	return 0;
}

static void number_print(uint64_t number, char *out, size_t size)
{
	(void)snprintf(out, size, "%" PRIu64, number);
}

static void mode_print(uint64_t number, char *out, size_t size)
{
	(void)snprintf(out, size, "%04" PRIo64, number);
}

/* With the largest unit that leaves a whole number. */
static void unit_print(uint64_t number, const struct unit *units, char *out, size_t size)
{
	const struct unit *best = units;

	for (; units->name; units++) {
		if (number % units->factor == 0)
			best = units;
	}
	(void)snprintf(out, size, "%" PRIu64 "%s", number / best->factor, best->name);
}

static void duration_print(uint64_t number, char *out, size_t size)
{
	unit_print(number, duration_units, out, size);
}

static void size_print(uint64_t number, char *out, size_t size)
{
	unit_print(number, size_units, out, size);
}

/* clang-format off */
const struct config_kind config_kind_name = { name_value, "a name or a number", NULL };
const struct config_kind config_kind_path = {
	path_value, "an absolute path of at most 95 bytes, without \"..\" and without a slash at the end", NULL };
const struct config_kind config_kind_path_or_none = {
	path_or_none_value, "nothing, or an absolute path of at most 95 bytes, without \"..\" and without a slash at the end", NULL };
const struct config_kind config_kind_hosts = {
	hosts_value, "at most 16 registries with blanks between, each host or host:port in lower case", NULL };
const struct config_kind config_kind_mode = {
	mode_value, "an octal mode that holds %s and nothing beyond %s", mode_print };
const struct config_kind config_kind_number = { number_value, "a number from %s to %s", number_print };
const struct config_kind config_kind_duration = {
	duration_value, "a time from %s to %s, with the unit ms, s or min", duration_print };
const struct config_kind config_kind_size = {
	size_value, "a size from %s to %s: bytes, or with the unit K, M or G", size_print };
const struct config_kind config_kind_switch = { switch_value, "yes or no", NULL };
const struct config_kind config_kind_level = { level_value, "error, warning, info or debug", NULL };
/* clang-format on */

/* Copies `format` with its "%s" replaced by the texts, in order. */
void config_key_allowed(const struct config_key *key, char *out, size_t size)
{
	uint64_t numbers[] = { key->least, key->most };
	size_t next = 0, used = 0;

	for (const char *at = key->kind->allowed; *at && used + 1 < size; at++) {
		char number[32];

		if (at[0] != '%' || !key->kind->print || next == 2) {
			out[used++] = *at;
			continue;
		}
		key->kind->print(numbers[next++], number, sizeof(number));
		for (const char *digit = number; *digit && used + 1 < size; digit++)
			out[used++] = *digit;
		at++; /* the s */
	}
	out[used] = '\0';
}
