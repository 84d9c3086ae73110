/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the launcher prepares: users, directories, locks, the socket, the word to systemd; and
 * reasons in words. */
#include "common/cleanup.h"
#include "launcher/directories.h"
#include "launcher/listener.h"
#include "launcher/lock.h"
#include "launcher/notify.h"
#include "launcher/process.h"
#include "launcher/users.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define UID 64201
#define GID 64204

static char base[64]; /* an empty directory; each test cleans up what it made */

static const char *below(const char *name)
{
	static char path[96];

	(void)snprintf(path, sizeof(path), "%s/%s", base, name);
	return path;
}

static void file_write(const char *path, const char *text)
{
	_cleanup_fclose_ FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

static void stat_expect(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	struct stat status;

	assert_int_equal(lstat(path, &status), 0);
	assert_int_equal(status.st_uid, uid);
	assert_int_equal(status.st_gid, gid);
	assert_int_equal(status.st_mode & 07777, mode);
}

/* ---- users ---- */

struct users_row {
	const char *broker, *frontend, *loader, *fetcher, *verifier, *group;
	bool images;
	int result;
	const char *said; /* or NULL */
};

/* clang-format off */
static const struct users_row users_rows[] = {
	{ "b", "f", "l", "h", "v", "g", true, 0, NULL },
	{ "1001", "f", "l", "1004", "v", "g", true, 0, NULL },
	{ "b", "5002", "l", "h", "v", "5003", true, 0, NULL },
	{ "b", "f", "l", "x", "x", "g", false, 0, NULL },
	{ "x", "f", "l", "h", "v", "g", true, -ENOENT, "the user \"x\" ([users] broker) does not exist: run \"systemd-sysusers\"" },
	{ "b", "f", "y", "h", "v", "g", true, -ENOENT, "the user \"y\" ([users] loader) does not exist" },
	{ "b", "f", "l", "y", "v", "g", true, -ENOENT, "the user \"y\" ([users] fetcher) does not exist" },
	{ "b", "f", "l", "h", "y", "g", true, -ENOENT, "the user \"y\" ([users] verifier) does not exist" },
	{ "b", "f", "l", "h", "v", "z", true, -ENOENT, "the group \"z\" ([users] group) does not exist" },
	{ "b", "root", "l", "h", "v", "g", true, -EINVAL, "[users] frontend is root: it needs a user of its own" },
	{ "b", "f", "0", "h", "v", "g", true, -EINVAL, "[users] loader is root" },
	{ "b", "f", "l", "h", "0", "g", true, -EINVAL, "[users] verifier is root" },
	{ "b", "f", "1001", "h", "v", "g", true, -EINVAL, "[users] broker and loader are the same user (uid 1001)" },
	{ "b", "f", "l", "h", "h", "g", true, -EINVAL, "[users] fetcher and verifier are the same user (uid 1004)" },
	{ "b", "f", "l", "f", "v", "g", true, -EINVAL, "[users] frontend and fetcher are the same user (uid 1002)" },
	{ "b", "f", "l", "h", "v", "4294967295", true, -EINVAL, "[users] group = 4294967295: ids go up to 4294967294" },
	{ "b", "4294967295", "l", "h", "v", "g", true, -EINVAL, "ids go up to 4294967294" },
};
/* clang-format on */

static void users_are_found(void **state)
{
	(void)state;
	char passwd[128], group[128];

	(void)snprintf(passwd, sizeof(passwd), "%s", below("passwd"));
	(void)snprintf(group, sizeof(group), "%s", below("group"));
	users_passwd_path = passwd;
	users_group_path = group;
	file_write(passwd, "root:x:0:0::/root:/bin/sh\nb:x:1001:2001::/:/bin/false\n"
	                   "f:x:1002:2002::/:/bin/false\nl:x:1003:2003::/:/bin/false\n"
	                   "h:x:1004:2004::/:/bin/false\nv:x:1005:2005::/:/bin/false\n");
	file_write(group, "root:x:0:\ng:x:3000:b,f\n");
	for (size_t i = 0; i < sizeof(users_rows) / sizeof(users_rows[0]); i++) {
		const struct users_row *row = &users_rows[i];
		struct users users = {};
		struct error error = {};
		struct config config;

		config_defaults(&config);
		(void)snprintf(config.broker_user, sizeof(config.broker_user), "%s", row->broker);
		(void)snprintf(config.frontend_user, sizeof(config.frontend_user), "%s",
		               row->frontend);
		(void)snprintf(config.loader_user, sizeof(config.loader_user), "%s", row->loader);
		(void)snprintf(config.fetcher_user, sizeof(config.fetcher_user), "%s",
		               row->fetcher);
		(void)snprintf(config.verifier_user, sizeof(config.verifier_user), "%s",
		               row->verifier);
		(void)snprintf(config.group, sizeof(config.group), "%s", row->group);
		config.images = row->images;
		assert_int_equal(users_find(&config, &users, &error), row->result);
		if (row->said && !strstr(error.message, row->said))
			fail_msg("row %zu says: %s", i, error.message);
		if (row->result)
			continue;
		assert_int_equal(users.broker.uid, 1001);
		assert_int_equal(users.broker.gid, 2001);
		assert_int_equal(users.frontend.uid, row->frontend[0] == '5' ? 5002 : 1002);
		assert_int_equal(users.frontend.gid, row->frontend[0] == '5' ? 5002 : 2002);
		assert_int_equal(users.fetcher.uid, row->images ? 1004 : 0);
		assert_int_equal(users.verifier.gid, row->images ? 2005 : 0);
		assert_int_equal(users.access_gid, row->group[0] == '5' ? 5003 : 3000);
	}
	assert_int_equal(unlink(passwd) | unlink(group), 0);
}

/* ---- directories ---- */

static void directory_is_made(void **state)
{
	(void)state;
	struct directory directory = { below("d"), UID, GID, 02750 };
	struct error error = {};

	/* looking does not make it */
	assert_int_equal(directory_prepare(&directory, true, &error), 0);
	assert_int_equal(access(directory.path, F_OK), -1);
	assert_int_equal(directory_prepare(&directory, false, &error), 0);
	stat_expect(directory.path, UID, GID, 02750);
	/* again, and after somebody spoilt it */
	assert_int_equal(chown(directory.path, 0, 0) | chmod(directory.path, 0777), 0);
	assert_int_equal(directory_prepare(&directory, true, &error), 0);
	stat_expect(directory.path, 0, 0, 0777);
	assert_int_equal(directory_prepare(&directory, false, &error), 0);
	stat_expect(directory.path, UID, GID, 02750);
	assert_int_equal(rmdir(directory.path), 0);
}

static void directory_of_a_stranger_is_refused(void **state)
{
	(void)state;
	struct directory directory = { below("d"), UID, GID, 0700 };
	struct error error = {};

	assert_int_equal(mkdir(directory.path, 0755), 0);
	assert_int_equal(chown(directory.path, UID + 1, GID), 0);
	for (int check_only = 0; check_only <= 1; check_only++) {
		assert_int_equal(directory_prepare(&directory, check_only, &error), -EPERM);
		assert_non_null(
			strstr(error.message, "belongs to uid 64202: bpfd takes over nobody's"));
	}
	stat_expect(directory.path, UID + 1, GID, 0755);
	assert_int_equal(rmdir(directory.path), 0);
}

static void links_and_files_are_refused(void **state)
{
	(void)state;
	struct directory directory = { below("d"), UID, GID, 0700 };
	struct error error = {};

	assert_int_equal(symlink("/etc", directory.path), 0);
	assert_int_equal(directory_prepare(&directory, false, &error), -ENOTDIR);
	assert_non_null(strstr(error.message, "is not a directory (or a symbolic link)"));
	stat_expect("/etc", 0, 0, 0755);
	assert_int_equal(unlink(directory.path), 0);
	file_write(directory.path, "");
	assert_int_equal(directory_prepare(&directory, false, &error), -ENOTDIR);
	assert_int_equal(unlink(directory.path), 0);
}

static void a_missing_parent_is_told(void **state)
{
	(void)state;
	struct directory directory = { below("no/d"), UID, GID, 0700 };
	struct error error = {};

	assert_int_equal(directory_prepare(&directory, true, &error), 0);
	assert_int_equal(directory_prepare(&directory, false, &error), -ENOENT);
	assert_non_null(strstr(error.message, "cannot make "));
}

static void mounts_are_told_apart(void **state)
{
	(void)state;
	struct error error = {};

	assert_int_equal(bpffs_check(base, &error), -ENODEV);
	assert_non_null(strstr(error.message, "no BPF file system is mounted on"));
	assert_non_null(strstr(error.message, "run \"mount -t bpf bpf "));
	assert_int_equal(bpffs_check("/nowhere", &error), -ENODEV);
	assert_int_equal(tracefs_check(base, &error), -ENODEV);
	assert_non_null(strstr(error.message, "mount -t tracefs tracefs"));
}

static void the_mount_lets_everybody_search(void **state)
{
	(void)state;
	struct error error = {};

	assert_int_equal(chmod(base, 0700), 0);
	assert_int_equal(bpffs_open_up(base, &error), 0);
	stat_expect(base, 0, 0, 0711);
	assert_int_equal(chmod(base, 01777), 0);
	assert_int_equal(bpffs_open_up(base, &error), 0);
	stat_expect(base, 0, 0, 01777);
	assert_int_equal(chmod(base, 0755), 0);
	assert_int_equal(bpffs_open_up("/nowhere", &error), -ENOENT);
}

/* ---- locks ---- */

static void a_directory_is_locked_once(void **state)
{
	(void)state;
	static const char *const files[] = { NULL, "lock" };

	for (size_t i = 0; i < 2; i++) {
		struct error error = {};
		int first = -1, second = -1;

		assert_int_equal(lock_take(base, files[i], &first, &error), 0);
		assert_int_equal(lock_take(base, files[i], &second, &error), -EBUSY);
		assert_int_equal(second, -1);
		assert_non_null(strstr(error.message, "another bpfd"));
		assert_non_null(strstr(error.message, base));
		(void)close(first);
		assert_int_equal(lock_take(base, files[i], &second, &error), 0);
		(void)close(second);
	}
	stat_expect(below("lock"), 0, 0, 0600);
	assert_int_equal(unlink(below("lock")), 0);
}

static void a_lock_is_no_link(void **state)
{
	(void)state;
	struct error error = {};
	int fd = -1;

	assert_int_equal(symlink("/etc/passwd", below("lock")), 0);
	assert_int_equal(lock_take(base, "lock", &fd, &error), -ELOOP);
	assert_int_equal(lock_take(below("lock"), NULL, &fd, &error), -ENOTDIR);
	assert_int_equal(unlink(below("lock")), 0);
	assert_int_equal(fd, -1);
}

static void the_holder_is_found(void **state)
{
	(void)state;
	file_write(below("locks"), "1: POSIX  ADVISORY  WRITE 11 00:2a:77 0 EOF\n"
	                           "2: FLOCK  ADVISORY  READ 12 00:2a:78 0 EOF\n"
	                           "3: FLOCK  ADVISORY  WRITE 13 00:2b:77 0 EOF\n"
	                           "3: -> FLOCK  ADVISORY  WRITE 15 00:2a:77 0 EOF\n"
	                           "nonsense\n"
	                           "4: FLOCK  ADVISORY  WRITE 14 00:2a:77 0 EOF\n"
	                           "5: FLOCK  ADVISORY  WRITE -1 00:2a:79 0 EOF\n");
	assert_int_equal(lock_holder(below("locks"), 77, 0, 0x2a), 14);
	assert_int_equal(lock_holder(below("locks"), 77, 0, 0x2b), 13);
	assert_int_equal(lock_holder(below("locks"), 79, 0, 0x2a), 0);
	assert_int_equal(lock_holder(below("locks"), 80, 0, 0x2a), 0);
	assert_int_equal(lock_holder(below("none"), 77, 0, 0x2a), 0);
	assert_int_equal(unlink(below("locks")), 0);
}

/* ---- the socket ---- */

static int client_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

static void the_socket_is_made_anew(void **state)
{
	(void)state;
	struct error error = {};

	for (int round = 0; round < 2; round++) { /* the second finds a stale one */
		_cleanup_close_ int fd = -1;

		assert_int_equal(listener_open(below("s"), GID, 0660, &fd, &error), 0);
		stat_expect(below("s"), 0, GID, 0660);
		assert_int_equal(client_connect(below("s")), 0);
		assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	}
	assert_int_equal(client_connect(below("s")), -ECONNREFUSED);
	assert_int_equal(unlink(below("s")), 0);
	/* the umask is as it was */
	file_write(below("f"), "");
	stat_expect(below("f"), 0, 0, 0644);
	_cleanup_close_ int fd = -1;

	assert_int_equal(listener_open(below("f"), GID, 0660, &fd, &error), -EEXIST);
	assert_non_null(strstr(error.message, "exists and is not a socket"));
	assert_int_equal(unlink(below("f")), 0);
}

/* ---- systemd ---- */

static void notify_round(const char *name, const struct sockaddr_un *address, socklen_t length)
{
	_cleanup_close_ int server = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int fd = -1;
	struct error error = {};
	char got[32] = "";

	assert_int_equal(bind(server, (const struct sockaddr *)address, length), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	assert_int_equal(notify_open(&fd, &error), 0);
	assert_true(fd >= 0);
	assert_null(getenv("NOTIFY_SOCKET"));
	notify_send(fd, "READY=1");
	assert_int_equal(recv(server, got, sizeof(got), MSG_DONTWAIT), 7);
	assert_string_equal(got, "READY=1");
}

static void systemd_is_told(void **state)
{
	(void)state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct error error = {};
	int fd = 5;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", below("n"));
	notify_round(below("n"), &address, sizeof(address));
	assert_int_equal(setenv("NOTIFY_SOCKET", below("n"), 1), 0);
	assert_int_equal(notify_open(&fd, &error), -ECONNREFUSED);
	assert_int_equal(unlink(below("n")), 0);

	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	int length = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "bpfd-test-%d",
	                      (int)getpid());
	char name[sizeof(address.sun_path) + 1];

	(void)snprintf(name, sizeof(name), "@%s", address.sun_path + 1);
	notify_round(name, &address, (socklen_t)(sizeof(address.sun_family) + 1 + (size_t)length));

	assert_int_equal(setenv("NOTIFY_SOCKET", "vsock:2:1", 1), 0);
	assert_int_equal(notify_open(&fd, &error), -EINVAL);
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	assert_int_equal(fd, 5);
	assert_int_equal(notify_open(&fd, &error), 0);
	assert_int_equal(fd, -1);
	notify_send(fd, "READY=1"); /* to nobody */
}

/* ---- reasons ---- */

static void reasons_are_in_words(void **state)
{
	(void)state;
	char reason[PROCESS_REASON_SIZE];

	assert_string_equal(process_reason(W_EXITCODE(0, 0), reason), "ended with status 0");
	assert_string_equal(process_reason(W_EXITCODE(127, 0), reason), "ended with status 127");
	assert_string_equal(process_reason(W_EXITCODE(0, SIGSEGV), reason),
	                    "was killed by SIGSEGV");
	assert_string_equal(process_reason(W_EXITCODE(0, SIGSYS), reason),
	                    "was killed by SIGSYS: its seccomp policy refused a system call (the "
	                    "kernel's log says which)");
	assert_non_null(strstr(process_reason(W_EXITCODE(0, SIGKILL), reason), "memory ran out"));
	assert_non_null(strstr(process_reason(W_EXITCODE(0, SIGXCPU), reason), "resource limit"));
	assert_string_equal(process_reason(W_EXITCODE(0, 40), reason), "was killed by signal 40");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_are_found),
		cmocka_unit_test(directory_is_made),
		cmocka_unit_test(directory_of_a_stranger_is_refused),
		cmocka_unit_test(links_and_files_are_refused),
		cmocka_unit_test(a_missing_parent_is_told),
		cmocka_unit_test(mounts_are_told_apart),
		cmocka_unit_test(the_mount_lets_everybody_search),
		cmocka_unit_test(a_directory_is_locked_once),
		cmocka_unit_test(a_lock_is_no_link),
		cmocka_unit_test(the_holder_is_found),
		cmocka_unit_test(the_socket_is_made_anew),
		cmocka_unit_test(systemd_is_told),
		cmocka_unit_test(reasons_are_in_words),
	};

	if (geteuid() != 0) {
		(void)fprintf(stderr, "SKIP: needs root, to give files to other users\n");
		return 77;
	}
	(void)snprintf(base, sizeof(base), "/tmp/bpfd-files-test-XXXXXX");
	if (!mkdtemp(base) || chmod(base, 0755) < 0)
		return 1;
	(void)umask(0022);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (rmdir(base) < 0) {
		(void)fprintf(stderr, "%s is not empty\n", base);
		return 1;
	}
	return failed;
}
