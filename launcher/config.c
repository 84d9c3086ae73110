/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/config.h"

#include "common/cleanup.h"
#include "launcher/config_value.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#define FIELD(field) offsetof(struct config, field)
#define KIB (UINT64_C(1) << 10)
#define TIB (UINT64_C(1) << 40)

/* clang-format off */
static const struct config_key keys[] = {
	{ "users", "broker", &config_kind_name, FIELD(broker_user), 0, 0, "bpfd-broker", 0 },
	{ "users", "frontend", &config_kind_name, FIELD(frontend_user), 0, 0, "bpfd-frontend", 0 },
	{ "users", "loader", &config_kind_name, FIELD(loader_user), 0, 0, "bpfd-loader", 0 },
	{ "users", "group", &config_kind_name, FIELD(group), 0, 0, "bpfd", 0 },
	{ "paths", "state-directory", &config_kind_path, FIELD(state_directory), 0, 0, "/var/lib/bpfd", 0 },
	{ "paths", "runtime-directory", &config_kind_path, FIELD(runtime_directory), 0, 0, "/run/bpfd", 0 },
	{ "paths", "bpffs", &config_kind_path, FIELD(bpffs), 0, 0, "/sys/fs/bpf", 0 },
	{ "paths", "tracefs", &config_kind_path, FIELD(tracefs), 0, 0, "/sys/kernel/tracing", 0 },
	{ "paths", "helpers", &config_kind_path, FIELD(helpers), 0, 0, BPFD_LIBEXECDIR, 0 },
	{ "paths", "declarations", &config_kind_path, FIELD(declarations), 0, 0, "/etc/bpfd/programs.d", 0 },
	{ "socket", "mode", &config_kind_mode, FIELD(socket_mode), 0600, 0666, NULL, 0660 },
	{ "limits", "connections", &config_kind_number, FIELD(connections), 1, 16384, NULL, 1024 },
	{ "limits", "connections-per-uid", &config_kind_number, FIELD(connections_per_uid), 1, 16384, NULL, 512 },
	{ "limits", "send-timeout", &config_kind_duration, FIELD(send_timeout_ms), 10, 600000, NULL, 5000 },
	{ "limits", "load-timeout", &config_kind_duration, FIELD(load_timeout_ms), 1000, 3600000, NULL, 60000 },
	{ "limits", "map-memory", &config_kind_size, FIELD(map_memory_bytes), 64 * KIB, TIB, NULL, KIB * KIB * KIB },
	{ "limits", "programs", &config_kind_number, FIELD(programs), 1, 65536, NULL, 1024 },
	{ "features", "opener", &config_kind_switch, FIELD(opener), 0, 1, NULL, 1 },
	{ "features", "containers", &config_kind_switch, FIELD(containers), 0, 1, NULL, 0 },
	{ "log", "level", &config_kind_level, FIELD(log_level), 0, 0, NULL, LOG_LEVEL_INFO },
};
/* clang-format on */
#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

struct config_reader {
	FILE *file;
	const char *path;
	struct config *config;
	struct error *error;
	int result; /* of the first error */
	unsigned int line;
	unsigned int set_in_line[KEY_COUNT];
};

void config_defaults(struct config *config)
{
	memset(config, 0, sizeof(*config));
	for (size_t i = 0; i < KEY_COUNT; i++) {
		char *field = (char *)config + keys[i].offset;

		if (keys[i].default_text)
			memcpy(field, keys[i].default_text, strlen(keys[i].default_text) + 1);
		else
			*(uint64_t *)(void *)field = keys[i].default_number;
	}
}

/* Notes the first error; always -EINVAL. */
__attribute__((format(printf, 2, 3))) static int complain(struct config_reader *reader,
                                                          const char *format, ...)
{
	char text[ERROR_MESSAGE_MAX - 128];
	va_list arguments;

	if (reader->result)
		return -EINVAL;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	reader->result = error_set(reader->error, -EINVAL, ERROR_INVALID_ARGUMENT, "%s:%u: %s",
	                           reader->path, reader->line, text);
	return reader->result;
}

/* Joins the keys of `section` (or, for NULL, the sections) as "a, b, c". False if there are none.
 */
