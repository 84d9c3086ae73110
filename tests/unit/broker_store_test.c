/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The store: what it keeps, what it forgets, and what happens when it cannot write, is damaged or
 * its process dies. */
#include <cmocka.h>

#include "broker/store.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[] = "/tmp/bpfd-store-XXXXXX";
static char durable[] = "/tmp/bpfd-copy-XXXXXX";

/* Each test has an empty tmpfs, so that a full one and a read-only one are real. */
static int setup(void **state)
{
	(void)state;
	return mount("store", directory, "tmpfs", 0, "size=4m,mode=0700") < 0 ||
	       mount("copy", durable, "tmpfs", 0, "size=4m,mode=0700") < 0;
}

static int teardown(void **state)
{
	(void)state;
	return umount2(directory, MNT_DETACH) < 0 || umount2(durable, MNT_DETACH) < 0;
}

static struct store *open_sized(size_t map_size)
{
	struct error error = {};
	struct store *store = NULL;
	int result = store_open(directory, durable, map_size, &store, &error);

	if (result)
		print_error("%s\n", error.message);
	assert_int_equal(result, 0);
	return store;
}

static struct store *open_store(void)
{
	return open_sized(STORE_MAP_SIZE);
}

static struct record_program program_make(uint64_t id)
{
	struct record_program program = {
		.id = id,
		.type = 1,
		.form = PROGRAM_FORM_EXTENSION,
		.kernel_id = (uint32_t)(1000 + id),
		.map_count = 2,
		.name = "count_packets",
		.kernel_name = "count_packets",
		.application = "tests",
		.source_name = "count.o",
		.maps = { { .name = "counters", .kernel_id = 7 },
		          { .name = ".rodata", .kernel_id = 8 } },
		.metadata = { .count = 1, .entries = { { .key = "k", .value = "v" } } },
	};

	return program;
}

static struct record_link link_make(uint64_t id, uint64_t program_id)
{
	struct record_link link = {
		.id = id,
		.program_id = program_id,
		.type = 1,
		.state = LINK_STATE_ATTACHED,
		.target = { .interface = "eth0", .ifindex = 3, .priority = 50 },
	};

	return link;
}

static int program_add(struct store *store, uint64_t id, struct error *error)
{
	struct record_program program = program_make(id);

	store_begin(store);
	store_program_put(store, &program);
	return store_commit(store, error);
}

static void test_round_trip(void **state)
{
	struct store *store = open_store();
	struct record_program program = program_make(1), read_program;
	struct record_link link = link_make(1, 1), read_link;
	struct record_globals globals = { .count = 1,
		                          .data_size = 4,
		                          .entries = { { .name = "limit", .size = 4 } },
		                          .data = { 1, 2, 3, 4 } };
	static struct record_globals read_globals;
	struct error error;

	(void)state;
	store_begin(store);
	store_program_put(store, &program);
	store_globals_put(store, 1, &globals);
	store_link_put(store, &link);
	assert_int_equal(store_commit(store, &error), 0);
	assert_true(store_dirty(store));
	assert_int_equal(store_copy(store, &error), 0);
	assert_false(store_dirty(store));
	store_close(store);

	store = open_store();
	assert_int_equal(store_program_get(store, 1, &read_program, &error), 0);
	assert_memory_equal(&program, &read_program, sizeof(program));
	assert_int_equal(store_link_next(store, 0, &read_link, &error), 0);
	assert_memory_equal(&link, &read_link, sizeof(link));
	assert_int_equal(store_link_next(store, 1, &read_link, &error), -ENOENT);
	assert_int_equal(store_globals_get(store, 1, &read_globals, &error), 0);
	assert_memory_equal(&globals, &read_globals, sizeof(globals));
	assert_int_equal(store_globals_get(store, 2, &read_globals, &error), -ENOENT);
	store_close(store);
}

static void test_ids_are_never_used_again(void **state)
{
	struct store *store = open_store();
	struct record_link link = link_make(4, 9);
	struct error error;

	(void)state;
	assert_int_equal(store_next_program(store), 1);
	assert_int_equal(program_add(store, 9, &error), 0);
	store_begin(store);
	store_link_put(store, &link);
	assert_int_equal(store_commit(store, &error), 0);
	store_begin(store);
	store_program_delete(store, 9);
	store_link_delete(store, 4);
	assert_int_equal(store_commit(store, &error), 0);
	store_close(store);
	store = open_store();
	assert_int_equal(store_next_program(store), 10);
	assert_int_equal(store_next_link(store), 5);
	store_close(store);
}

static void test_abort_and_delete_of_nothing(void **state)
{
	struct store *store = open_store();
	struct record_program program = program_make(1);
	struct error error;

	(void)state;
	store_begin(store);
	store_program_put(store, &program);
	store_abort(store);
	assert_int_equal(store_program_get(store, 1, &program, &error), -ENOENT);
	store_begin(store);
	store_program_delete(store, 77);
	store_link_delete(store, 77);
	assert_int_equal(store_commit(store, &error), 0);
	store_close(store);
}

