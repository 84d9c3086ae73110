/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/ini_file.h"

#include "common/cleanup.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#define SECTION_SIZE 320

static int owner_check(FILE *file, const char *path, struct error *error)
{
	struct stat status;

	if (fstat(fileno(file), &status) < 0)
		return error_set(error, -errno, ERROR_INTERNAL, "cannot examine %s: %s", path,
		                 strerror(errno));
	if (!S_ISREG(status.st_mode))
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT, "%s is not a regular file",
		                 path);
	if (status.st_uid != 0)
		return error_set(error, -EPERM, ERROR_PERMISSION_DENIED,
		                 "%s belongs to uid %u: it must be root's; run \"chown root %s\"",
		                 path, status.st_uid, path);
	if (status.st_mode & (S_IWGRP | S_IWOTH))
		return error_set(error, -EPERM, ERROR_PERMISSION_DENIED,
		                 "%s is writable by others (mode %04o): run \"chmod go-w %s\"",
		                 path, status.st_mode & 07777u, path);
	return 0;
}

int owned_file_open(const char *path, const char *what, FILE **file, struct error *error)
{
	_cleanup_fclose_ FILE *opened = fopen(path, "re");
	int result;

	if (!opened)
		return error_set(error, -errno, ERROR_INVALID_ARGUMENT, "cannot open the %s %s: %s",
		                 what, path, strerror(errno));
	result = owner_check(opened, path, error);
	if (result < 0)
		return result;
	*file = steal_ptr(&opened);
	return 0;
}

bool ini_complain(struct ini_file *ini, const char *format, ...)
{
	char text[ERROR_MESSAGE_MAX - 128];
	va_list arguments;

	if (ini->result)
		return false;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	ini->result = error_set(ini->error, -EINVAL, ERROR_INVALID_ARGUMENT, "%s:%u: %s", ini->path,
	                        ini->line, text);
	return false;
}

/* inih tells nothing of a section without keys, and cuts the names of long ones. */
static void section_tell(struct ini_file *ini, const char *line)
{
	char name[SECTION_SIZE];
	size_t length;

	line += strspn(line, " \t");
	if (line[0] != '[')
		return;
	length = strcspn(++line, "]\n");
	if (line[length] != ']')
		return; /* inih says so */
	if (length >= sizeof(name)) {
		(void)ini_complain(ini, "the section's name is longer than %zu bytes",
		                   sizeof(name) - 1);
		return;
	}
	memcpy(name, line, length);
	name[length] = '\0';
	(void)ini->section(ini, name);
}

/* inih's fgets: counts lines, and refuses those that inih would read in pieces. */
static char *line_read(char *text, int size, void *stream)
{
	struct ini_file *ini = stream;

	if (ini->result || !fgets(text, size, ini->file))
		return NULL;
	ini->line++;
	if (!strchr(text, '\n') && !feof(ini->file)) {
		(void)ini_complain(
			ini,
			"the line is too long, or holds a zero byte: at most %d bytes are allowed",
			size - 2);
		return NULL;
	}
	ini->continued = ini->continues && (text[0] == ' ' || text[0] == '\t');
	if (!ini->continued)
		section_tell(ini, text);
	return ini->result ? NULL : text;
}

static int key_tell(void *user, const char *section, const char *name, const char *value)
{
	struct ini_file *ini = user;

	if (section[0] == '\0')
		return ini_complain(ini, "\"%s\" stands before the first section", name);
	return ini->key(ini, section, name, value);
}

int ini_file_read(struct ini_file *ini, FILE *file, const char *path, struct error *error)
{
	int bad_line;

	ini->file = file;
	ini->path = path;
	ini->error = error;
	ini->line = 0;
	ini->result = 0;
	ini_allow_multiline = ini->continues;
	ini_stop_on_first_error = true;
	bad_line = ini_parse_stream(line_read, ini, key_tell, ini);
	if (!ini->result && bad_line > 0) {
		ini->line = (unsigned int)bad_line;
		(void)ini_complain(ini, "expected \"[section]\" or \"key = value\"");
	}
	if (!ini->result && ferror(file))
		ini->result = error_set(error, -EIO, ERROR_INTERNAL, "cannot read %s", path);
	return ini->result;
}
