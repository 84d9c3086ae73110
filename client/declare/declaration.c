/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "declare/declaration.h"

#include "bpfctl/options.h"
#include "common/cleanup.h"
#include "declare/text.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* One file while it is read. */
struct reader {
	FILE *stream;
	const char *path;
	struct declaration *declaration;
	struct declared_link *link; /* the [attach] that is read; NULL: [load], or nothing yet */
	struct declaration_error *error;
	unsigned int line;
	int result; /* of the first error */
};

__attribute__((format(printf, 3, 4))) static int
complain_at(struct reader *reader, unsigned int line, const char *format, ...)
{
	char text[sizeof(((struct arguments *)0)->complaint)];
	va_list arguments;

	if (reader->result)
		return reader->result;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (line)
		(void)snprintf(reader->error->message, sizeof(reader->error->message),
		               "%.400s:%u: %s", reader->path, line, text);
	else /* an empty file */
		(void)snprintf(reader->error->message, sizeof(reader->error->message), "%.400s: %s",
		               reader->path, text);
	reader->result = -EINVAL;
	return reader->result;
}

#define complain_here(reader, ...) complain_at(reader, (reader)->line, __VA_ARGS__)

static int memory_complain(struct reader *reader)
{
	(void)complain_here(reader, "out of memory");
	reader->result = -ENOMEM;
	return reader->result;
}

static void link_begin(struct reader *reader)
{
	struct declaration *declaration = reader->declaration;
	/* an array of pointers */
	struct declared_link **links =
		reallocarray(declaration->links, declaration->link_count + 1, sizeof(void *));
	struct declared_link *link = calloc(1, sizeof(*link));

	if (links)
		declaration->links = links;
	if (!links || !link) {
		free(link);
		(void)memory_complain(reader);
		return;
	}
	link->line = reader->line;
	links[declaration->link_count++] = link;
	reader->link = link;
}

/* Sections are seen here: inih does not tell one [attach] from the next. */
static void section_begin(struct reader *reader, const char *line)
{
	char name[64];

	line += strspn(line, " \t");
	if (sscanf(line, "[%63[^]\n]]", name) != 1)
		return;
	if (strcmp(name, "load") == 0) {
		if (reader->declaration->line)
			(void)complain_here(reader,
			                    "a second [load]: the first is in line %u; declare "
			                    "another object in a file of its own",
			                    reader->declaration->line);
		reader->declaration->line = reader->line;
	} else if (strcmp(name, "attach") != 0) {
		(void)complain_here(reader, "unknown section [%s]: allowed are load, attach", name);
	} else if (!reader->declaration->line) {
		(void)complain_here(reader, "[attach] stands before [load]");
	} else {
		link_begin(reader);
	}
}

/* inih's fgets: counts lines, and refuses those that inih would read in pieces. */
static char *line_read(char *text, int size, void *stream)
{
	struct reader *reader = stream;

	if (reader->result || !fgets(text, size, reader->stream))
		return NULL;
	reader->line++;
	if (!strchr(text, '\n') && !feof(reader->stream)) {
		(void)complain_here(
			reader,
			"the line is too long, or holds a zero byte: at most %d bytes are allowed",
			size - 2);
		return NULL;
	}
	section_begin(reader, text);
	return reader->result ? NULL : text;
}

static const struct option_row *row_find(const struct option_row *rows, const char *name,
                                         enum bpfd_program_type type)
{
	for (; rows->name; rows++) {
		if (strcmp(rows->name, name) == 0 && option_fits(rows, type))
			return rows;
	}
	return NULL;
}

/* "program, global, ..." */
static void names_join(const struct option_row *rows, enum bpfd_program_type type, char *out,
                       size_t size)
{
	size_t used = strlen(out);

	for (; rows->name && used < size; rows++) {
		if (option_fits(rows, type))
			used += (size_t)snprintf(out + used, size - used, ", %s", rows->name);
	}
}

