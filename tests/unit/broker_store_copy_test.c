/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The store's copy: written, restored after the live store was lost, and what happens when it
 * cannot be written, is damaged, or a crash left it half made. */
#include <cmocka.h>

#include "broker/store.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char live[] = "/tmp/bpfd-live-XXXXXX";
static char durable[] = "/tmp/bpfd-copy-XXXXXX";

/* Small ones, so that a full file system and a read-only one are real. */
static int setup(void **state)
{
	(void)state;
	return mount("live", live, "tmpfs", 0, "size=1m,mode=0700") < 0 ||
	       mount("copy", durable, "tmpfs", 0, "size=1m,mode=0700") < 0;
}

static int teardown(void **state)
{
	(void)state;
	return umount2(live, MNT_DETACH) < 0 || umount2(durable, MNT_DETACH) < 0;
}

static const char *path_of(const char *directory, const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static bool exists(const char *directory, const char *name)
{
	return access(path_of(directory, name), F_OK) == 0;
}

static struct store *open_store(void)
{
	struct error error = {};
	struct store *store = NULL;

	if (store_open(live, durable, STORE_MAP_SIZE, &store, &error) != 0)
		fail_msg("%s", error.message);
	return store;
}

static void assert_open_refused(int result, const char *because)
{
	struct store *store = NULL;
	struct error error = {};

	assert_int_equal(store_open(live, durable, STORE_MAP_SIZE, &store, &error), result);
	assert_null(store);
	assert_int_equal(error.code, ERROR_STORE);
	if (!strstr(error.message, because))
		fail_msg("\"%s\" does not say \"%s\"", error.message, because);
	assert_false(exists(live, "data.mdb.new"));
}

static int program_add(struct store *store, uint64_t id)
{
	struct record_program program = { .id = id, .type = 1, .name = "count_packets" };
	struct error error;

	store_begin(store);
	store_program_put(store, &program);
	return store_commit(store, &error);
}

static bool holds(struct store *store, uint64_t id)
{
	struct record_program program;
	struct error error;

	return store_program_get(store, id, &program, &error) == 0;
}

static void copy_written(struct store *store)
{
	struct error error = {};

	if (store_copy(store, &error) != 0)
		fail_msg("%s", error.message);
	assert_false(store_dirty(store));
	assert_int_equal(store_ids_uncopied(store), 0);
	assert_false(exists(durable, "store.mdb.new"));
}

/* A store with the program 7, whose copy knows it; with `last` it is ended in order. */
static void store_leave(bool last)
{
	struct store *store = open_store();
	struct error error;

	assert_int_equal(program_add(store, 7), 0);
	copy_written(store);
	if (last)
		assert_int_equal(store_copy_last(store, &error), 0);
	store_close(store);
}

/* What a reboot does to the runtime directory. */
static void live_lose(void)
{
	(void)unlink(path_of(live, "lock"));
	assert_int_equal(unlink(path_of(live, "data.mdb")), 0);
}

static void test_last_copy_is_restored(void **state)
{
	struct store *store;

	(void)state;
	store_leave(true);
	assert_true(exists(durable, "store.clean"));
	live_lose();
	store = open_store();
	assert_true(holds(store, 7));
	assert_int_equal(store_next_program(store), 8);
	assert_int_equal(store_next_link(store), 1);
	assert_false(exists(durable, "store.clean"));
	assert_int_equal(program_add(store, 8), 0);
	store_close(store);

	/* 8 was given and is in no copy. */
	live_lose();
	store = open_store();
	assert_false(holds(store, 8));
	assert_int_equal(store_next_program(store), 8 + STORE_ID_GAP);
	assert_int_equal(store_next_link(store), 1 + STORE_ID_GAP);
	store_close(store);
}

/* The gap is in the live store that is restored, from its first moment. */
static void test_gap_lasts(void **state)
{
	struct store *store;

	(void)state;
	store_leave(false);
	live_lose();
	store_close(open_store());
	store = open_store();
	assert_int_equal(store_next_program(store), 8 + STORE_ID_GAP);
	copy_written(store);
	store_close(store);
	live_lose();
	store = open_store();
	assert_int_equal(store_next_program(store), 8 + 2 * STORE_ID_GAP);
	store_close(store);
}

static void test_live_store_goes_first(void **state)
{
	struct store *store;

	(void)state;
	store_leave(true);
	store = open_store();
	assert_true(store_dirty(store));
	assert_int_equal(program_add(store, 8), 0);
	store_close(store);
	store = open_store();
	assert_true(holds(store, 8));
	assert_int_equal(store_next_program(store), 9);
	store_close(store);
}

static void test_change_takes_the_mark(void **state)
{
	struct store *store = open_store();
	struct error error;

	(void)state;
	assert_int_equal(store_copy_last(store, &error), 0);
	assert_true(exists(durable, "store.clean"));
	assert_int_equal(program_add(store, 1), 0);
	assert_false(exists(durable, "store.clean"));
	assert_int_equal(store_ids_uncopied(store), 1);
	assert_int_equal(store_copy_last(store, &error), 0);
	store_close(store);
	live_lose();
	store = open_store();
	assert_true(holds(store, 1));
	assert_int_equal(store_next_program(store), 2);
	store_close(store);
}

/* Pages at the end that were used and freed in one change are not written by LMDB: the copy must be
 * taken for whole nevertheless. */
static void test_copies_of_any_size(void **state)
{
	struct store *store = open_store();

	(void)state;
	for (uint64_t id = 1; id <= 60; id++) {
		struct error error;

		assert_int_equal(program_add(store, id), 0);
		store_begin(store);
		for (uint64_t other = 1; other < id && id % 7 == 0; other++)
			store_program_delete(store, other);
		assert_int_equal(store_commit(store, &error), 0);
		assert_int_equal(store_copy_last(store, &error), 0);
		store_close(store);
		live_lose();
		store = open_store();
		assert_true(holds(store, id));
		assert_int_equal(store_next_program(store), id + 1);
	}
	store_close(store);
}

static void file_write(const char *path, const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	assert_int_equal(close(fd), 0);
}

static void test_left_overs(void **state)
{
	static const char bytes[10000] = "half of a store";
	struct store *store;

	(void)state;
	file_write(path_of(live, "data.mdb.new"), bytes, sizeof(bytes));
	file_write(path_of(durable, "store.mdb.new"), bytes, sizeof(bytes));
	store = open_store();
	assert_false(exists(live, "data.mdb.new"));
	assert_false(exists(durable, "store.mdb.new"));
	assert_int_equal(store_next_program(store), 1);
	/* One that appears later is in nobody's way. */
	file_write(path_of(durable, "store.mdb.new"), bytes, sizeof(bytes));
	copy_written(store);
	store_close(store);
}

static void test_damaged_copies(void **state)
{
	static char garbage[16384];
	struct stat status;

	(void)state;
	memset(garbage, 0x5a, sizeof(garbage));
	file_write(path_of(durable, "store.mdb"), garbage, sizeof(garbage));
	assert_open_refused(-EBADMSG, path_of(durable, "store.mdb"));
	assert_open_refused(-EBADMSG, "no store of bpfd's");
	assert_open_refused(-EBADMSG, "move it away to start with an empty store");
	assert_false(exists(live, "data.mdb"));
	file_write(path_of(durable, "store.mdb"), "", 0);
	assert_open_refused(-EBADMSG, "damaged");

	assert_int_equal(unlink(path_of(durable, "store.mdb")), 0);
	store_leave(true);
	live_lose();
	assert_int_equal(stat(path_of(durable, "store.mdb"), &status), 0);
	for (off_t size = status.st_size - 1; size > 0; size -= 1500) {
		assert_int_equal(truncate(path_of(durable, "store.mdb"), size), 0);
		assert_open_refused(-EBADMSG, path_of(durable, "store.mdb"));
		assert_false(exists(live, "data.mdb"));
	}
	/* What to do about it. */
	assert_int_equal(unlink(path_of(durable, "store.mdb")), 0);
	store_close(open_store());
}

/* Writes one record of the database "meta" past the store's own code. */
static void raw_meta_put(const char *path, const void *bytes, size_t size)
{
	uint64_t zero = 0;
	MDB_val key = { sizeof(zero), &zero };
	MDB_val value = { size, (void *)(uintptr_t)bytes };
	MDB_env *env;
	MDB_txn *transaction;
	MDB_dbi handle;

	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
	assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &transaction), 0);
	assert_int_equal(mdb_dbi_open(transaction, "meta", MDB_INTEGERKEY | MDB_CREATE, &handle),
	                 0);
	if (size)
		assert_int_equal(mdb_put(transaction, handle, &key, &value, 0), 0);
	assert_int_equal(mdb_txn_commit(transaction), 0);
	mdb_env_close(env);
}

