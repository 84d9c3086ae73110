/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* docs/PROTOCOL.md says what the code does: every table of messages is compared with its channel's
 * list, the tables of targets with the rows of types and fields. */
#include "common/program_type.h"
#include "common/target.h"
#include "proto/channel_fetcher.h"
#include "proto/channel_frontend.h"
#include "proto/channel_gate.h"
#include "proto/channel_launcher.h"
#include "proto/channel_loader.h"
#include "proto/channel_opener.h"
#include "proto/channel_verifier.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE BPFD_SOURCE_DIR "/docs/PROTOCOL.md"
#define COLUMNS 7
#define STATES_MAX 8

struct documented {
	const struct channel_list *list;
	const char *upper;
	const char *lower;
	const char *states[STATES_MAX]; /* by bit */
};

static const struct documented channels[] = {
	{ &channel_launcher, "launcher", "role", { "starting", "running" } },
	{ &channel_frontend, "frontend", "broker", { "starting", "ready" } },
	{ &channel_gate, "broker", "gate", { "warming", "warm", "working", "asking" } },
	{ &channel_loader, "gate", "loader", { "probing", "loading", "warm", "asking" } },
	{ &channel_opener, "broker", "opener", { "ready" } },
	{ &channel_fetcher, "frontend", "fetcher", { "warm", "warming", "working" } },
	{ &channel_verifier, "broker", "verifier", { "warm", "warming", "working" } },
};

#define CHANNEL_COUNT (sizeof(channels) / sizeof(channels[0]))

/* Cuts "| a | b |" into trimmed columns; the number of columns. */
static size_t columns_cut(char *line, char *columns[COLUMNS])
{
	size_t count = 0;
	char *save = NULL;

	for (char *part = strtok_r(line, "|", &save); part && *part != '\n';
	     part = strtok_r(NULL, "|", &save)) {
		size_t length = strlen(part);

		while (length && part[length - 1] == ' ')
			part[--length] = '\0';
		if (count < COLUMNS)
			columns[count] = part + strspn(part, " ");
		count++;
	}
	return count;
}

static void states_print(const struct documented *channel, uint32_t states, char out[128])
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < 32; i++) {
		if (!(states & 1u << i))
			continue;
		assert_true(i < STATES_MAX && channel->states[i]);
		used += (size_t)snprintf(out + used, 128 - used, "%s%s", used ? ", " : "",
		                         channel->states[i]);
		assert_true(used < 128);
	}
}

static void column_check(const struct channel_row *row, const char *what, const char *documented,
                         const char *real)
{
	if (strcmp(documented, real) != 0)
		fail_msg("docs/PROTOCOL.md says of %s: %s \"%s\", but it is \"%s\"", row->name,
		         what, documented, real);
}

static void number_check(const struct channel_row *row, const char *what, const char *documented,
                         uint32_t real)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", real);
	column_check(row, what, documented, text);
}

static void row_check(const struct documented *channel, const struct channel_row *row,
                      char *const columns[COLUMNS])
{
	char states[128];

	number_check(row, "type", columns[0], row->type);
	column_check(row, "name", columns[1], row->name);
	column_check(row, "from", columns[2],
	             row->sender == CHANNEL_UPPER ? channel->upper : channel->lower);
	number_check(row, "bytes", columns[3], row->size);
	number_check(row, "descriptors", columns[4], row->descriptors);
	states_print(channel, row->states, states);
	column_check(row, "states", columns[5], states);
	if (strlen(columns[6]) < 5)
		fail_msg("docs/PROTOCOL.md does not say what %s means", row->name);
}

static const struct documented *channel_find(const char *heading)
{
	for (size_t i = 0; i < CHANNEL_COUNT; i++) {
		size_t length = strlen(channels[i].list->name);

		if (strncmp(heading, channels[i].list->name, length) == 0 &&
		    heading[length] == '\n')
			return &channels[i];
	}
	fail_msg("docs/PROTOCOL.md has a channel that is none: %s", heading);
	return NULL;
}

/* Reads one channel's section up to the next heading or the end; how many rows it has. */
static size_t section_check(FILE *page, const struct documented *channel, char line[1024])
{
	char *columns[COLUMNS] = { NULL };
	size_t rows = 0;

	while (fgets(line, 1024, page) && line[0] != '#') {
		if (line[0] != '|' || line[2] < '0' || line[2] > '9')
			continue;
		if (columns_cut(line, columns) != COLUMNS) {
			fail_msg("docs/PROTOCOL.md: row %zu of %s has not seven columns", rows + 1,
			         channel->list->name);
			return rows;
		}
		if (rows >= channel->list->count)
			fail_msg("docs/PROTOCOL.md: %s has no message \"%s\"", channel->list->name,
			         columns[1]);
		row_check(channel, &channel->list->rows[rows++], columns);
	}
	return rows;
}

static void every_message_is_described(void **state)
{
	static const char heading[] = "### Channel: ";
	size_t seen[CHANNEL_COUNT] = { 0 };
	char line[1024];
	FILE *page = fopen(PAGE, "re");

	(void)state;
	if (!page)
		fail_msg("%s: %s", PAGE, strerror(errno));
	line[0] = '\0';
	while (line[0] == '#' || fgets(line, sizeof(line), page)) {
		if (strncmp(line, heading, sizeof(heading) - 1) != 0) {
			line[0] = '\0';
			continue;
		}

		const struct documented *channel = channel_find(line + sizeof(heading) - 1);

		line[0] = '\0';
		seen[channel - channels] += section_check(page, channel, line);
		if (feof(page))
			break;
	}
	(void)fclose(page);
	for (size_t i = 0; i < CHANNEL_COUNT; i++) {
		if (seen[i] != channels[i].list->count)
			fail_msg("docs/PROTOCOL.md describes %zu of the %zu messages of %s",
			         seen[i], channels[i].list->count, channels[i].list->name);
	}
}