/* A key without a value in the command line is "yes" or "no" here. */
static int flag_take(struct reader *reader, const struct option_row *row,
                     struct arguments *arguments, const char *value)
{
	if (strcmp(value, "no") == 0)
		return 0;
	if (strcmp(value, "yes") != 0)
		return complain_here(reader, "%s = %s: expected yes or no", row->name, value);
	arguments->fields |= row->fields;
	(void)row->take(arguments, NULL);
	return 0;
}

static _Bool repeats(const struct option_row *row)
{
	return strcmp(row->name, "program") == 0 || strcmp(row->name, "global") == 0 ||
	       strcmp(row->name, "metadata") == 0;
}

static int option_set(struct reader *reader, const struct option_row *row,
                      struct arguments *arguments, char **lines, const char *value)
{
	char *copy = text_keep(&reader->declaration->texts, value);

	if (!copy)
		return memory_complain(reader);
	if (!repeats(row) && lines_have(*lines, row->name))
		return complain_here(reader, "\"%s\" is set twice", row->name);
	if (lines_add(lines, row->name, value) < 0)
		return memory_complain(reader);
	if (!row->value)
		return flag_take(reader, row, arguments, value);
	arguments->fields |= row->fields;
	if (!row->take(arguments, copy))
		return complain_here(reader, "%s", arguments->complaint);
	return 0;
}

/* FILE:FUNCTION, of a file that is read earlier. */
static int owner_key_take(struct reader *reader, const char *value)
{
	struct declaration *declaration = reader->declaration;
	char *file = text_keep(&declaration->texts, value);
	char *function = file ? strchr(file, ':') : NULL;

	if (declaration->owner_file)
		return complain_here(reader, "\"map-owner\" is set twice");
	if (!file || lines_add(&declaration->lines, "map-owner", value) < 0)
		return memory_complain(reader);
	if (!function || function == file || !function[1])
		return complain_here(reader,
		                     "map-owner = %s: expected FILE:FUNCTION, a program that "
		                     "another file declares",
		                     value);
	*function++ = '\0';
	declaration->owner_file = file;
	declaration->owner_function = function;
	declaration->owner_line = reader->line;
	return 0;
}

static int load_key_take(struct reader *reader, const char *name, const char *value)
{
	struct declaration *declaration = reader->declaration;
	const struct option_row *row = row_find(load_options, name, BPFD_PROGRAM_NONE);
	char known[512] = "object";

	if (strcmp(name, "map-owner") == 0) /* which has no id before it is loaded */
		return owner_key_take(reader, value);
	if (row)
		return option_set(reader, row, &declaration->load, &declaration->lines, value);
	if (strcmp(name, "object") != 0) {
		names_join(load_options, BPFD_PROGRAM_NONE, known, sizeof(known));
		return complain_here(reader, "unknown key \"%s\" in [load]: allowed are %s", name,
		                     known);
	}
	if (declaration->object_path)
		return complain_here(reader, "\"object\" is set twice");
	if (value[0] != '/')
		return complain_here(reader, "object = %s: expected an absolute path", value);
	declaration->object_path = text_keep(&declaration->texts, value);
	return declaration->object_path ? 0 : memory_complain(reader);
}

/* Which program the [attach] is about decides which keys there are. */
static int program_key_take(struct reader *reader, const char *value)
{
	const struct arguments *load = &reader->declaration->load;
	struct declared_link *link = reader->link;

	if (link->function)
		return complain_here(reader, "\"program\" is set twice");
	for (size_t i = 0; i < load->program_count; i++) {
		const struct bpfd_load_program *program = &load->programs[i];

		if (strcmp(program->function, value) != 0)
			continue;
		if (program->type == BPFD_PROGRAM_NONE)
			return complain_here(reader,
			                     "the type of \"%s\" decides which keys there are: "
			                     "name it in [load], as program = TYPE:%s",
			                     value, value);
		link->function = program->function;
		link->arguments.type = program->type;
		return 0;
	}
	return complain_here(reader, "program = %s: [load] names no such program", value);
}