static void test_other_formats(void **state)
{
	struct {
		uint64_t magic;
		uint32_t schema, reserved;
		uint64_t next[3];
	} meta = { .magic = 0x6266706453746f72ULL, .schema = 999 };

	(void)state;
	store_leave(true);
	live_lose();
	raw_meta_put(path_of(durable, "store.mdb"), &meta, sizeof(meta));
	assert_open_refused(-EBADMSG, "newer bpfd");
	assert_open_refused(-EBADMSG, path_of(durable, "store.mdb"));
	meta.magic = 1;
	raw_meta_put(path_of(durable, "store.mdb"), &meta, sizeof(meta));
	assert_open_refused(-EBADMSG, "damaged");
	/* An LMDB file of somebody else's is not taken for an empty store. */
	assert_int_equal(unlink(path_of(durable, "store.mdb")), 0);
	raw_meta_put(path_of(durable, "store.mdb"), NULL, 0);
	assert_open_refused(-EBADMSG, "damaged");
	assert_false(exists(live, "data.mdb"));
}

static void test_copy_is_no_link(void **state)
{
	(void)state;
	assert_int_equal(symlink("/etc/passwd", path_of(durable, "store.mdb")), 0);
	assert_open_refused(-ELOOP, path_of(durable, "store.mdb"));
}

