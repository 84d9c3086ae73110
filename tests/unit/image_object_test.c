/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What objects say of themselves: real ones, and what becomes of them when they are damaged. */
#include "image/object.h"
#include "tests/unit/image_maker.h"

#include <bpf/libbpf.h>
#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define OBJECT(name) BPFD_BUILD_DIR "/" name ".bpf.o"

static struct error error;
static struct image_names names;

static int fd_of(const struct made_bytes *bytes)
{
	int fd = memfd_create("object", MFD_CLOEXEC);

	assert_int_equal(write(fd, bytes->data, bytes->size), bytes->size);
	return fd;
}

static int check(const struct made_bytes *bytes)
{
	int fd = fd_of(bytes), result;

	error = (struct error){};
	result = image_object_check(fd, bytes->size, &error);
	(void)close(fd);
	return result;
}

static int check_for(const struct made_bytes *bytes, const char *architecture)
{
	int fd = fd_of(bytes), result;

	error = (struct error){};
	result = image_object_check_for(fd, bytes->size, architecture, &error);
	(void)close(fd);
	return result;
}

static int names_of(const struct made_bytes *bytes)
{
	int fd = fd_of(bytes), result;

	error = (struct error){};
	result = image_object_names(fd, bytes->size, &names, &error);
	(void)close(fd);
	return result;
}

static const struct {
	const char *path;
	const char *programs;
	const char *maps; /* names and types, each with a blank behind it */
} rows[] = {
	{ OBJECT("bpf/xdp_counter"), "xdp_counter=xdp ", "packets=array " },
	{ OBJECT("bpf/tracepoint_counter"), NULL, NULL },
	{ OBJECT("tests/gate_untyped"), "untyped=xdp ", "" },
	{ OBJECT("tests/big_endian"), "other_order=tracepoint/sched/sched_switc ",
	  "elsewhere=hash " },
	{ OBJECT("tests/map_kinds"), NULL, NULL },
};

static void objects_name_programs_and_maps(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct made_bytes object = made_of_file(rows[i].path);
		char programs[512], maps[1024], *at = programs;

		if (names_of(&object) < 0)
			fail_msg("%s: %s", rows[i].path, error.message);
		programs[0] = maps[0] = '\0';
		for (uint32_t k = 0; k < names.program_count; k++)
			at += sprintf(at, "%s=%.28s ", names.programs[k].name,
			              names.programs[k].type);
		at = maps;
		for (uint32_t k = 0; k < names.map_count; k++)
			at += sprintf(at, "%s=%s ", names.maps[k].name, names.maps[k].type);
		if (rows[i].programs &&
		    (strcmp(programs, rows[i].programs) != 0 || strcmp(maps, rows[i].maps) != 0))
			fail_msg("%s: %s, %s", rows[i].path, programs, maps);
		assert_true(names.program_count >= 1);
		made_free(&object);
	}
	/* the last one: maps of many types, from BTF */
	for (uint32_t i = 0; i < names.map_count; i++)
		assert_string_not_equal(names.maps[i].type, "unknown");
	assert_true(names.map_count >= 9);
}

static void byte_orders_are_told_apart(void **state)
{
	struct made_bytes own = made_of_file(OBJECT("bpf/xdp_counter"));
	struct made_bytes other = made_of_file(OBJECT("tests/big_endian"));

	(void)state;
	assert_int_equal(check(&own), 0);
	assert_int_equal(check(&other), -EINVAL);
	assert_int_equal(error.code, ERROR_BAD_OBJECT);
	assert_non_null(strstr(error.message, "is big-endian, this machine is not"));
	assert_int_equal(check_for(&own, "amd64"), 0);
	assert_int_equal(check_for(&own, "s390x"), -EINVAL);
	assert_non_null(strstr(error.message, "is little-endian, s390x is not"));
	assert_int_equal(check_for(&other, "s390x"), 0);
	assert_int_equal(check_for(&other, "mips64"), 0);
	assert_int_equal(check_for(&other, "arm64"), -EINVAL);
	assert_int_equal(check_for(&own, "x86_64"), -EINVAL);
	assert_int_equal(error.code, ERROR_INVALID_ARGUMENT);
	assert_non_null(strstr(error.message, "\"x86_64\" is no architecture"));
	made_free(&own);
	made_free(&other);
}