static void test_requests(void **state)
{
	struct store *store = open_store();
	struct store_answer answer = { .operation = STORE_OPERATION_LOAD,
		                       .count = 2,
		                       .ids = { 5, 6 } };
	struct store_answer found = {};
	uint8_t request_id[REQUEST_ID_SIZE] = { 1, 2, 3 };
	static const uint8_t none[REQUEST_ID_SIZE];
	struct error error;

	(void)state;
	store_begin(store);
	store_request_put(store, request_id, 1000, &answer);
	store_request_put(store, none, 1000, &answer);
	assert_int_equal(store_commit(store, &error), 0);
	store_close(store);
	store = open_store();
	assert_int_equal(store_request_get(store, request_id, 1000, &found, &error), 0);
	assert_memory_equal(&found, &answer, sizeof(answer));
	/* Another user's request with the same id is another request. */
	assert_int_equal(store_request_get(store, request_id, 1001, &found, &error), -ENOENT);
	assert_int_equal(store_request_get(store, none, 1000, &found, &error), -ENOENT);
	store_close(store);
}

static void test_oldest_requests_are_dropped(void **state)
{
	struct store *store = open_store();
	struct store_answer answer = { .operation = STORE_OPERATION_DETACH,
		                       .count = 1,
		                       .ids = { 1 } };
	uint8_t request_id[REQUEST_ID_SIZE] = { 0xff };
	struct error error;

	(void)state;
	store_begin(store);
	for (uint32_t i = 0; i < STORE_REQUESTS_MAX + 10; i++) {
		memcpy(request_id + 1, &i, sizeof(i));
		store_request_put(store, request_id, 0, &answer);
	}
	assert_int_equal(store_commit(store, &error), 0);
	for (uint32_t i = 0; i < STORE_REQUESTS_MAX + 10; i++) {
		memcpy(request_id + 1, &i, sizeof(i));
		assert_int_equal(store_request_get(store, request_id, 0, &answer, &error),
		                 i < 10 ? -ENOENT : 0);
	}
	store_close(store);
}

static void test_second_process_is_refused(void **state)
{
	struct store *store = open_store();
	int status = -1;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		struct store *other = NULL;
		struct error error = {};
		int result = store_open(directory, durable, STORE_MAP_SIZE, &other, &error);

		_exit(result == -EBUSY && strstr(error.message, "another bpfd") ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	store_close(store);
	store_close(open_store());
}

static void file_write(const char *name, const void *bytes, size_t size)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	assert_int_equal(close(fd), 0);
}

static void assert_open_refused(const char *because)
{
	struct store *store = NULL;
	struct error error = {};

	assert_int_equal(store_open(directory, durable, STORE_MAP_SIZE, &store, &error), -EBADMSG);
	assert_null(store);
	assert_int_equal(error.code, ERROR_STORE);
	if (!strstr(error.message, because))
		fail_msg("\"%s\" does not say \"%s\"", error.message, because);
}

static void test_no_store(void **state)
{
	static unsigned char garbage[8192];

	(void)state;
	memset(garbage, 0x5a, sizeof(garbage));
	file_write("data.mdb", garbage, sizeof(garbage));
	assert_open_refused("no store of bpfd's");
}

/* Writes one record past the store's own code. */
static void raw_put(const char *database, uint64_t key_id, const void *bytes, size_t size)
{
	MDB_val key = { sizeof(key_id), &key_id };
	MDB_val value = { size, (void *)(uintptr_t)bytes };
	MDB_env *env;
	MDB_txn *transaction;
	MDB_dbi handle;

	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
	assert_int_equal(mdb_env_open(env, directory, MDB_NOLOCK, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &transaction), 0);
	assert_int_equal(mdb_dbi_open(transaction, database, MDB_INTEGERKEY, &handle), 0);
	assert_int_equal(mdb_put(transaction, handle, &key, &value, 0), 0);
	assert_int_equal(mdb_txn_commit(transaction), 0);
	mdb_env_close(env);
}

struct raw_meta {
	uint64_t magic;
	uint32_t schema;
	uint32_t reserved;
	uint64_t next[3];
};

static void test_other_formats(void **state)
{
	struct raw_meta meta = { .magic = 0x6266706453746f72ULL, .schema = 999 };

	(void)state;
	store_close(open_store());
	raw_put("meta", 0, &meta, sizeof(meta));
	assert_open_refused("newer bpfd");
	meta.schema = 1;
	raw_put("meta", 0, &meta, sizeof(meta));
	assert_open_refused("older bpfd");
	meta.magic = 1;
	raw_put("meta", 0, &meta, sizeof(meta));
	assert_open_refused("damaged");
	raw_put("meta", 0, &meta, 5);
	assert_open_refused("damaged");
}

