/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* When the store's copy is written: a real store, and a clock that the test turns. */
#include <cmocka.h>

#include "broker/broker.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static char live[] = "/tmp/bpfd-live-XXXXXX";
static char durable[] = "/tmp/bpfd-copy-XXXXXX";

static struct broker broker;
static uint64_t now_ms;
static bool running;
static unsigned int rows_sent;

uint64_t clock_now_ms(void)
{
	return now_ms;
}

bool loads_running(const struct broker *asked)
{
	assert_ptr_equal(asked, &broker);
	return running;
}

void view_status(struct broker *told)
{
	assert_ptr_equal(told, &broker);
	rows_sent++;
}

static int setup(void **state)
{
	struct error error;

	(void)state;
	log_open("test", LOG_LEVEL_ERROR);
	memset(&broker, 0, sizeof(broker));
	broker.status.store_copy = 1;
	now_ms = 5000;
	running = false;
	rows_sent = 0;
	if (mount("live", live, "tmpfs", 0, "size=8m,mode=0700") < 0 ||
	    mount("copy", durable, "tmpfs", 0, "size=8m,mode=0700") < 0 ||
	    store_open(live, durable, STORE_MAP_SIZE, &broker.store, &error) < 0)
		return -1;
	(void)copies_now(&broker, false, &error);
	return store_dirty(broker.store);
}

static int teardown(void **state)
{
	(void)state;
	store_close(broker.store);
	return umount2(live, MNT_DETACH) < 0 || umount2(durable, MNT_DETACH) < 0;
}

static void change(void)
{
	struct record_link link = { .id = store_next_link(broker.store) };
	struct error error;

	store_begin(broker.store);
	store_link_put(broker.store, &link);
	assert_int_equal(store_commit(broker.store, &error), 0);
}

static void test_nothing_to_do(void **state)
{
	(void)state;
	assert_int_equal(copies_tick(&broker), -1);
	copies_idle(&broker);
	assert_int_equal(copies_tick(&broker), -1);
	assert_int_equal(rows_sent, 0);
}

static void test_after_a_quiet_second(void **state)
{
	(void)state;
	change();
	assert_int_equal(copies_tick(&broker), 1000);
	now_ms += 999;
	change(); /* a later one waits no longer */
	assert_int_equal(copies_tick(&broker), 1);
	copies_idle(&broker);
	assert_true(store_dirty(broker.store));
	now_ms += 1;
	assert_int_equal(copies_tick(&broker), 0);
	assert_true(store_dirty(broker.store)); /* something may have happened */
	copies_idle(&broker);
	assert_false(store_dirty(broker.store));
	assert_int_equal(copies_tick(&broker), -1);

	/* The next one has its own second. */
	now_ms += 10;
	change();
	assert_int_equal(copies_tick(&broker), 1000);
}

static void test_while_loads_run(void **state)
{
	(void)state;
	running = true;
	change();
	assert_int_equal(copies_tick(&broker), 2000);
	now_ms += 1500;
	copies_idle(&broker);
	assert_true(store_dirty(broker.store));
	assert_int_equal(copies_tick(&broker), 500);
	now_ms += 500;
	assert_int_equal(copies_tick(&broker), -1);
	assert_false(store_dirty(broker.store));
}

static void test_never_quiet(void **state)
{
	(void)state;
	change();
	assert_int_equal(copies_tick(&broker), 1000);
	now_ms += 1999;
	assert_int_equal(copies_tick(&broker), 0);
	assert_true(store_dirty(broker.store));
	now_ms += 1;
	assert_int_equal(copies_tick(&broker), -1);
	assert_false(store_dirty(broker.store));
}

static void test_many_ids_are_urgent(void **state)
{
	(void)state;
	running = true;
	for (unsigned int i = 0; i < STORE_ID_GAP / 2 - 1; i++)
		change();
	assert_int_equal(copies_tick(&broker), 2000);
	change();
	assert_int_equal(copies_tick(&broker), -1);
	assert_false(store_dirty(broker.store));
	assert_int_equal(store_ids_uncopied(broker.store), 0);
}

static void ballast_make(char path[64])
{
	static const char block[4096];
	int fd;

	(void)snprintf(path, 64, "%s/ballast", durable);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0) {
	}
	assert_int_equal(close(fd), 0);
}

/* Tried again after 1, 2, 4 ... 60 s, however many ids are at stake; told once. */
static void test_failures(void **state)
{
	struct error error;
	char path[64];

	(void)state;
	ballast_make(path);
	change();
	(void)copies_tick(&broker);
	now_ms += 1000;
	copies_idle(&broker);
	assert_int_equal(rows_sent, 1);
	assert_int_equal(broker.status.store_copy, 0);
	assert_int_equal(broker.status.store_copy_errno, ENOSPC);
	for (unsigned int i = 0; i < STORE_ID_GAP; i++)
		change();
	for (int wait_ms = 1000; wait_ms < 200000; wait_ms *= 2) {
		int capped_ms = wait_ms < 60000 ? wait_ms : 60000;

		assert_int_equal(copies_tick(&broker), capped_ms);
		now_ms += (uint64_t)capped_ms - 1;
		copies_idle(&broker);
		assert_int_equal(copies_tick(&broker), 1);
		now_ms += 1;
		copies_idle(&broker);
	}
	assert_int_equal(rows_sent, 1);
	assert_int_equal(copies_now(&broker, false, &error), -ENOSPC);
	assert_int_equal(rows_sent, 1);

	assert_int_equal(unlink(path), 0);
	now_ms += 60000;
	copies_idle(&broker);
	assert_false(store_dirty(broker.store));
	assert_int_equal(rows_sent, 2);
	assert_int_equal(broker.status.store_copy, 1);
	assert_int_equal(broker.status.store_copy_errno, 0);
	change();
	assert_int_equal(copies_tick(&broker), 1000);
}

static void test_the_last_one(void **state)
{
	struct error error;
	char path[64];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/store.clean", durable);
	change();
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(copies_now(&broker, true, &error), 0);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(copies_tick(&broker), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_to_do),       TEST(test_after_a_quiet_second),
		TEST(test_while_loads_run),     TEST(test_never_quiet),
		TEST(test_many_ids_are_urgent), TEST(test_failures),
		TEST(test_the_last_one),
	};
	int failed;

	if (geteuid() != 0) {
		print_message("SKIP: file systems of its own need root\n");
		return 77;
	}
	if (!mkdtemp(live) || !mkdtemp(durable) || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		perror("a private mount namespace");
		return 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)rmdir(live);
	(void)rmdir(durable);
	return failed;
}