static void what_is_no_object_is_told(void **state)
{
	static const struct {
		size_t at;
		unsigned char value;
		const char *why;
	} changes[] = {
		{ 0, 'x', "is not an ELF object" },
		{ EI_CLASS, ELFCLASS32, "a 32-bit ELF file" },
		{ EI_DATA, ELFDATA2MSB, "is big-endian" },
		{ EI_DATA, 0, "endian" },
		{ offsetof(Elf64_Ehdr, e_machine), EM_X86_64, "holds code for x86-64" },
		{ offsetof(Elf64_Ehdr, e_machine), EM_AARCH64, "holds code for arm64" },
		{ offsetof(Elf64_Ehdr, e_type), ET_EXEC, "not a relocatable object" },
		{ offsetof(Elf64_Ehdr, e_shnum), 0, "no usable section table" },
		{ offsetof(Elf64_Ehdr, e_shentsize), 63, "no usable section table" },
		{ offsetof(Elf64_Ehdr, e_shoff) + 7, 0x7f, "truncated: its section table" },
		{ offsetof(Elf64_Ehdr, e_shnum) + 1, 0x7f, "truncated: its section table" },
	};
	struct made_bytes object = made_of_file(OBJECT("bpf/xdp_counter"));

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct made_bytes bad = {};

		made_add(&bad, object.data, object.size);
		bad.data[changes[i].at] = changes[i].value;
		if (changes[i].at == offsetof(Elf64_Ehdr, e_machine))
			bad.data[changes[i].at + 1] = 0;
		assert_int_equal(check(&bad), -EINVAL);
		assert_int_equal(error.code, ERROR_BAD_OBJECT);
		if (!strstr(error.message, changes[i].why))
			fail_msg("%zu: %s", i, error.message);
		made_free(&bad);
	}
	made_free(&object);
	object = made_of_file("/proc/self/exe");
	assert_int_equal(check(&object), -EINVAL);
	assert_non_null(strstr(error.message, "holds code for"));
	made_free(&object);
}

/* Wherever it ends, and with a size that is not the file's. */
static void truncated_objects_are_refused(void **state)
{
	struct made_bytes object = made_of_file(OBJECT("bpf/xdp_counter"));
	int fd = fd_of(&object);

	(void)state;
	for (size_t size = 0; size < object.size; size++) {
		if (image_object_check(fd, size, &error) != -EINVAL)
			fail_msg("%zu of %zu bytes are taken", size, object.size);
		assert_int_equal(error.code, ERROR_BAD_OBJECT);
	}
	assert_int_equal(ftruncate(fd, (off_t)object.size - 64), 0);
	assert_int_equal(image_object_check(fd, object.size, &error), -EINVAL);
	assert_int_equal(image_object_check(-1, object.size, &error), -EBADF);
	assert_int_equal(error.code, ERROR_INTERNAL);
	(void)close(fd);
	made_free(&object);
}

static int printed;

static int print_count(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return ++printed;
}

/* Each byte changed: whatever comes of it, names are whole, or there is a sentence; and libbpf's
 * own are not heard. */
static void damaged_objects_do_no_harm(void **state)
{
	libbpf_print_fn_t print = libbpf_set_print(print_count);
	static const char *const paths[] = { OBJECT("bpf/xdp_counter"),
		                             OBJECT("tests/big_endian") };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(paths) / sizeof(paths[0]); i++) {
		struct made_bytes object = made_of_file(paths[i / 2]);
		int fd = fd_of(&object);

		for (size_t at = 0; at < object.size; at++) {
			unsigned char changed =
				(unsigned char)(i % 2 ? ~object.data[at] : object.data[at] ^ 1);

			assert_int_equal(pwrite(fd, &changed, 1, (off_t)at), 1);
			error = (struct error){};
			if (image_object_names(fd, object.size, &names, &error) < 0)
				assert_true(error.message[0]);
			assert_true(names.program_count <= LOAD_PROGRAMS_MAX);
			assert_int_equal(pwrite(fd, &object.data[at], 1, (off_t)at), 1);
		}
		(void)close(fd);
		made_free(&object);
	}
	assert_int_equal(printed, 0);
	assert_ptr_equal(libbpf_set_print(print), print_count);
}