static void ballast_make(const char *directory)
{
	static const char block[4096];
	int fd = open(path_of(directory, "ballast"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0) {
	}
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(close(fd), 0);
}

/* Changes go on; the old copy stays; the mark of the last start is gone, so that ids are safe. */
static void test_full_under_the_copy(void **state)
{
	struct store *store;
	struct error error;

	(void)state;
	store_leave(true);
	ballast_make(durable);
	store = open_store();
	assert_int_equal(program_add(store, 8), 0);
	assert_int_equal(store_copy(store, &error), -ENOSPC);
	assert_int_equal(error.code, ERROR_STORE);
	assert_non_null(strstr(error.message, path_of(durable, "store.mdb")));
	assert_int_equal(store_copy_last(store, &error), -ENOSPC);
	assert_true(store_dirty(store));
	assert_false(exists(durable, "store.mdb.new"));
	assert_false(exists(durable, "store.clean"));
	store_close(store);
	live_lose();
	store = open_store();
	assert_true(holds(store, 7));
	assert_int_equal(store_next_program(store), 8 + STORE_ID_GAP);
	assert_int_equal(unlink(path_of(durable, "ballast")), 0);
	copy_written(store);
	store_close(store);
}

static void test_read_only_under_the_copy(void **state)
{
	struct store *store;
	struct error error;

	(void)state;
	store_leave(true);
	live_lose();
	assert_int_equal(mount(NULL, durable, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	store = open_store();
	assert_true(holds(store, 7));
	assert_int_equal(program_add(store, store_next_program(store)), 0);
	assert_int_equal(store_copy(store, &error), -EROFS);
	assert_int_equal(store_copy_last(store, &error), -EROFS);
	store_close(store);
}

static void test_full_under_a_restore(void **state)
{
	struct store *store;

	(void)state;
	store_leave(true);
	live_lose();
	ballast_make(live);
	assert_open_refused(-ENOSPC, live);
	assert_false(exists(live, "data.mdb"));
	assert_int_equal(unlink(path_of(live, "ballast")), 0);
	store = open_store();
	assert_true(holds(store, 7));
	store_close(store);
}

static void test_no_directory(void **state)
{
	struct store *store = NULL;
	struct error error = {};

	(void)state;
	assert_int_equal(store_open(live, "/nowhere/at/all", STORE_MAP_SIZE, &store, &error),
	                 -ENOENT);
	assert_non_null(strstr(error.message, "/nowhere/at/all"));
}

/* kill -9 at any moment of changes and copies: the copy is one of those that were written. */
static void test_death_in_a_copy(void **state)
{
	(void)state;
	for (unsigned int delay_us = 0; delay_us < 4000; delay_us += 200) {
		struct store *store;
		uint64_t next;
		int written[2];
		pid_t child;

		assert_int_equal(pipe(written), 0);
		child = fork();
		if (child == 0) {
			store = open_store();
			for (;;) {
				struct error error;

				next = store_next_program(store);
				if (program_add(store, next) < 0 || store_copy(store, &error) < 0)
					_exit(1);
				store_begin(store);
				store_program_delete(store, next);
				if (store_commit(store, &error) < 0 ||
				    write(written[1], &next, sizeof(next)) != sizeof(next))
					_exit(1);
			}
		}
		assert_int_equal(close(written[1]), 0);
		assert_int_equal(read(written[0], &next, sizeof(next)), sizeof(next));
		(void)usleep(delay_us);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		while (read(written[0], &next, sizeof(next)) == sizeof(next)) {
		}
		assert_int_equal(close(written[0]), 0);
		live_lose();
		store = open_store();
		assert_in_range(store_next_program(store), next + 1 + STORE_ID_GAP,
		                next + 2 + STORE_ID_GAP);
		store_close(store);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_last_copy_is_restored),
		TEST(test_gap_lasts),
		TEST(test_live_store_goes_first),
		TEST(test_change_takes_the_mark),
		TEST(test_copies_of_any_size),
		TEST(test_left_overs),
		TEST(test_damaged_copies),
		TEST(test_other_formats),
		TEST(test_copy_is_no_link),
		TEST(test_full_under_the_copy),
		TEST(test_read_only_under_the_copy),
		TEST(test_full_under_a_restore),
		TEST(test_no_directory),
		TEST(test_death_in_a_copy),
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