/* What the lists themselves promise: types from 1 on without gaps, sizes that fit a message. */
static void lists_are_well_formed(void **state)
{
	(void)state;
	for (size_t i = 0; i < CHANNEL_COUNT; i++) {
		const struct channel_list *list = channels[i].list;

		for (size_t j = 0; j < list->count; j++) {
			assert_int_equal(list->rows[j].type, j + 1);
			assert_true(list->rows[j].size <=
			            CHANNEL_MESSAGE_MAX - sizeof(struct channel_header));
			assert_true(list->rows[j].descriptors <= CHANNEL_DESCRIPTORS_MAX);
			assert_true(list->rows[j].states != 0);
		}
	}
}

#define ROW_SIZE 512

static size_t row_append(char *row, size_t used, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static size_t row_append(char *row, size_t used, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	used += (size_t)vsnprintf(row + used, ROW_SIZE - used, format, arguments);
	va_end(arguments);
	assert_true(used < ROW_SIZE);
	return used;
}

static size_t sections_append(const struct program_type_row *type, char *row, size_t used)
{
	for (const char *word = type->sections; *word;) {
		size_t length = strcspn(word, " ");

		used = row_append(row, used, "%s`%.*s`", word == type->sections ? "" : ", ",
		                  (int)length, word);
		word += length + (word[length] == ' ');
	}
	return used;
}

/* "**interface**, priority": bold is what must be given. */
static size_t fields_append(const struct program_type_row *type, char *row, size_t used)
{
	size_t start = used;

	for (uint32_t field = 0; field < TARGET_FIELD_END; field++) {
		const char *mark = type->needs & TARGET_BIT(field) ? "**" : "";

		if (type->takes & TARGET_BIT(field))
			used = row_append(row, used, "%s%s%s%s", used > start ? ", " : "", mark,
			                  target_field_row(field)->name, mark);
	}
	return used > start ? used : row_append(row, used, "none");
}

static size_t actions_append(const struct action_table *actions, char *row, size_t used)
{
	if (!actions)
		return row_append(row, used, "-");
	for (size_t i = 0; i < actions->count; i++)
		used = row_append(row, used, "%s%d %s", i ? ", " : "", actions->rows[i].code,
		                  actions->rows[i].name);
	return used;
}

static void type_row_print(uint32_t number, char row[ROW_SIZE])
{
	const struct program_type_row *type = program_type_row(number);
	size_t used = row_append(row, 0, "| `%s` | %u | ", type->name, number);

	used = sections_append(type, row, used);
	used = row_append(row, used, " | %u.%u | %s | ", type->since_major, type->since_minor,
	                  type->loaded_for ? type->loaded_for : "-");
	used = fields_append(type, row, used);
	used = row_append(row, used, " | ");
	used = actions_append(type->actions, row, used);
	(void)row_append(row, used, " |\n");
}

static size_t words_append(const struct target_field_row *field, char *row, size_t used)
{
	for (size_t word = 1; field->words[word]; word++)
		used = row_append(row, used, "%s%zu %s", word > 1 ? ", " : "", word,
		                  field->words[word]);
	return used;
}

static void field_row_print(uint32_t number, char row[ROW_SIZE])
{
	const struct target_field_row *field = target_field_row(number);
	size_t used = row_append(row, 0, "| `%s` | ", field->name);

	switch (field->kind) {
	case TARGET_KIND_TEXT:
		used = row_append(row, used, "%s; at most %u bytes", field->allowed,
		                  field->size - 1);
		break;
	case TARGET_KIND_NUMBER:
		used = row_append(row, used, "%lld to %lld", (long long)field->least,
		                  (long long)field->most);
		break;
	case TARGET_KIND_WORD:
		used = words_append(field, row, used);
		break;
	case TARGET_KIND_FLAG:
		used = row_append(row, used, "true or false");
		break;
	case TARGET_KIND_ACTIONS:
		used = row_append(row, used, "the type's return values, each once");
		break;
	}
	(void)row_append(row, used, " |\n");
}

/* The next row of a table within the section, or "" after the last. */
static void target_row_read(FILE *page, char line[1024])
{
	do {
		if (!fgets(line, 1024, page) || line[0] == '#') {
			line[0] = '\0';
			return;
		}
	} while (strncmp(line, "| `", 3) != 0);
}

static void target_row_check(FILE *page, const char *wanted)
{
	char line[1024];

	target_row_read(page, line);
	if (strcmp(line, wanted) != 0)
		fail_msg("docs/PROTOCOL.md, section Targets: the row should be\n%snot\n%s", wanted,
		         line[0] ? line : "(nothing)\n");
}

/* Which type takes which fields, and what a field may hold: all rows, in the order of the numbers.
 */
static void every_target_is_described(void **state)
{
	char line[1024], row[ROW_SIZE];
	FILE *page = fopen(PAGE, "re");

	(void)state;
	assert_non_null(page);
	do {
		assert_non_null(fgets(line, sizeof(line), page));
	} while (strcmp(line, "### Targets\n") != 0);
	for (uint32_t type = 1; type < PROGRAM_TYPE_END; type++) {
		if (!program_type_row(type))
			continue;
		type_row_print(type, row);
		target_row_check(page, row);
	}
	for (uint32_t field = 0; field < TARGET_FIELD_END; field++) {
		field_row_print(field, row);
		target_row_check(page, row);
	}
	target_row_read(page, line);
	assert_string_equal(line, "");
	(void)fclose(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_target_is_described),
		cmocka_unit_test(every_message_is_described),
		cmocka_unit_test(lists_are_well_formed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