/* Of a name in the object, every time it is there. */
static void name_replace(struct made_bytes *object, const char *name, const char *other)
{
	size_t length = strlen(name) + 1, count = 0;

	for (size_t i = 0; i + length <= object->size; i++) {
		if (memcmp(object->data + i, name, length) != 0)
			continue;
		memcpy(object->data + i, other, length);
		count++;
	}
	assert_true(count > 0);
}

static void names_that_are_none_are_refused(void **state)
{
	static const struct {
		const char *name, *other, *what;
	} changes[] = {
		{ "xdp_counter", "xdp counter", "a program whose name" },
		{ "xdp_counter", "xdp\x1b[31mrrr", "a program whose name" },
		{ "xdp_counter", "\0dp_counter", "a program whose name" },
		{ "packets", "pack\nts", "a map whose name" },
		{ "packets", "\0ackets", "a map whose name" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct made_bytes object = made_of_file(OBJECT("bpf/xdp_counter"));
		static struct image_names before;

		memset(&names, 0x5a, sizeof(names));
		before = names;
		name_replace(&object, changes[i].name, changes[i].other);
		assert_int_equal(names_of(&object), -EINVAL);
		assert_int_equal(error.code, ERROR_BAD_OBJECT);
		if (!strstr(error.message, changes[i].what))
			fail_msg("%zu: %s", i, error.message);
		assert_memory_equal(&names, &before, sizeof(before));
		made_free(&object);
	}
}

/* libbpf's mark of a program that is not loaded unless asked for. */
static void a_sections_mark_is_no_part_of_its_type(void **state)
{
	struct made_bytes object = made_of_file(OBJECT("bpf/xdp_counter"));

	(void)state;
	name_replace(&object, "xdp", "?tc");
	assert_int_equal(names_of(&object), 0);
	assert_string_equal(names.programs[0].type, "tc");
	made_free(&object);
}

/* Sections beyond number, in a file that has room for them. */
static void sections_have_a_bound(void **state)
{
	struct made_bytes object = made_of_file(OBJECT("bpf/xdp_counter"));
	Elf64_Ehdr header;

	(void)state;
	memcpy(&header, object.data, sizeof(header));
	header.e_shoff = object.size;
	header.e_shnum = 16385;
	memcpy(object.data, &header, sizeof(header));
	made_fill(&object, 0, 16385 * sizeof(Elf64_Shdr));
	assert_int_equal(check(&object), -EINVAL);
	assert_non_null(strstr(error.message, "has 16385 sections, at most 16384"));
	header.e_shnum--;
	memcpy(object.data, &header, sizeof(header));
	assert_int_equal(check(&object), 0);
	made_free(&object);
}

static int visit_refuse(void *context, const char *name, const char *type)
{
	(void)context;
	(void)name;
	(void)type;
	return -EINVAL;
}

static int visit_program(void *context, const char *name, const char *type)
{
	(void)name;
	(void)type;
	++*(int *)context;
	return 0;
}

static int visit_map(void *context, const char *name)
{
	(void)context;
	(void)name;
	return 0;
}

static void a_visitor_may_refuse(void **state)
{
	static const struct object_visitor visitor = { visit_program, visit_map, visit_refuse };
	struct made_bytes object = made_of_file(OBJECT("bpf/xdp_counter"));
	int fd = fd_of(&object), count = 0;

	(void)state;
	assert_int_equal(image_object_walk(fd, object.size, &visitor, &count, &error), -EINVAL);
	assert_int_equal(count, 1);
	assert_int_equal(error.code, ERROR_BAD_OBJECT);
	(void)close(fd);
	made_free(&object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_name_programs_and_maps),
		cmocka_unit_test(byte_orders_are_told_apart),
		cmocka_unit_test(what_is_no_object_is_told),
		cmocka_unit_test(truncated_objects_are_refused),
		cmocka_unit_test(damaged_objects_do_no_harm),
		cmocka_unit_test(names_that_are_none_are_refused),
		cmocka_unit_test(a_sections_mark_is_no_part_of_its_type),
		cmocka_unit_test(sections_have_a_bound),
		cmocka_unit_test(a_visitor_may_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
