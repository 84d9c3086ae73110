/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* programs.d: what a file means, which mistakes are named, and what is to be done. */
#include <cmocka.h>

#include "common/cleanup.h"
#include "declare/plan.h"
#include "declare/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOAD "[load]\nobject = /o\nprogram = xdp:first\nprogram = xdp:second\n"
#define ATTACH(function, more) "[attach]\nprogram = " function "\niface = eth0\n" more

static int parse(const char *text, const char *file, struct declaration **out,
                 struct declaration_error *error)
{
	_cleanup_fclose_ FILE *stream = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

	assert_non_null(stream);
	return declaration_parse(stream, "/d/a.conf", file, out, error);
}

static struct declaration *parsed(const char *text, const char *file)
{
	struct declaration *declaration = NULL;
	struct declaration_error error;

	if (parse(text, file, &declaration, &error) < 0)
		fail_msg("\"%s\": %s", text, error.message);
	return declaration;
}

static void test_what_a_file_means(void **state)
{
	struct declaration *got = parsed(
		"# a comment\n[load]\nobject = /usr/lib/o.o\nprogram = xdp:first\n"
		"program = fentry:second:do_nanosleep\nglobal = port=9999\nmetadata = team=net\n"
		"application = filter\npersist = yes\nexclusive = no\n\n"
		"[attach]\nprogram = first\niface = eth0\npriority = 10\nproceed-on = pass,drop\n"
		"follow = yes\nmetadata = a=b\n[attach]\nprogram = second\n",
		"a.conf");

	(void)state;
	assert_string_equal(got->object_path, "/usr/lib/o.o");
	assert_int_equal(got->load.program_count, 2);
	assert_string_equal(got->load.programs[1].target, "do_nanosleep");
	assert_int_equal(got->load.programs[1].type, BPFD_PROGRAM_FENTRY);
	assert_int_equal(got->load.global_count, 1);
	assert_string_equal(got->load.globals[0].value, "9999");
	assert_string_equal(got->load.metadata[0].value, "net");
	assert_string_equal(got->load.application, "filter");
	assert_true(got->load.persist && !got->load.exclusive);
	assert_int_equal(got->link_count, 2);
	assert_string_equal(got->links[0]->function, "first");
	assert_int_equal(got->links[0]->line, 12);

	const struct bpfd_target *target = &got->links[0]->arguments.target;

	assert_string_equal(target->interface, "eth0");
	assert_true(target->priority_set && target->follow && !target->exclusive);
	assert_int_equal(target->priority, 10);
	assert_int_equal(target->proceed_on_count, 2);
	assert_int_equal(got->links[1]->arguments.type, BPFD_PROGRAM_FENTRY);
	declaration_free(got);
}

/* A text and the end of what is said of it. */
static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "", "a.conf: there is no [load] section: say what to load" },
		{ "object = /o\n", "a.conf:1: \"object\" stands before the first section" },
		{ "[load]\nobject\n", "a.conf:2: expected \"[section]\" or \"key = value\"" },
		{ "[load]\nprogram = xdp:a\n", "a.conf:1: \"object\" is missing in [load]" },
		{ "[load]\nobject = /o\n",
		  "a.conf:1: --program FUNCTION is missing: say what to load" },
		{ "[load]\nobject = o\n", "a.conf:2: object = o: expected an absolute path" },
		{ "[load]\nobject = /o\nobject = /p\n", "a.conf:3: \"object\" is set twice" },
		{ LOAD "application = a\napplication = b\n",
		  "a.conf:6: \"application\" is set twice" },
		{ LOAD "persist = true\n", "a.conf:5: persist = true: expected yes or no" },
		{ LOAD "metadata = bpfd.declared=x\n",
		  "a.conf:1: metadata \"bpfd.declared\" is bpfd's own" },
		{ LOAD "[load]\n",
		  "a.conf:5: a second [load]: the first is in line 1; declare another object in a "
		  "file of its own" },
		{ LOAD "[detach]\n",
		  "a.conf:5: unknown section [detach]: allowed are load, attach" },
		{ "[attach]\n", "a.conf:1: [attach] stands before [load]" },
		{ LOAD "[attach]\n", "a.conf:5: this [attach] names no program" },
		{ LOAD "[attach]\niface = eth0\n",
		  "a.conf:6: \"program\" must be the first key in [attach]" },
		{ LOAD "[attach]\nprogram = third\n",
		  "a.conf:6: program = third: [load] names no such program" },
		{ LOAD "[attach]\nprogram = first\n",
		  "a.conf:5: --iface INTERFACE is missing: xdp programs need it" },
		{ LOAD ATTACH("first", "program = second\n"),
		  "a.conf:8: \"program\" is set twice" },
		{ LOAD ATTACH("first", "iface = eth1\n"), "a.conf:8: \"iface\" is set twice" },
		{ LOAD ATTACH("first", "") ATTACH("first", "priority = 7\n"),
		  "a.conf:8: \"first\" is attached there already, by the [attach] in line 5" },
		{ "[load]\nobject = /o\nprogram = f\n[attach]\nprogram = f\n",
		  "a.conf:5: the type of \"f\" decides which keys there are: name it in [load], "
		  "as program = TYPE:f" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct declaration *got = NULL;
		struct declaration_error error = { "taken" };
		/* an empty stream is none for fmemopen() */
		int result = parse(*rows[i].text ? rows[i].text : "#", "a.conf", &got, &error);
		const char *says = rows[i].says;

		if (!*rows[i].text)
			says = "a.conf:1: there is no [load] section: say what to load";
		if (result != -EINVAL || !strstr(error.message, says))
			fail_msg("row %zu: \"%s\" instead of \"%s\"", i, error.message, says);
		assert_null(got);
	}
}

