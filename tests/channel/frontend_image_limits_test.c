/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Requests about images that are refused, that wait, that nobody wants any more; fetchers that do
 * not come; and what becomes of a password. */
#include "fetcher_stage.h"

#include <cmocka.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPERATION(name) BPFD__V1__REQUEST__OPERATION_##name
#define IMAGES_PER_USER (IMAGE_QUEUE_MAX / 2)

/* ---- refused at once ---- */

static void no_images_here(void **state)
{
	static const Bpfd__V1__Request__OperationCase operations[] = {
		OPERATION(IMAGE_PULL), OPERATION(IMAGE_LIST), OPERATION(IMAGE_INSPECT),
		OPERATION(IMAGE_VERIFY), OPERATION(IMAGE_REMOVE)
	};
	int fd = client_open(&fixture);

	(void)state;
	for (uint32_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		ask_image(fd, i, operations[i]);
		expect_error(client_answer(fd, i), ERROR_UNSUPPORTED, "images are switched off");
	}
	ask_load_image(fd, 9, NULL);
	expect_error(client_answer(fd, 9), ERROR_UNSUPPORTED, "images are switched off");
	(void)close(fd);
}

struct wrong {
	Bpfd__V1__ImageSource source;
	const char *says;
};

static char *text(const char *constant)
{
	return (char *)(uintptr_t)constant;
}

static void source_refused(int fd, Bpfd__V1__ImageSource *source, const char *says)
{
	Bpfd__V1__Request request = request_new(OPERATION(IMAGE_PULL));
	Bpfd__V1__ImagePullRequest pull = BPFD__V1__IMAGE_PULL_REQUEST__INIT;

	pull.image = source;
	request.image_pull = &pull;
	client_ask(fd, 3, &request);

	Bpfd__V1__Response *response = client_answer(fd, 3);

	assert_int_equal(response->result_case, BPFD__V1__RESPONSE__RESULT_ERROR);
	assert_null(strstr(response->error->message, "hunter2"));
	expect_error(response, ERROR_INVALID_ARGUMENT, says);
}

static void sources_are_checked(void **state)
{
	Bpfd__V1__ImageSource source = BPFD__V1__IMAGE_SOURCE__INIT;
	static char password[IMAGE_PASSWORD_SIZE + 1], name[IMAGE_REFERENCE_SIZE + 1];
	int fd = client_open(&fixture);

	(void)state;
	source_refused(fd, NULL, "image_pull.image is not given");
	source_refused(fd, &source, "image_pull.image.reference is empty");
	source.reference = text("registry.example/a b");
	source_refused(fd, &source, "it may have letters, digits and _ . : / @ - [ ]");
	memset(name, 'a', IMAGE_REFERENCE_SIZE);
	source.reference = name;
	source_refused(fd, &source, "is 512 bytes long: at most 511 are allowed");
	source.reference = text(STAGE_REFERENCE);
	source.password = text("hunter2");
	source_refused(fd, &source, "a registry's password is given, but no user name");
	source.username = text("me");
	source.password = text("hunter2\n");
	source_refused(fd, &source, "the registry's password has control characters");
	memset(password, 'p', IMAGE_PASSWORD_SIZE);
	source.password = password;
	source_refused(fd, &source, "the registry's password has 4096 bytes: at most 4095");
	source.password = text("");
	source.pull_policy = (Bpfd__V1__PullPolicy)4;
	source_refused(fd, &source, "pull_policy");
	(void)close(fd);
}

/* `change` gets the load, which is otherwise one that would do. */
static void load_refused(int fd, void (*change)(Bpfd__V1__LoadRequest *load), const char *says)
{
	Bpfd__V1__Request request = request_new(OPERATION(LOAD));
	Bpfd__V1__LoadRequest load = BPFD__V1__LOAD_REQUEST__INIT;
	Bpfd__V1__ImageSource source = BPFD__V1__IMAGE_SOURCE__INIT;

	source.reference = text(STAGE_REFERENCE);
	load.image = &source;
	change(&load);
	request.load = &load;
	client_ask(fd, 4, &request);
	expect_error(client_answer(fd, 4), ERROR_INVALID_ARGUMENT, says);
}

static void object_add(Bpfd__V1__LoadRequest *load)
{
	load->object = (ProtobufCBinaryData){ .len = 7, .data = (uint8_t *)text("\177ELF...") };
}

static void file_add(Bpfd__V1__LoadRequest *load)
{
	load->source_name = text("counter.o");
}

