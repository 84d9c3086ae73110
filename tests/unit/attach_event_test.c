/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Links on perf events, with an opener and a kernel that fail when they are told to: one event or
 * one for each processor, pinned or kept open; whole or not at all, and nothing left over.
 */
#include <cmocka.h>

#include "tests/unit/attach_event_fake.h"

#include "broker/attach_event.h"
#include "broker/kernel.h"
#include "broker/link_pins.h"
#include "common/cleanup.h"
#include "common/target.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LINK 9
#define PROGRAM_OLD 101 /* kernel ids */
#define PROGRAM_NEW 102

static struct record_link sample(bool everywhere)
{
	struct record_link link = {
		.id = LINK,
		.type = PROGRAM_TYPE_PERF_EVENT,
		.target = { .name = "cpu-clock", .frequency_hz = 99 },
	};

	if (!everywhere)
		link.target.given = TARGET_BIT(TARGET_CPU);
	return link;
}

static int change(bool update, uint32_t kernel_id, struct record_link *link, struct error *error)
{
	const struct attach_type *type = attach_type(link->type);
	struct record_program program = { .kernel_id = kernel_id, .name = "sampled" };

	memset(error, 0, sizeof(*error));
	if (update)
		return type->update(&context, &program, (int)kernel_id + FD_OFFSET, 0, link, error);
	return type->attach(&context, &program, (int)kernel_id + FD_OFFSET, link, error);
}

static uint32_t adopt(uint32_t kernel_id, struct record_link link)
{
	struct record_program program = { .kernel_id = kernel_id };
	struct error error = {};

	assert_int_equal(attach_type(link.type)->adopt(&context, &program, -1, &link, &error), 0);
	return link.state;
}

static void detach(const struct record_link *link)
{
	struct error error = {};

	assert_int_equal(attach_type(link->type)->detach(&context, link, &error), 0);
}

/* How many entries links/<name> has; -1: it is not there, 0 for a file. */
static int entries(const char *name)
{
	char path[LINK_PIN_PATH_SIZE];
	struct stat status;
	int count = 0;
	DIR *directory;

	(void)snprintf(path, sizeof(path), "%s/links/%s", settings.bpffs_directory, name);
	if (stat(path, &status) < 0)
		return -1;
	directory = opendir(path);
	while (directory && readdir(directory))
		count++;
	if (directory)
		(void)closedir(directory);
	return directory ? count - 2 : 0;
}

/* How many of the link's events run the program, pinned or kept. */
static int running(uint32_t kernel_id, bool everywhere)
{
	int found = 0;

	for (size_t i = 0; i < context.events.count; i++)
		found += context.events.held[i].link_id == LINK &&
		         number_read(context.events.held[i].fd) == kernel_id;
	for (uint32_t cpu = 0; cpu < context.cpus_end; cpu++) {
		char path[LINK_PIN_PATH_SIZE];

		(void)snprintf(path, sizeof(path), everywhere ? "%s/links/%d/%u" : "%s/links/%d",
		               settings.bpffs_directory, LINK, cpu);
		_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

		found += fd >= 0 && (everywhere || cpu == 0) && number_read(fd) == kernel_id;
	}
	return found;
}

struct form {
	bool links, everywhere;
};

static struct form forms[] = { { true, false }, { true, true }, { false, false }, { false, true } };

#define ONLINE 4

/* Attach, look, update, look, detach. */
static void lives(void **state)
{
	const struct form *form = *state;
	struct record_link link = sample(form->everywhere);
	int expected = form->everywhere ? ONLINE - 1 : 1;
	struct error error;

	setup(form->links, ONLINE);
	opener.offline = 2;
	assert_int_equal(adopt(PROGRAM_OLD, link),
	                 form->links ? LINK_STATE_REMOVED : LINK_STATE_WAITING);
	assert_int_equal(change(false, PROGRAM_OLD, &link, &error), 0);
	assert_int_equal(running(PROGRAM_OLD, form->everywhere), expected);
	assert_int_equal(adopt(PROGRAM_OLD, link), LINK_STATE_ATTACHED);
	assert_int_equal(adopt(PROGRAM_NEW, link), LINK_STATE_REMOVED);
	opener.offline = -2; /* it is there now: an update takes it in */
	assert_int_equal(change(true, PROGRAM_NEW, &link, &error), 0);
	assert_int_equal(running(PROGRAM_OLD, form->everywhere), 0);
	assert_int_equal(running(PROGRAM_NEW, form->everywhere), form->everywhere ? ONLINE : 1);
	assert_int_equal(adopt(PROGRAM_NEW, link), LINK_STATE_ATTACHED);
	assert_int_equal(entries("9-new"), -1);
	assert_int_equal(entries("9-old"), -1);

	uint32_t asked = opener.asked;

	assert_int_equal(change(true, PROGRAM_NEW, &link, &error), 0); /* what is so already */
	assert_int_equal(opener.asked, asked);
	detach(&link);
	assert_int_equal(running(PROGRAM_NEW, form->everywhere), 0);
	detach(&link);
	teardown();
}

