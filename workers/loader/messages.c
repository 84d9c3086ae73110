/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What libbpf and libxdp print when something fails is what the user has to know: it is kept,
 * bounded, as one line. */
#include "workers/loader/libxdp.h"
#include "workers/loader/loader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char text[400];
static size_t text_used;

/* Lines that say nothing to a user, or that there will be more to say. */
static const char *const noise[] = {
	"failed to load object", "Retrying without BTF",
	"BEGIN PROG LOAD LOG",   "BEGIN BTF LOAD LOG",
	"Error loading BTF",     "BTF is optional",
	"failed to load: ",      "permission error while running",
};

static bool line_is_noise(const char *line)
{
	for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++) {
		if (strstr(line, noise[i]))
			return true;
	}
	return false;
}

static const char *line_start(const char *line)
{
	static const char prefix[] = "libbpf: ";

	return strncmp(line, prefix, strlen(prefix)) == 0 ? line + strlen(prefix) : line;
}

static void line_keep(const char *line)
{
	int length;

	if (text_used + 3 >= sizeof(text))
		return;
	length = snprintf(text + text_used, sizeof(text) - text_used, "%s%s", text_used ? "; " : "",
	                  line);
	if (length < 0)
		return;
	text_used += (size_t)length;
	if (text_used >= sizeof(text))
		text_used = sizeof(text) - 1;
}

static void line_format(const char *format, va_list arguments)
	__attribute__((format(printf, 1, 0)));
static void line_format(const char *format, va_list arguments)
{
	char line[512];

	if (vsnprintf(line, sizeof(line), format, arguments) < 0)
		return;
	line[strcspn(line, "\n")] = '\0';
	if (line[0] && !line_is_noise(line))
		line_keep(line_start(line));
}

static int libbpf_message(enum libbpf_print_level level, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
static int libbpf_message(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_WARN)
		line_format(format, arguments);
	return 0;
}

static int libxdp_message(enum libxdp_print_level level, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
static int libxdp_message(enum libxdp_print_level level, const char *format, va_list arguments)
{
	if (level == LIBXDP_WARN)
		line_format(format, arguments);
	return 0;
}

void messages_open(void)
{
	(void)libbpf_set_print(libbpf_message);
	(void)libxdp_set_print(libxdp_message);
}

void messages_clear(void)
{
	text_used = 0;
	text[0] = '\0';
}

const char *messages_text(void)
{
	return text_used ? text : "the object is damaged";
}