static void test_too_much_metadata(void **state)
{
	char text[4096] = LOAD;
	struct declaration *got = NULL;
	struct declaration_error error;

	(void)state;
	for (int i = 0; i < METADATA_MAX; i++) {
		size_t used = strlen(text);

		(void)snprintf(text + used, sizeof(text) - used, "metadata = k%d=v\n", i);
	}
	assert_int_equal(parse(text, "a.conf", &got, &error), -EINVAL);
	assert_non_null(strstr(error.message, "one too many"));
}

/* The order of keys says nothing; what says where does, and priority and proceed-on do not. */
static void test_marks(void **state)
{
	struct declaration *one =
		parsed(LOAD "application = x\npersist = yes\n" ATTACH("first", "priority = 1\n"),
	               "a.conf");
	struct declaration *same = parsed("[load]\npersist = yes\nprogram = xdp:first\n"
	                                  "application = x\nprogram = xdp:second\nobject = /p\n"
	                                  "[attach]\nprogram = first\npriority = 2\niface = eth0\n",
	                                  "b.conf");
	struct declaration *other = parsed(LOAD ATTACH("second", ""), "c.conf");
	struct declaration_error error;

	(void)state;
	assert_string_equal(one->mark, same->mark);
	assert_string_equal(one->links[0]->place, same->links[0]->place);
	assert_string_not_equal(one->mark, other->mark);
	assert_string_not_equal(one->links[0]->place, other->links[0]->place);
	assert_true(declarations_collide(one, same, &error));
	assert_non_null(strstr(error.message, "b.conf declares the same programs as a.conf"));
	assert_false(declarations_collide(one, other, &error));
	declaration_free(other);
	other = parsed(LOAD "metadata = a=b\n" ATTACH("first", ""), "c.conf");
	assert_true(declarations_collide(one, other, &error));
	assert_non_null(strstr(error.message, "c.conf:6 attaches \"first\" of the same object to "
	                                      "the same place as a.conf:7"));
	declaration_free(one);
	declaration_free(same);
	declaration_free(other);
}

/* ---- the plan ---- */

#define UID 0

/* What bpfd lists: made from declarations, as a reload would have made it. */
struct world {
	struct bpfd_program programs[8];
	struct bpfd_link link_items[8];
	struct bpfd_metadata marks[16];
	char texts[16][PLAN_MARK_SIZE];
	size_t program_count, link_count, mark_count;
};

static const struct bpfd_metadata *mark_of(struct world *world)
{
	struct bpfd_metadata *mark = &world->marks[world->mark_count];

	*mark = (struct bpfd_metadata){ DECLARATION_KEY, world->texts[world->mark_count++] };
	return mark;
}