/* The so-manieth event fails: an attachment leaves nothing, an update leaves what was. */
static void fails(void **state)
{
	const struct form *form = *state;
	struct record_link link = sample(form->everywhere);
	int expected = form->everywhere ? ONLINE : 1;
	struct error error;

	for (int at = 1; at <= expected; at++) {
		setup(form->links, ONLINE);
		host.fail = at;
		assert_int_equal(change(false, PROGRAM_OLD, &link, &error), -EIO);
		assert_non_null(strstr(error.message, "cannot make perf_event program \"sampled\" "
		                                      "run at cpu-clock: "));
		assert_int_equal(running(PROGRAM_OLD, form->everywhere), 0);
		assert_int_equal(entries("9-new"), -1);
		host.fail = 0;
		assert_int_equal(change(false, PROGRAM_OLD, &link, &error), 0);
		host.runs = 0;
		host.fail = at;
		assert_int_equal(change(true, PROGRAM_NEW, &link, &error), -EIO);
		assert_int_equal(running(PROGRAM_OLD, form->everywhere), expected);
		assert_int_equal(running(PROGRAM_NEW, form->everywhere), 0);
		assert_int_equal(entries("9-new"), -1);
		detach(&link);
		teardown();
	}
}

static void fails_in_the_opener(void **state)
{
	const struct form *form = *state;
	struct record_link link = sample(form->everywhere);
	struct error error;

	setup(form->links, ONLINE);
	opener.broken = form->everywhere ? ONLINE - 1 : 0;
	assert_int_equal(change(false, PROGRAM_OLD, &link, &error), -EIO);
	assert_non_null(strstr(error.message, "burns"));
	assert_int_equal(running(PROGRAM_OLD, form->everywhere), 0);
	assert_int_equal(entries("9-new"), -1);
	teardown();
}

static void fails_to_pin(void **state)
{
	const struct form *form = *state;
	struct record_link link = sample(form->everywhere);
	struct error error;

	setup(true, ONLINE);
	host.pins_failed = form->everywhere ? ONLINE : 1;
	assert_int_equal(change(false, PROGRAM_OLD, &link, &error), -ENOSPC);
	assert_non_null(strstr(error.message, "cannot pin the link at "));
	assert_int_equal(entries("9"), -1);
	assert_int_equal(entries("9-new"), -1);
	teardown();
}

static void place_put(const char *name, bool directory, uint32_t kernel_id)
{
	char path[LINK_PIN_PATH_SIZE];
	size_t length;

	(void)snprintf(path, sizeof(path), "%s/links/%s", settings.bpffs_directory, name);
	length = strlen(path);
	if (directory) {
		assert_int_equal(mkdir(path, 0700), 0);
		(void)snprintf(path + length, sizeof(path) - length, "/0");
	}
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(pwrite(fd, &kernel_id, sizeof(kernel_id), 0), sizeof(kernel_id));
}

/* What a crash leaves of an update, in any of its moments, is what was before it. */
static void crash_is_settled(void **state)
{
	static const struct {
		bool old, there, fresh;
	} rows[] = {
		{ false, true, true }, /* the new ones are made */
		{ true, false, true }, /* their place is free */
		{ true, true, false }, /* they are in it: done but for the old ones */
	};
	struct record_link link = sample(true);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setup(true, ONLINE);
		if (rows[i].old)
			place_put("9-old", true, PROGRAM_OLD);
		if (rows[i].there)
			place_put("9", true, rows[i].fresh ? PROGRAM_OLD : PROGRAM_NEW);
		if (rows[i].fresh)
			place_put("9-new", true, PROGRAM_NEW);
		assert_int_equal(adopt(rows[i].fresh ? PROGRAM_OLD : PROGRAM_NEW, link),
		                 LINK_STATE_ATTACHED);
		assert_int_equal(entries("9"), 1);
		assert_int_equal(entries("9-old"), -1);
		assert_int_equal(entries("9-new"), -1);
		detach(&link);
		teardown();
	}
	link = sample(false);
	setup(true, ONLINE);
	place_put("9", false, PROGRAM_OLD);
	place_put("9-new", false, PROGRAM_NEW);
	assert_int_equal(adopt(PROGRAM_OLD, link), LINK_STATE_ATTACHED);
	assert_int_equal(entries("9-new"), -1);
	detach(&link);
	teardown();
}

/* Detaching takes off whatever a crash left. */
static void detach_removes_all(void **state)
{
	struct record_link link = sample(true);

	(void)state;
	setup(true, ONLINE);
	place_put("9-old", true, PROGRAM_OLD);
	place_put("9", true, PROGRAM_OLD);
	place_put("9-new", true, PROGRAM_NEW);
	detach(&link);
	teardown();
}