static int attach_key_take(struct reader *reader, const char *name, const char *value)
{
	struct declared_link *link = reader->link;
	const struct option_row *row;
	char known[512] = "program";

	if (strcmp(name, "program") == 0)
		return program_key_take(reader, value);
	if (!link->function)
		return complain_here(reader, "\"program\" must be the first key in [attach]");
	row = row_find(attach_options, name, link->arguments.type);
	if (row)
		return option_set(reader, row, &link->arguments, &link->lines, value);
	names_join(attach_options, link->arguments.type, known, sizeof(known));
	return complain_here(reader, "unknown key \"%s\" for %s programs: allowed are %s", name,
	                     bpfd_program_type_name(link->arguments.type), known);
}

static int key_take(void *user, const char *section, const char *name, const char *value)
{
	struct reader *reader = user;
	int result;

	if (section[0] == '\0')
		result = complain_here(reader, "\"%s\" stands before the first section", name);
	else if (reader->link)
		result = attach_key_take(reader, name, value);
	else
		result = load_key_take(reader, name, value);
	return result == 0;
}

static int metadata_check(struct reader *reader, unsigned int line,
                          const struct arguments *arguments)
{
	for (size_t i = 0; i < arguments->metadata_count; i++) {
		if (strcmp(arguments->metadata[i].key, DECLARATION_KEY) == 0)
			return complain_at(reader, line,
			                   "metadata \"" DECLARATION_KEY "\" is bpfd's own");
	}
	if (arguments->metadata_count == METADATA_MAX)
		return complain_at(reader, line,
		                   "%d metadata are one too many: bpfd adds one of its own",
		                   METADATA_MAX);
	return 0;
}

static int link_check(struct reader *reader, size_t index)
{
	struct declared_link *link = reader->declaration->links[index];

	if (!link->function)
		return complain_at(reader, link->line, "this [attach] names no program");
	if (!attach_check(&link->arguments))
		return complain_at(reader, link->line, "%s", link->arguments.complaint);
	for (size_t i = 0; i < index; i++) {
		const struct declared_link *other = reader->declaration->links[i];

		if (strcmp(other->place, link->place) == 0)
			return complain_at(reader, link->line,
			                   "\"%s\" is attached there already, by the [attach] in "
			                   "line %u",
			                   link->function, other->line);
	}
	return metadata_check(reader, link->line, &link->arguments);
}

static int declaration_check(struct reader *reader)
{
	struct declaration *declaration = reader->declaration;

	if (!declaration->line)
		return complain_here(reader, "there is no [load] section: say what to load");
	if (!declaration->object_path)
		return complain_at(reader, declaration->line, "\"object\" is missing in [load]");
	if (!load_check(&declaration->load))
		return complain_at(reader, declaration->line, "%s", declaration->load.complaint);
	declaration_mark(declaration);
	for (size_t i = 0; i < declaration->link_count && !reader->result; i++)
		(void)link_check(reader, i);
	if (!reader->result)
		(void)metadata_check(reader, declaration->line, &declaration->load);
	return reader->result;
}

int declaration_parse(FILE *stream, const char *path, const char *file, struct declaration **out,
                      struct declaration_error *error)
{
	struct declaration *declaration = calloc(1, sizeof(*declaration));
	struct reader reader = {
		.stream = stream, .path = path, .declaration = declaration, .error = error
	};

	if (!declaration)
		return memory_complain(&reader);
	(void)snprintf(declaration->file, sizeof(declaration->file), "%s", file);
	ini_allow_multiline = false;
	ini_stop_on_first_error = true;

	int bad_line = ini_parse_stream(line_read, &reader, key_take, &reader);

	if (!reader.result && bad_line > 0)
		(void)complain_at(&reader, (unsigned int)bad_line,
		                  "expected \"[section]\" or \"key = value\"");
	if (!reader.result)
		(void)declaration_check(&reader);
	if (reader.result) {
		declaration_free(declaration);
		return reader.result;
	}
	*out = declaration;
	return 0;
}

void declaration_free(struct declaration *declaration)
{
	if (!declaration)
		return;
	for (size_t i = 0; i < declaration->link_count; i++) {
		free(declaration->links[i]->lines);
		free(declaration->links[i]);
	}
	free(declaration->links);
	free(declaration->lines);
	free(declaration->object);
	bpfd_programs_free(declaration->loaded);
	texts_free(declaration->texts);
	free(declaration);
}