static void world_add(struct world *world, const struct declaration *declaration)
{
	uint64_t first = world->program_count + 1;

	for (size_t i = 0; i < declaration->load.program_count; i++) {
		struct bpfd_program *program = &world->programs[world->program_count++];

		program_mark_print(declaration, world->texts[world->mark_count]);
		*program = (struct bpfd_program){
			.id = first + i,
			.name = declaration->load.programs[i].function,
			.type = BPFD_PROGRAM_XDP,
			.state = BPFD_PROGRAM_LOADED,
			.metadata = mark_of(world),
			.metadata_count = 1,
		};
	}
	for (size_t i = 0; i < declaration->link_count; i++) {
		struct bpfd_link *link = &world->link_items[world->link_count++];
		const struct declared_link *declared = declaration->links[i];

		link_mark_print(declaration, declared, world->texts[world->mark_count]);
		*link = (struct bpfd_link){
			.id = 100 + world->link_count,
			.program_id = first + (strcmp(declared->function, "second") == 0),
			.type = BPFD_PROGRAM_XDP,
			.state = BPFD_LINK_ATTACHED,
			.target = declared->arguments.target,
			.metadata = mark_of(world),
			.metadata_count = 1,
		};
		link->target.priority_set = 1;
	}
}

/* "load attach:first" and so on */
static void plan_print(const struct world *world, struct declaration **items, size_t count,
                       const char *bad, char *out, size_t size)
{
	static const char *const names[] = { "load", "detach", "update", "attach", "unload" };
	struct declarations declarations = { .items = items, .count = count };
	struct bpfd_programs programs = { .items = world->programs, .count = world->program_count };
	struct bpfd_links links = { world->link_items, world->link_count };
	char bad_names[1][DECLARATION_FILE_MAX + 1] = { "" };
	struct plan plan = {};
	size_t used = 0;

	if (bad) {
		(void)snprintf(bad_names[0], sizeof(bad_names[0]), "%s", bad);
		declarations.bad = bad_names;
		declarations.bad_count = 1;
	}
	assert_int_equal(plan_make(&declarations, &programs, &links, UID, &plan), 0);
	out[0] = '\0';
	for (size_t i = 0; i < plan.count; i++) {
		const struct plan_step *step = &plan.steps[i];

		used += (size_t)snprintf(out + used, size - used, "%s%s", i ? " " : "",
		                         names[step->action]);
		if (step->action == PLAN_DETACH || step->action == PLAN_UPDATE)
			used += (size_t)snprintf(out + used, size - used, ":%d",
			                         (int)step->present->id);
		else if (step->action == PLAN_ATTACH)
			used += (size_t)snprintf(out + used, size - used, ":%s",
			                         step->link->function);
		else if (step->action == PLAN_UNLOAD)
			used += (size_t)snprintf(out + used, size - used, ":%d",
			                         (int)step->program->id);
	}
	plan_free(&plan);
}

struct plan_row {
	const char *name;
	const char *before, *after; /* texts of a.conf; NULL: no such file */
	const char *plan;
	enum bpfd_link_state state;            /* of the first link before; 0: attached */
	enum bpfd_program_state program_state; /* of the first program; 0: loaded */
	uint32_t owner;
	_Bool bad; /* a.conf cannot be read now */
};

#define BOTH LOAD ATTACH("first", "priority = 10\n") ATTACH("second", "")
#define FOLLOW LOAD ATTACH("first", "follow = yes\n")