/* Pins that disagree are nobody's; one that somebody removed leaves the others. */
static void pins_of_others(void **state)
{
	char path[LINK_PIN_PATH_SIZE];
	struct record_link link = sample(true);
	struct error error;

	(void)state;
	setup(true, ONLINE);
	assert_int_equal(change(false, PROGRAM_OLD, &link, &error), 0);
	(void)snprintf(path, sizeof(path), "%s/links/9/1", settings.bpffs_directory);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(adopt(PROGRAM_OLD, link), LINK_STATE_ATTACHED);
	place_put("9/1", false, PROGRAM_NEW);
	assert_int_equal(adopt(PROGRAM_OLD, link), LINK_STATE_REMOVED);
	assert_int_equal(adopt(PROGRAM_NEW, link), LINK_STATE_REMOVED);
	detach(&link);
	teardown();
}

static void no_processor(void **state)
{
	const struct form *form = *state;
	struct record_link link = sample(true);
	struct error error;

	setup(form->links, 0);
	assert_int_equal(change(false, PROGRAM_OLD, &link, &error), -ENODEV);
	assert_non_null(strstr(error.message, "no processor that is online"));
	teardown();
}

static void too_many_processors(void **state)
{
	const struct form *form = *state;
	struct record_link link = sample(true);
	struct error error;

	setup(form->links, ATTACH_EVENT_CPUS_MAX + 1);
	assert_int_equal(change(false, PROGRAM_OLD, &link, &error), -E2BIG);
	assert_non_null(strstr(error.message, "more than 1024 processors"));
	assert_int_equal(entries("9"), -1);
	assert_int_equal(entries("9-new"), -1);
	assert_int_equal(context.events.count, 0);
	opener.offline = 3; /* one less */
	assert_int_equal(change(false, PROGRAM_OLD, &link, &error), 0);
	assert_int_equal(running(PROGRAM_OLD, true), ATTACH_EVENT_CPUS_MAX);
	detach(&link);
	teardown();
}

/* Kept events are bounded over all links. */
static void too_many_events(void **state)
{
	struct record_link link = sample(false);
	struct error error;

	(void)state;
	setup(false, 1);
	for (uint64_t id = 1; id <= PERF_EVENTS_MAX; id++)
		assert_int_equal(perf_events_add(&context.events, 1000 + id, 1, dup(0)), 0);
	assert_int_equal(change(false, PROGRAM_OLD, &link, &error), -EDQUOT);
	assert_int_equal(error.code, ERROR_LIMIT);
	assert_non_null(strstr(error.message, "keeps 2048 perf events open"));
	assert_int_equal(adopt(PROGRAM_OLD, link), LINK_STATE_WAITING);
	perf_events_end(&context.events, 1001, true);
	assert_int_equal(change(false, PROGRAM_OLD, &link, &error), 0);
	detach(&link);
	for (uint64_t id = 1; id <= PERF_EVENTS_MAX; id++)
		perf_events_end(&context.events, 1000 + id, false);
	teardown();
}

static void refusals(void **state)
{
	static const struct {
		int refusal;
		enum error_code code;
		const char *words;
	} rows[] = {
		{ EACCES, ERROR_INVALID_ARGUMENT, "reads beyond the end" },
		{ E2BIG, ERROR_LIMIT, "no more programs run there" },
		{ EOPNOTSUPP, ERROR_UNSUPPORTED, "CONFIG_BPF_EVENTS" },
		{ EPERM, ERROR_KERNEL, "Operation not permitted" },
	};
	const struct form *form = *state;
	struct record_link link = sample(false);
	struct error error;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setup(form->links, 1);
		host.fail = 1;
		host.refusal = rows[i].refusal;
		assert_int_equal(change(false, PROGRAM_OLD, &link, &error), -rows[i].refusal);
		assert_int_equal(error.code, rows[i].code);
		assert_non_null(strstr(error.message, rows[i].words));
		teardown();
	}
}

/* A kernel that takes no such program says nothing about links. */
static void asked_in_vain(void **state)
{
	(void)state;
	setup(true, 1);
	host.loads_refused = true;
	assert_int_equal(kernel_perf_links(), -EPERM);
	teardown();
}

#define EACH_FORM(test)                                                      \
	{ #test ", a link", test, NULL, NULL, &forms[0] },                   \
		{ #test ", links everywhere", test, NULL, NULL, &forms[1] }, \
		{ #test ", an event", test, NULL, NULL, &forms[2] },         \
	{                                                                    \
#test ", events everywhere", test, NULL, NULL, &forms[3]     \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH_FORM(lives),
		EACH_FORM(fails),
		EACH_FORM(fails_in_the_opener),
		EACH_FORM(refusals),
		EACH_FORM(no_processor),
		EACH_FORM(too_many_processors),
		{ "fails_to_pin, a link", fails_to_pin, NULL, NULL, &forms[0] },
		{ "fails_to_pin, links everywhere", fails_to_pin, NULL, NULL, &forms[1] },
		cmocka_unit_test(crash_is_settled),
		cmocka_unit_test(detach_removes_all),
		cmocka_unit_test(pins_of_others),
		cmocka_unit_test(too_many_events),
		cmocka_unit_test(asked_in_vain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
