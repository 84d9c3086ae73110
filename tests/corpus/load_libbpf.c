/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What libbpf itself says of each program of an object on this kernel, with all capabilities, for
 * tests/integration/test_corpus.py. A line each: `FUNCTION<tab>SECTION<tab>RESULT<tab>REASON`,
 * where RESULT is 0 or an errno and REASON libbpf's last warning; `-` for FUNCTION when the object
 * cannot be opened.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char reason[400];

/* Keeps the first line of what libbpf warns of last, but for the words that it always ends with. */
__attribute__((format(printf, 2, 0))) static int warning_keep(enum libbpf_print_level level,
                                                              const char *format, va_list arguments)
{
	if (level != LIBBPF_WARN)
		return 0;
	if (strstr(format, "failed to load object") && reason[0])
		return 0;
	(void)vsnprintf(reason, sizeof(reason), format, arguments);
	reason[strcspn(reason, "\n\t")] = '\0';
	return 0;
}

static void line_print(const char *function, const char *section, int result)
{
	printf("%s\t%s\t%d\t%s\n", function, section, -result, result ? reason : "");
}

/* Opens the object anew and loads nothing but its program of this number; 0 when there is none. */
static int program_try(const char *path, unsigned int number)
{
	struct bpf_object *object;
	struct bpf_program *program, *wanted = NULL;
	unsigned int count = 0;

	reason[0] = '\0';
	object = bpf_object__open_file(path, NULL);
	if (!object) {
		line_print("-", "-", -errno);
		return 0;
	}
	bpf_object__for_each_program(program, object)
	{
		bpf_program__set_autoload(program, count == number);
		if (count++ == number)
			wanted = program;
	}
	if (wanted)
		line_print(bpf_program__name(wanted), bpf_program__section_name(wanted),
		           bpf_object__load(object));
	bpf_object__close(object);
	return wanted != NULL;
}

int main(int argc, char **argv)
{
	unsigned int number = 0;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: load_libbpf OBJECT\n");
		return 2;
	}
	libbpf_set_print(warning_keep);
	while (program_try(argv[1], number))
		number++;
	return 0;
}
