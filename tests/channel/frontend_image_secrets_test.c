/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A registry's password: a fetcher has it, and then nobody of the frontend's memory. */
#include "fetcher_stage.h"

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define PASSWORD_SIZE 40

/* Made when the frontend runs already, and never the same: it has no copy of it as a fork has, nor
 * of an earlier test's. */
static void password_make(char password[PASSWORD_SIZE + 1])
{
	unsigned char random[PASSWORD_SIZE];

	assert_int_equal(getrandom(random, sizeof(random), 0), sizeof(random));
	for (size_t i = 0; i < PASSWORD_SIZE; i++)
		password[i] = (char)('a' + random[i] % 26);
	password[PASSWORD_SIZE] = '\0';
}

/* How often the bytes are in a piece of the frontend's memory. */
static size_t piece_count(int memory, unsigned long from, unsigned long to, const char *password)
{
	size_t size = to - from, count = 0;
	char *bytes = malloc(size);

	assert_non_null(bytes);

	ssize_t got = pread(memory, bytes, size, (off_t)from);
	const char *at = bytes;

	while (got > 0 && (at = memmem(at, (size_t)(bytes + got - at), password, PASSWORD_SIZE))) {
		at++;
		count++;
	}
	free(bytes);
	return count;
}

static size_t memory_count(const char *password)
{
	char path[64], line[512];
	unsigned long from, to;
	size_t count = 0, pieces = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)fixture.pid);

	int memory = open(path, O_RDONLY | O_CLOEXEC);

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)fixture.pid);

	FILE *maps = fopen(path, "re");

	assert_true(memory >= 0);
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		char *rest;

		from = strtoul(line, &rest, 16);
		assert_int_equal(*rest, '-');
		to = strtoul(rest + 1, &rest, 16);
		if (rest[2] != 'w' || to - from > 256ul << 20) /* " rw-p" */
			continue;
		count += piece_count(memory, from, to, password);
		pieces++;
	}
	assert_in_range(pieces, 3, 10000); /* it has been looked at */
	(void)fclose(maps);
	(void)close(memory);
	return count;
}

static void list_serve(int fd)
{
	struct stage_fetcher fetcher = fetcher_open();

	ask_image(fd, 8, BPFD__V1__REQUEST__OPERATION_IMAGE_LIST);
	(void)fetcher_job(&fetcher);
	fetcher_done(&fetcher, 0, true);
	answer_free(client_answer(fd, 8));
}

static void a_password_is_forgotten(void **state)
{
	struct stage_fetcher fetcher = fetcher_start();
	char password[PASSWORD_SIZE + 1];
	int fd = client_open(&fixture);

	(void)state;
	password_make(password);
	ask_pull_as(fd, 1, "me", password);
	fixture_serves(&fixture);
	assert_int_equal(memory_count(password), 1); /* it waits for a fetcher: the job has it */
	fetcher_say(&fetcher, FETCHER_MESSAGE_WARM, NULL, NULL);
	assert_string_equal(fetcher_job(&fetcher).password, password);
	fixture_serves(&fixture);
	assert_int_equal(memory_count(password), 0);
	fetcher_failed(&fetcher, ERROR_REGISTRY, "no");
	answer_free(client_answer(fd, 1));
	list_serve(fd);
	assert_int_equal(memory_count(password), 0);
	(void)close(fd);
}

/* In two pieces, and with another request behind it. */
static void a_password_in_pieces_is_forgotten(void **state)
{
	struct stage_fetcher fetcher = fetcher_open();
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_IMAGE_PULL);
	Bpfd__V1__ImagePullRequest pull = BPFD__V1__IMAGE_PULL_REQUEST__INIT;
	Bpfd__V1__ImageSource source = BPFD__V1__IMAGE_SOURCE__INIT;
	char password[PASSWORD_SIZE + 1];
	unsigned char head[13] = { 1 };
	uint8_t bytes[512];
	int fd = client_open(&fixture);

	(void)state;
	password_make(password);
	source.reference = (char *)(uintptr_t)STAGE_REFERENCE;
	source.username = (char *)(uintptr_t) "me";
	source.password = password;
	pull.image = &source;
	request.image_pull = &pull;

	size_t size = bpfd__v1__request__pack(&request, bytes);

	head[7] = (unsigned char)((size + 4) >> 8);
	head[8] = (unsigned char)(size + 4);
	head[9] = 0x80;
	client_write(fd, head, sizeof(head));
	client_write(fd, bytes, size - 3); /* the password, but for its end or what follows it */
	fixture_serves(&fixture);
	client_write(fd, bytes + size - 3, 3);
	(void)fetcher_job(&fetcher);
	fixture_serves(&fixture);
	assert_int_equal(memory_count(password), 0);
	(void)close(fd);
	fetcher_killed(&fetcher);
}

/* Refused for something else: nobody keeps it either. */
static void a_refused_password_is_forgotten(void **state)
{
	char password[PASSWORD_SIZE + 1];
	int fd = client_open(&fixture);

	(void)state;
	password_make(password);
	ask_pull_as(fd, 1, NULL, password);
	answer_free(client_answer(fd, 1));
	fixture_serves(&fixture);
	assert_int_equal(memory_count(password), 0);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		imaged(a_password_is_forgotten),
		imaged(a_password_in_pieces_is_forgotten),
		imaged(a_refused_password_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