static bool names_join(const char *section, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < KEY_COUNT; i++) {
		const char *name = section ? keys[i].name : keys[i].section;

		if (section ? strcmp(keys[i].section, section) != 0
		            : i > 0 && strcmp(keys[i - 1].section, name) == 0)
			continue;
		int wrote = snprintf(out + used, size - used, "%s%s", used ? ", " : "", name);

		if (wrote < 0 || (size_t)wrote >= size - used)
			break;
		used += (size_t)wrote;
	}
	return used > 0;
}

/* Sections are checked here, for inih tells nothing of one without keys. */
static void section_check(struct config_reader *reader, const char *line)
{
	char name[64], known[256];

	line += strspn(line, " \t");
	if (sscanf(line, "[%63[^]\n]]", name) == 1 && !names_join(name, known, sizeof(known))) {
		(void)names_join(NULL, known, sizeof(known));
		(void)complain(reader, "unknown section [%s]: allowed are %s", name, known);
	}
}

/* inih's fgets: counts lines, and refuses those that inih would read in pieces. */
static char *line_read(char *text, int size, void *stream)
{
	struct config_reader *reader = stream;

	if (reader->result || !fgets(text, size, reader->file))
		return NULL;
	reader->line++;
	if (!strchr(text, '\n') && !feof(reader->file)) {
		(void)complain(
			reader,
			"the line is too long, or holds a zero byte: at most %d bytes are allowed",
			size - 2);
		return NULL;
	}
	section_check(reader, text);
	return reader->result ? NULL : text;
}

static int key_take(void *user, const char *section, const char *name, const char *value)
{
	struct config_reader *reader = user;
	char known[256];

	if (section[0] == '\0')
		return complain(reader, "\"%s\" stands before the first section", name) == 0;
	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (strcmp(keys[i].section, section) != 0 || strcmp(keys[i].name, name) != 0)
			continue;
		if (reader->set_in_line[i])
			return complain(reader, "\"%s\" is set twice: first in line %u", name,
			                reader->set_in_line[i]) == 0;
		reader->set_in_line[i] = reader->line;
		if (keys[i].kind->parse(&keys[i], value, (char *)reader->config + keys[i].offset) ==
		    0)
			return 1;
		config_key_allowed(&keys[i], known, sizeof(known));
		return complain(reader, "%s = %s: expected %s", name, value, known) == 0;
	}
	(void)names_join(section, known, sizeof(known));
	return complain(reader, "unknown key \"%s\" in [%s]: allowed are %s", name, section,
	                known) == 0;
}

/* Who can write the file can choose whom bpfd trusts. */
static int file_check(FILE *file, const char *path, struct error *error)
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

int config_read(const char *path, bool required, struct config *config, struct error *error)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	struct config read_values = *config;
	struct config_reader reader = {
		.file = file, .path = path, .config = &read_values, .error = error
	};

	if (!file && errno == ENOENT && !required)
		return 0;
	if (!file)
		return error_set(error, -errno, ERROR_INVALID_ARGUMENT,
		                 "cannot open the configuration file %s: %s", path,
		                 strerror(errno));
	int result = file_check(file, path, error);

	if (result < 0)
		return result;
	ini_allow_multiline = false; /* a line that starts with a space is no continuation */
	ini_stop_on_first_error = true;
	int bad_line = ini_parse_stream(line_read, &reader, key_take, &reader);

	if (!reader.result && bad_line > 0) {
		reader.line = (unsigned int)bad_line;
		(void)complain(&reader, "expected \"[section]\" or \"key = value\"");
	}
	if (reader.result)
		return reader.result;
	if (ferror(file))
		return error_set(error, -EIO, ERROR_INTERNAL, "cannot read %s", path);
	*config = read_values;
	return 0;
}

int config_set_helpers(struct config *config, const char *path, struct error *error)
{
	static const struct config_key key = { .name = "--helpers", .kind = &config_kind_path };
	char allowed[128];

	if (config_kind_path.parse(&key, path, config->helpers) == 0)
		return 0;
	config_key_allowed(&key, allowed, sizeof(allowed));
	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT, "--helpers %s: expected %s", path,
	                 allowed);
}