/* clang-format off */
static const struct plan_row plan_rows[] = {
	{ .name = "nothing", .plan = "" },
	{ .name = "new", .after = BOTH, .plan = "load attach:first attach:second" },
	{ .name = "the same", .before = BOTH, .after = BOTH, .plan = "" },
	{ .name = "the file is gone: links go with their programs", .before = BOTH, .plan = "unload:2 unload:1" },
	{ .name = "the file is bad: all stays", .before = BOTH, .bad = 1, .plan = "" },
	{ .name = "another priority", .before = BOTH, .plan = "update:101",
	  .after = LOAD ATTACH("first", "priority = 11\n") ATTACH("second", "") },
	{ .name = "a priority where there was none", .before = BOTH, .plan = "detach:102 attach:second",
	  .after = LOAD ATTACH("first", "priority = 10\n") ATTACH("second", "priority = 3\n") },
	{ .name = "actions where there were none", .before = BOTH, .plan = "detach:102 attach:second",
	  .after = LOAD ATTACH("first", "priority = 10\n") ATTACH("second", "proceed-on = drop\n") },
	{ .name = "a link less", .before = BOTH, .after = LOAD ATTACH("second", ""), .plan = "detach:101" },
	{ .name = "a link more", .before = LOAD ATTACH("second", ""), .after = BOTH, .plan = "attach:first" },
	{ .name = "other parameters: the links get the new programs, the old ones go last",
	  .before = BOTH, .after = LOAD "application = x\n" ATTACH("first", "priority = 10\n") ATTACH("second", ""),
	  .plan = "load update:101 update:102 unload:2 unload:1" },
	{ .name = "a program less", .before = BOTH, .after = "[load]\nobject = /o\nprogram = xdp:second\n" ATTACH("second", ""),
	  .plan = "load detach:101 update:102 unload:2 unload:1" },
	{ .name = "somebody took it off", .before = BOTH, .after = BOTH, .state = BPFD_LINK_REMOVED,
	  .plan = "detach:101 attach:first" },
	{ .name = "its interface is gone", .before = BOTH, .after = BOTH, .state = BPFD_LINK_GONE,
	  .plan = "detach:101 attach:first" },
	{ .name = "its interface is gone, which it follows", .before = FOLLOW, .after = FOLLOW, .state = BPFD_LINK_GONE,
	  .plan = "" },
	{ .name = "it waits", .before = FOLLOW, .after = FOLLOW, .state = BPFD_LINK_WAITING, .plan = "" },
	{ .name = "it failed", .before = BOTH, .after = BOTH, .state = BPFD_LINK_FAILED, .plan = "detach:101 attach:first" },
	{ .name = "a program that could not be restored: all of its load anew", .before = BOTH, .after = BOTH,
	  .program_state = BPFD_PROGRAM_FAILED, .plan = "load update:101 update:102 unload:2 unload:1" },
	{ .name = "somebody else's, with the same mark", .before = BOTH, .after = BOTH, .owner = 1000,
	  .plan = "load attach:first attach:second" },
};
/* clang-format on */

static void test_plans(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(plan_rows) / sizeof(plan_rows[0]); i++) {
		const struct plan_row *row = &plan_rows[i];
		struct declaration *before = row->before ? parsed(row->before, "a.conf") : NULL;
		struct declaration *after = row->after ? parsed(row->after, "a.conf") : NULL;
		struct world world = {};
		char text[256];

		if (before)
			world_add(&world, before);
		if (row->state)
			world.link_items[0].state = row->state;
		if (row->program_state)
			world.programs[0].state = row->program_state;
		for (size_t at = 0; at < 8; at++) {
			world.programs[at].owner_uid = row->owner;
			world.link_items[at].owner_uid = row->owner;
		}
		plan_print(&world, &after, after ? 1 : 0, row->bad ? "a.conf" : NULL, text,
		           sizeof(text));
		if (strcmp(text, row->plan) != 0)
			fail_msg("%s: \"%s\" instead of \"%s\"", row->name, text, row->plan);
		declaration_free(before);
		declaration_free(after);
	}
}

/* What has no mark of a declaration is nobody's business here. */
static void test_others_are_left_alone(void **state)
{
	struct declaration *declaration = parsed(BOTH, "a.conf");
	struct world world = {};
	char text[256];

	(void)state;
	world_add(&world, declaration);
	for (size_t i = 0; i < world.mark_count; i++)
		world.marks[i].key = "other";
	plan_print(&world, NULL, 0, NULL, text, sizeof(text));
	assert_string_equal(text, "");
	declaration_free(declaration);
}

static void test_two_files(void **state)
{
	struct declaration *items[] = { parsed(BOTH, "a.conf"),
		                        parsed("[load]\nobject = /x\nprogram = xdp:first\n",
		                               "b.conf") };
	struct declaration *gone = parsed(LOAD "application = z\n" ATTACH("first", ""), "z.conf");
	struct world world = {};
	char text[256];

	(void)state;
	world_add(&world, gone);
	plan_print(&world, items, 2, NULL, text, sizeof(text));
	/* all is loaded before anything is taken away, and what goes makes room: the newest
	 * first, for it may use maps of the others */
	assert_string_equal(text, "load load unload:2 unload:1 attach:first attach:second");
	declaration_free(items[0]);
	declaration_free(items[1]);
	declaration_free(gone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_file_means),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_too_much_metadata),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_plans),
		cmocka_unit_test(test_others_are_left_alone),
		cmocka_unit_test(test_two_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