static void application_add(Bpfd__V1__LoadRequest *load)
{
	load->application = text("a\nb");
}

static void loads_are_checked(void **state)
{
	int fd = client_open(&fixture);

	(void)state;
	load_refused(fd, object_add, "load has an object and an image: give one of them");
	load_refused(fd, file_add, "load.source_name names an object's file");
	load_refused(fd, application_add, "load.application");
	(void)close(fd);
}

static void strangers_pull_nothing(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		if (setgroups(0, NULL) < 0 || setgid(65500) < 0 || setuid(65500) < 0)
			_exit(1);

		int fd = client_open(&fixture);

		ask_image(fd, 1, OPERATION(IMAGE_PULL));

		Bpfd__V1__Response *response = client_answer(fd, 1);

		_exit(response->result_case == BPFD__V1__RESPONSE__RESULT_ERROR &&
		                      (int)response->error->code == ERROR_PERMISSION_DENIED
		              ? 0
		              : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(fixture_logged(&fixture, "audit operation=image_pull result=denied uid=65500"));
}

/* ---- the image's own names ---- */

static void names_refused(struct record_image *image, int code, const char *says)
{
	struct stage_fetcher fetcher = fetcher_open();
	int fd = client_open(&fixture);

	ask_load_image(fd, 1, NULL);
	(void)fetcher_job(&fetcher);
	fetcher_image(&fetcher, image);
	fetcher_object(&fetcher, image);
	fetcher_done(&fetcher, 1, true);
	expect_error(client_answer(fd, 1), code, says);
	(void)close(fd);
	fetcher_end(&fetcher);
}

static void images_name_programs_that_cannot_be(void **state)
{
	struct record_image image = image_record(STAGE_REFERENCE);

	(void)state;
	image.program_count = 0;
	names_refused(&image, ERROR_BAD_OBJECT, "neither the image nor its object names a program");
	image = image_record(STAGE_REFERENCE);
	image.programs_more = 3;
	names_refused(&image, ERROR_LIMIT, "the image has 4 programs, and one load takes at most");
	image = image_record(STAGE_REFERENCE);
	image.program_count = 2;
	image.programs[1] = image.programs[0];
	names_refused(&image, ERROR_BAD_OBJECT, "the image names its program \"count\" twice");
	image = image_record(STAGE_REFERENCE);
	image.programs[0] = (struct record_image_program){ "a b", "xdp" };
	names_refused(&image, ERROR_INVALID_ARGUMENT, "the name of a program in the image \"a b\"");
}

/* ---- fetchers that do not come ---- */

static void fetchers_that_fail_at_their_start(void **state)
{
	struct stage_fetcher fetcher = fetcher_start();
	int fd = client_open(&fixture);

	(void)state;
	ask_image(fd, 1, OPERATION(IMAGE_LIST));
	fixture_serves(&fixture);
	fetcher_failed(&fetcher, ERROR_STORE, "the cache cannot be opened");
	expect_error(client_answer(fd, 1), ERROR_STORE, "the cache cannot be opened");
	fetcher_killed(&fetcher);
	assert_true(fixture_logged(&fixture, "a fetcher ended before it had a job (1 in a row)"));
	ask_image(fd, 2, OPERATION(IMAGE_LIST)); /* who asks waits for no pause */
	fetcher = fetcher_start();
	fetcher_gone(&fetcher, 0, 127 << 8);
	expect_error(client_answer(fd, 2), ERROR_UNAVAILABLE,
	             "the fetcher could not be started: try again");
	(void)close(fetcher.channel.fd);
	ask_image(fd, 3, OPERATION(IMAGE_LIST));
	fetcher = fetcher_open();
	(void)fetcher_job(&fetcher);
	fetcher_done(&fetcher, 0, true);

	Bpfd__V1__Response *response = client_answer(fd, 3);

	assert_int_equal(response->result_case, BPFD__V1__RESPONSE__RESULT_IMAGE_LIST);
	answer_free(response);
	(void)close(fd);
}

static void a_warm_one_dies(void **state)
{
	struct stage_fetcher fetcher = fetcher_open();
	int fd = client_open(&fixture);

	(void)state;
	(void)shutdown(fetcher.channel.fd, SHUT_RDWR);
	fetcher_killed(&fetcher);
	ask_image(fd, 1, OPERATION(IMAGE_LIST));
	fetcher = fetcher_open();
	(void)fetcher_job(&fetcher);
	fetcher_done(&fetcher, 0, true);
	answer_free(client_answer(fd, 1));
	(void)close(fd);
}

static void an_unknown_fetchers_end(void **state)
{
	struct stage_fetcher none = { .id = 4242 };

	(void)state;
	fetcher_gone(&none, 1, 0);
	expect_end("the launcher speaks of a fetcher 4242 that there is not");
}

/* ---- time ---- */

static void slow_fetchers_are_killed(void **state)
{
	struct stage_fetcher fetcher = fetcher_open();
	int fd = client_open(&fixture);

	(void)state;
	fixture_serves(&fixture); /* and has seen that the fetcher is warm */
	ask_image(fd, 1, OPERATION(IMAGE_PULL));
	expect_error(client_answer(fd, 1), ERROR_TIMEOUT, "took longer than allowed");
	(void)close(fd);
	fetcher_killed(&fetcher);
}

static void nobody_waits_for_ever(void **state)
{
	struct stage_fetcher fetcher = fetcher_start();
	int fd = client_open(&fixture);

	(void)state;
	ask_image(fd, 1, OPERATION(IMAGE_PULL));
	expect_error(client_answer(fd, 1), ERROR_TIMEOUT, "no fetcher had time for it");
	(void)close(fd);
	(void)close(fetcher.channel.fd);
}

/* ---- numbers ---- */

static void one_user_has_a_part_of_the_queue(void **state)
{
	int fds[IMAGES_PER_USER + 1];

	(void)state;
	for (uint32_t i = 0; i <= IMAGES_PER_USER; i++) {
		fds[i] = client_open(&fixture);
		ask_image(fds[i], i, OPERATION(IMAGE_PULL));
	}
	expect_error(client_answer(fds[IMAGES_PER_USER], IMAGES_PER_USER), ERROR_LIMIT,
	             "32 requests about images are under way for this user");
	(void)close(fds[0]); /* it waited, and is forgotten */
	fixture_serves(&fixture);
	ask_image(fds[IMAGES_PER_USER], 77, OPERATION(IMAGE_PULL));

	struct stage_fetcher fetcher;

	for (uint32_t i = 1; i <= IMAGES_PER_USER; i++) {
		fetcher = fetcher_open();
		(void)fetcher_job(&fetcher);
		fetcher_failed(&fetcher, ERROR_REGISTRY, "no");
		fetcher_let_go(&fetcher);
		fetcher_end(&fetcher);
		expect_error(client_answer(fds[i], i == IMAGES_PER_USER ? 77 : i), ERROR_REGISTRY,
		             "no");
		(void)close(fds[i]);
	}
}

/* ---- clients that go ---- */

static void nobody_fetches_for_nobody(void **state)
{
	struct stage_fetcher fetcher = fetcher_open();
	int fd = client_open(&fixture);

	(void)state;
	ask_image(fd, 1, OPERATION(IMAGE_PULL));
	(void)fetcher_job(&fetcher);
	(void)close(fd);
	fetcher_killed(&fetcher);
}

static void what_is_removed_is_removed(void **state)
{
	struct stage_fetcher fetcher = fetcher_open();
	struct record_image image = image_record(STAGE_REFERENCE);
	int fd = client_open(&fixture), watcher = watcher_open();

	(void)state;
	ask_image(fd, 1, OPERATION(IMAGE_REMOVE));
	(void)fetcher_job(&fetcher);
	(void)close(fd);
	assert_true(fixture_logged(&fixture, "ends: it has been closed"));
	fetcher_image(&fetcher, &image);
	fetcher_done(&fetcher, 1, true);
	event_free(event_next(watcher, "image-remove"));
	fetcher_let_go(&fetcher);
	(void)close(watcher);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served(no_images_here),
		imaged(sources_are_checked),
		imaged(loads_are_checked),
		imaged(strangers_pull_nothing),
		imaged(images_name_programs_that_cannot_be),
		imaged(fetchers_that_fail_at_their_start),
		imaged(a_warm_one_dies),
		cmocka_unit_test_setup(an_unknown_fetchers_end, images_start),
		cmocka_unit_test_setup_teardown(slow_fetchers_are_killed, images_hasty_start,
		                                serving_stop),
		cmocka_unit_test_setup_teardown(nobody_waits_for_ever, images_hasty_start,
		                                serving_stop),
		imaged(one_user_has_a_part_of_the_queue),
		imaged(nobody_fetches_for_nobody),
		imaged(what_is_removed_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