static void test_damaged_records_are_named(void **state)
{
	static unsigned char bytes[sizeof(struct record_program) + 100];
	struct record_program program;
	struct record_link link;
	struct store *store = open_store();
	struct error error = {};

	(void)state;
	assert_int_equal(program_add(store, 3, &error), 0);
	store_close(store);
	raw_put("programs", 4, "x", 1);
	raw_put("programs", 5, bytes, sizeof(bytes));
	raw_put("links", 6, bytes, 100);
	raw_put("globals", 3, bytes, 3);
	store = open_store();
	assert_int_equal(store_program_get(store, 3, &program, &error), 0);
	assert_int_equal(store_program_next(store, 3, &program, &error), -EBADMSG);
	assert_non_null(strstr(error.message, "program 4"));
	assert_int_equal(store_program_get(store, 5, &program, &error), -EBADMSG);
	assert_int_equal(store_link_next(store, 0, &link, &error), -EBADMSG);
	assert_non_null(strstr(error.message, "link 6"));
	static struct record_globals globals;
	assert_int_equal(store_globals_get(store, 3, &globals, &error), -EBADMSG);
	store_close(store);
}

/* Adds programs until the store says no; returns how many it holds. */
static uint64_t fill(struct store *store, struct error *error)
{
	for (uint64_t id = 1;; id++) {
		int result = program_add(store, id, error);

		if (result) {
			assert_int_equal(result, -ENOSPC);
			assert_int_equal(error->code, ERROR_STORE);
			return id - 1;
		}
		assert_true(id < 100000);
	}
}

static void assert_holds(struct store *store, uint64_t count)
{
	struct record_program program;
	struct error error;

	for (uint64_t id = 1; id <= count; id++)
		assert_int_equal(store_program_get(store, id, &program, &error), 0);
	assert_int_equal(store_program_get(store, count + 1, &program, &error), -ENOENT);
}

static void test_map_full(void **state)
{
	struct store *store = open_sized((size_t)256 << 10);
	struct record_program program;
	struct error error = {};
	uint64_t count = fill(store, &error);

	(void)state;
	assert_true(count > 10);
	assert_non_null(strstr(error.message, "largest size"));
	assert_holds(store, count);
	store_close(store);
	store = open_sized((size_t)1 << 20);
	assert_holds(store, count);
	store_begin(store);
	store_program_delete(store, 1);
	assert_int_equal(store_commit(store, &error), 0);
	assert_int_equal(store_program_get(store, 1, &program, &error), -ENOENT);
	assert_int_equal(program_add(store, store_next_program(store), &error), 0);
	store_close(store);
}

static void test_disk_full(void **state)
{
	static unsigned char block[65536];
	struct store *store = open_store();
	struct error error = {};
	char path[256];
	uint64_t count;
	int fd;

	(void)state;
	assert_int_equal(program_add(store, 1, &error), 0);
	(void)snprintf(path, sizeof(path), "%s/ballast", directory);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0) {
	}
	assert_int_equal(errno, ENOSPC);
	count = fill(store, &error); /* program 1 again, and what old pages take */
	assert_non_null(strstr(error.message, "file system is full"));
	assert_holds(store, count > 0 ? count : 1);
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(program_add(store, count + 1, &error), 0);
	store_close(store);
	store = open_store();
	assert_holds(store, count + 1);
	store_close(store);
}

static void test_read_only(void **state)
{
	struct store *store = NULL;
	struct error error = {};

	(void)state;
	assert_int_equal(mount(NULL, directory, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	assert_int_equal(store_open(directory, durable, STORE_MAP_SIZE, &store, &error), -EROFS);
	assert_non_null(strstr(error.message, directory));
}

/* What a process leaves that dies at each point of a change: nothing of it before the commit, all
 * of it after. */
static void test_death_in_a_change(void **state)
{
	(void)state;
	for (int point = 0; point < 3; point++) {
		struct record_program program;
		struct error error;
		int status = -1;
		pid_t child = fork();

		if (child == 0) {
			struct store *store = open_store();

			program = program_make(1);
			store_begin(store);
			if (point == 0)
				_exit(9);
			store_program_put(store, &program);
			if (point == 1)
				_exit(9);
			(void)store_commit(store, &error);
			_exit(9);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(WEXITSTATUS(status), 9);

		struct store *store = open_store();

		assert_int_equal(store_program_get(store, 1, &program, &error),
		                 point == 2 ? 0 : -ENOENT);
		assert_int_equal(store_next_program(store), point == 2 ? 2 : 1);
		store_close(store);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ids_are_never_used_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_abort_and_delete_of_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_oldest_requests_are_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_second_process_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_store, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_formats, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_records_are_named, setup, teardown),
		cmocka_unit_test_setup_teardown(test_map_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_death_in_a_change, setup, teardown),
	};
	int failed;

	if (geteuid() != 0) {
		print_message("SKIP: a disk of its own needs root\n");
		return 77;
	}
	if (!mkdtemp(directory) || !mkdtemp(durable) || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		perror("a private mount namespace");
		return 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)rmdir(directory);
	(void)rmdir(durable);
	return failed;
}
