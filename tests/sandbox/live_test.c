/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Each policy entered by a real process, which then tries things: passed, errno, or killed. */
#include "common/cleanup.h"
#include "common/landlock.h"
#include "tests/sandbox/fixture.h"

#include <cmocka.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct fixture fixture;

/* Actions: 0 or a positive errno. */

static int map_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? errno : 0;
}

static int map_data(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? errno : 0;
}

static int bpf_command(uint64_t command)
{
	union bpf_attr attributes = {};

	/* An empty question: EINVAL says that the kernel was reached. */
	return syscall(SYS_bpf, command, &attributes, sizeof(attributes)) < 0 ? errno : 0;
}

static int bpf_map_create(void)
{
	return bpf_command(BPF_MAP_CREATE);
}

static int bpf_next_id(void)
{
	return bpf_command(BPF_PROG_GET_NEXT_ID);
}

/* After the last id there is none. */
static int bpf_after_last(void)
{
	union bpf_attr attributes = { .start_id = INT32_MAX - 1 };

	return syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &attributes, sizeof(attributes)) < 0 ? errno
	                                                                                   : 0;
}

static int bpf_run(void)
{
	return bpf_command(BPF_PROG_TEST_RUN);
}

/* Of no program. */
static int bpf_link(void)
{
	union bpf_attr attributes = { .link_create = { .prog_fd = UINT32_MAX } };

	return syscall(SYS_bpf, BPF_LINK_CREATE, &attributes, sizeof(attributes)) < 0 ? errno : 0;
}

/* Of no hook. */
static int bpf_query(void)
{
	union bpf_attr attributes = { .query = { .attach_type = UINT32_MAX } };

	return syscall(SYS_bpf, BPF_PROG_QUERY, &attributes, sizeof(attributes)) < 0 ? errno : 0;
}

static int bpf_pin_disguised(void)
{
	return bpf_command(UINT64_C(1) << 32 | BPF_OBJ_PIN);
}

static int bpf_by_id(void)
{
	return bpf_command(BPF_PROG_GET_FD_BY_ID);
}

static int socket_open(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static int trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? errno : 0;
}

static int path_execute(const char *path)
{
	char *const arguments[] = { (char[]){ "true" }, NULL };

	return execve(path, arguments, NULL) < 0 ? errno : 0;
}

static int execute(void)
{
	return path_execute("/bin/true");
}

static int own_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid < 0 || waitpid(pid, NULL, 0) != pid ? errno : 0;
}

static int become_root(void)
{
	return setresuid(0, 0, 0) < 0 ? errno : 0;
}

static int regain(void)
{
	return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 ? errno : 0;
}

static int limit_raise(void)
{
	const struct rlimit limit = { 1 << 20, 1 << 20 };

	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? errno : 0;
}

static int many_descriptors(void)
{
	for (int i = 0; i < 100000; i++) {
		if (memfd_create("one", MFD_CLOEXEC) < 0)
			return errno;
	}
	return 0;
}

static int terminal_inject(void)
{
	return syscall(SYS_ioctl, STDIN_FILENO, 0x5412 /* TIOCSTI */, "x") < 0 ? errno : 0;
}

/* A function of no arguments is run behind the policy's sandbox. */
struct row {
	const char *what;
	const struct sandbox_policy *policy;
	int (*action)(void);
	int outcome; /* 0, a positive errno, or CHILD_KILLED */
};

/* clang-format off */
static const struct row rows[] = {
	{ "map data", &sandbox_policy_launcher, map_data, 0 },
	{ "map data", &sandbox_policy_broker, map_data, 0 },
	{ "map data", &sandbox_policy_gate, map_data, 0 },
	{ "map data", &sandbox_policy_frontend, map_data, 0 },
	{ "map data", &sandbox_policy_loader, map_data, 0 },
	{ "map data", &sandbox_policy_opener, map_data, CHILD_KILLED }, /* it has all it needs */
	{ "map code", &sandbox_policy_launcher, map_code, 0 }, /* a loader's libc */
	{ "map code", &sandbox_policy_broker, map_code, CHILD_KILLED },
	{ "map code", &sandbox_policy_gate, map_code, CHILD_KILLED },
	{ "map code", &sandbox_policy_frontend, map_code, CHILD_KILLED },
	{ "map code", &sandbox_policy_loader, map_code, CHILD_KILLED },
	{ "map code", &sandbox_policy_opener, map_code, CHILD_KILLED },
	{ "create a map", &sandbox_policy_broker, bpf_map_create, EINVAL },
	{ "create a map", &sandbox_policy_gate, bpf_map_create, EINVAL },
	{ "create a map", &sandbox_policy_frontend, bpf_map_create, CHILD_KILLED },
	{ "create a map", &sandbox_policy_loader, bpf_map_create, CHILD_KILLED },
	{ "create a map", &sandbox_policy_opener, bpf_map_create, CHILD_KILLED },
	{ "enumerate programs", &sandbox_policy_broker, bpf_next_id, CHILD_KILLED },
	{ "enumerate programs", &sandbox_policy_opener, bpf_after_last, ENOENT },
	{ "run a program", &sandbox_policy_opener, bpf_run, CHILD_KILLED },
	{ "make a link", &sandbox_policy_opener, bpf_link, EBADF },
	{ "make a link", &sandbox_policy_gate, bpf_link, CHILD_KILLED },
	{ "make a link", &sandbox_policy_loader, bpf_link, CHILD_KILLED },
	{ "ask about a hook", &sandbox_policy_opener, bpf_query, EINVAL },
	{ "ask about a hook", &sandbox_policy_gate, bpf_query, CHILD_KILLED },
	{ "program by id", &sandbox_policy_broker, bpf_by_id, CHILD_KILLED },
	{ "program by id", &sandbox_policy_opener, bpf_by_id, ENOENT },
	{ "pin, command | 1<<32", &sandbox_policy_gate, bpf_pin_disguised, CHILD_KILLED },
	{ "pin, command | 1<<32", &sandbox_policy_opener, bpf_pin_disguised, CHILD_KILLED },
	{ "socket", &sandbox_policy_launcher, socket_open, 0 }, /* fetchers are born behind it */
	{ "socket", &sandbox_policy_fetcher, socket_open, 0 },
	{ "socket", &sandbox_policy_image, socket_open, 0 },
	{ "socket", &sandbox_policy_verifier, socket_open, CHILD_KILLED },
	{ "socket", &sandbox_policy_broker, socket_open, CHILD_KILLED },
	{ "socket", &sandbox_policy_gate, socket_open, CHILD_KILLED },
	{ "socket", &sandbox_policy_frontend, socket_open, CHILD_KILLED },
	{ "socket", &sandbox_policy_loader, socket_open, CHILD_KILLED },
	{ "socket", &sandbox_policy_opener, socket_open, CHILD_KILLED },
	{ "be traced", &sandbox_policy_launcher, trace, CHILD_KILLED },
	{ "be traced", &sandbox_policy_broker, trace, CHILD_KILLED },
	{ "be traced", &sandbox_policy_loader, trace, CHILD_KILLED },
	{ "be traced", &sandbox_policy_fetcher, trace, CHILD_KILLED },
	{ "be traced", &sandbox_policy_verifier, trace, CHILD_KILLED },
	{ "be traced", &sandbox_policy_image, trace, CHILD_KILLED },
	{ "execute", &sandbox_policy_broker, execute, CHILD_KILLED },
	{ "execute", &sandbox_policy_fetcher, execute, CHILD_KILLED },
	{ "execute", &sandbox_policy_verifier, execute, CHILD_KILLED },
	{ "execute", &sandbox_policy_image, execute, CHILD_KILLED },
	{ "execute", &sandbox_policy_loader, execute, CHILD_KILLED },
	{ "execute", &sandbox_policy_opener, execute, CHILD_KILLED },
	{ "fork", &sandbox_policy_launcher, own_fork, 0 },
	{ "fork", &sandbox_policy_broker, own_fork, 0 },
	{ "fork", &sandbox_policy_gate, own_fork, CHILD_KILLED },
	{ "fork", &sandbox_policy_frontend, own_fork, CHILD_KILLED },
	{ "fork", &sandbox_policy_loader, own_fork, CHILD_KILLED },
	{ "fork", &sandbox_policy_fetcher, own_fork, CHILD_KILLED },
	{ "fork", &sandbox_policy_verifier, own_fork, CHILD_KILLED },
	{ "fork", &sandbox_policy_image, own_fork, CHILD_KILLED },
	{ "become root", &sandbox_policy_fetcher, become_root, CHILD_KILLED },
	{ "become root", &sandbox_policy_verifier, become_root, CHILD_KILLED },
	{ "become root", &sandbox_policy_image, become_root, CHILD_KILLED },
	{ "become root", &sandbox_policy_broker, become_root, CHILD_KILLED },
	{ "become root", &sandbox_policy_loader, become_root, CHILD_KILLED },
	{ "keep capabilities", &sandbox_policy_broker, regain, CHILD_KILLED },
	{ "keep capabilities", &sandbox_policy_opener, regain, CHILD_KILLED },
	{ "raise a limit", &sandbox_policy_broker, limit_raise, EPERM },
	{ "raise a limit", &sandbox_policy_loader, limit_raise, EPERM },
	{ "raise a limit", &sandbox_policy_frontend, limit_raise, CHILD_KILLED },
	{ "many descriptors", &sandbox_policy_loader, many_descriptors, EMFILE },
	{ "many descriptors", &sandbox_policy_frontend, many_descriptors, EMFILE },
	{ "terminal input", &sandbox_policy_broker, terminal_inject, CHILD_KILLED },
	{ "terminal input", &sandbox_policy_loader, terminal_inject, CHILD_KILLED },
};
/* clang-format on */

static int row_run(const void *argument)
{
	const struct row *row = argument;

	fixture_enter(&fixture, row->policy);
	return row->action();
}

static void rows_end_as_they_should(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int outcome = fixture_run(row_run, &rows[i]);

		if (outcome == rows[i].outcome)
			continue;
		print_error("%s: %s: %d instead of %d\n", rows[i].policy->role, rows[i].what,
		            outcome, rows[i].outcome);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* A path, how it is opened (or removed), and what the confined role gets. */
enum path_action {
	PATH_READ,
	PATH_LIST,
	PATH_FIND,
	PATH_WRITE,
	PATH_CREATE,
	PATH_NEW, /* as the broker makes its copy of the store */
	PATH_MKDIR,
	PATH_UNLINK,
	PATH_EXECUTE
};

struct path_row {
	const struct sandbox_policy *policy;
	const char *path; /* below the fixture's base, unless it starts with '/' */
	enum path_action action;
	int outcome;
};

/* clang-format off */
static const struct path_row path_rows[] = {
	{ &sandbox_policy_broker, "state", PATH_LIST, EACCES }, /* its directory is open before */
	{ &sandbox_policy_broker, "state/new", PATH_NEW, 0 }, /* but for its copy */
	{ &sandbox_policy_broker, "state/objects", PATH_LIST, 0 },
	{ &sandbox_policy_broker, "state/objects/object", PATH_READ, 0 },
	{ &sandbox_policy_broker, "state/objects/new", PATH_NEW, 0 },
	{ &sandbox_policy_launcher, "state/objects/object", PATH_READ, EACCES },
	{ &sandbox_policy_broker, "run/new", PATH_NEW, EACCES },
	{ &sandbox_policy_broker, "new", PATH_NEW, EACCES },
	{ &sandbox_policy_broker, "outside", PATH_WRITE, CHILD_KILLED },
	{ &sandbox_policy_broker, "bpffs/5", PATH_MKDIR, 0 },
	{ &sandbox_policy_broker, "xdp/pin", PATH_UNLINK, 0 },
	{ &sandbox_policy_broker, "bpffs", PATH_LIST, 0 },
	{ &sandbox_policy_broker, "run/5", PATH_MKDIR, EACCES },
	{ &sandbox_policy_broker, "/etc/passwd", PATH_READ, EACCES },
	{ &sandbox_policy_broker, "outside", PATH_READ, EACCES },
	{ &sandbox_policy_broker, "outside", PATH_UNLINK, EACCES },
	{ &sandbox_policy_broker, "/", PATH_LIST, EACCES },
	{ &sandbox_policy_loader, "/sys/devices/system/cpu/possible", PATH_READ, 0 },
	{ &sandbox_policy_loader, "/etc/passwd", PATH_READ, EACCES },
	{ &sandbox_policy_loader, "outside", PATH_READ, EACCES },
	{ &sandbox_policy_loader, "/proc/self/status", PATH_READ, EACCES },
	{ &sandbox_policy_loader, "/", PATH_LIST, EACCES },
	{ &sandbox_policy_opener, "tracefs/events/id", PATH_READ, 0 },
	{ &sandbox_policy_opener, "tracefs/events/id", PATH_WRITE, CHILD_KILLED },
	{ &sandbox_policy_opener, "outside", PATH_READ, EACCES },
	{ &sandbox_policy_opener, "outside", PATH_FIND, 0 }, /* the place alone, with O_PATH */
	{ &sandbox_policy_opener_containers, "outside", PATH_READ, 0 },
	{ &sandbox_policy_opener_containers, "outside", PATH_WRITE, CHILD_KILLED },
	{ &sandbox_policy_opener, "/etc/shadow", PATH_READ, EACCES },
	{ &sandbox_policy_opener, "xdp/new", PATH_CREATE, CHILD_KILLED },
	{ &sandbox_policy_opener, "xdp/pin", PATH_UNLINK, 0 },
	{ &sandbox_policy_opener, "outside", PATH_UNLINK, EACCES },
	/* the names' files are written anew again and again: no rule but the directory's outlives that */
	{ &sandbox_policy_launcher, "/etc/resolv.conf", PATH_READ, 0 },
	{ &sandbox_policy_launcher, "ca/bundle", PATH_READ, 0 },
	{ &sandbox_policy_launcher, "rules/key", PATH_READ, 0 },
	{ &sandbox_policy_launcher, "rules/new", PATH_NEW, EACCES },
	{ &sandbox_policy_fetcher, "rules/key", PATH_READ, EACCES },
	{ &sandbox_policy_launcher, "outside", PATH_READ, EACCES },
	{ &sandbox_policy_launcher, "/root", PATH_LIST, EACCES },
	{ &sandbox_policy_launcher, "/proc/self/status", PATH_READ, EACCES },
	{ &sandbox_policy_launcher, "state/other", PATH_NEW, EACCES },
	{ &sandbox_policy_launcher, "state/objects/other", PATH_NEW, EACCES },
	{ &sandbox_policy_fetcher, "state/images", PATH_LIST, 0 },
	{ &sandbox_policy_fetcher, "state/images/new", PATH_NEW, 0 },
	{ &sandbox_policy_fetcher, "state/images/new", PATH_UNLINK, 0 },
	{ &sandbox_policy_fetcher, "state/images/new", PATH_WRITE, CHILD_KILLED },
	{ &sandbox_policy_fetcher, "state/images/d", PATH_MKDIR, CHILD_KILLED },
	{ &sandbox_policy_fetcher, "state/objects/object", PATH_READ, EACCES },
	{ &sandbox_policy_fetcher, "state/other", PATH_NEW, EACCES },
	{ &sandbox_policy_fetcher, "outside", PATH_READ, EACCES },
	{ &sandbox_policy_fetcher, "/etc/resolv.conf", PATH_READ, 0 },
	{ &sandbox_policy_fetcher, "/etc/passwd", PATH_READ, EACCES },
	{ &sandbox_policy_fetcher, "/proc/self/status", PATH_READ, EACCES },
	{ &sandbox_policy_image, "outside", PATH_READ, EACCES },
	{ &sandbox_policy_image, "outside", PATH_WRITE, CHILD_KILLED },
	{ &sandbox_policy_image, "state/new", PATH_NEW, CHILD_KILLED },
	{ &sandbox_policy_image, "/etc/resolv.conf", PATH_READ, 0 },
	{ &sandbox_policy_image, "/etc/passwd", PATH_READ, EACCES },
	{ &sandbox_policy_verifier, "outside", PATH_READ, CHILD_KILLED },
	{ &sandbox_policy_verifier, "state", PATH_LIST, CHILD_KILLED },
	{ &sandbox_policy_launcher, "state", PATH_READ, EACCES },
	{ &sandbox_policy_launcher, "helpers", PATH_LIST, 0 },
	{ &sandbox_policy_launcher, "/bin/true", PATH_EXECUTE, EACCES }, /* no program but the helpers */
	{ &sandbox_policy_launcher, "helpers/true", PATH_EXECUTE, 0 },
};
/* clang-format on */

static int path_try(const struct path_row *row, const char *path)
{
	static const int flags[] = { [PATH_READ] = O_RDONLY,
		                     [PATH_LIST] = O_RDONLY | O_DIRECTORY,
		                     [PATH_FIND] = O_PATH,
		                     [PATH_WRITE] = O_WRONLY,
		                     [PATH_CREATE] = O_RDWR | O_CREAT,
		                     [PATH_NEW] = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW };

	if (row->action == PATH_MKDIR)
		return mkdir(path, 0755) < 0 ? errno : 0;
	if (row->action == PATH_EXECUTE)
		return path_execute(path);
	if (row->action == PATH_UNLINK)
		return unlinkat(AT_FDCWD, path, 0) < 0 ? errno : 0;
	return open(path, flags[row->action] | O_CLOEXEC, 0644) < 0 ? errno : 0;
}

static int path_row_run(const void *argument)
{
	const struct path_row *row = argument;
	char path[128];

	(void)snprintf(path, sizeof(path), row->path[0] == '/' ? "%s%s" : "%s/%s",
	               row->path[0] == '/' ? "" : fixture.base, row->path);
	fixture_enter(&fixture, row->policy);
	return path_try(row, path);
}

static int file_again(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", fixture.base, name);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	return fd < 0 ? -1 : 0;
}

static void landlock_skip_without(void)
{
	if (landlock_version() == 0) {
		print_message("SKIP: this kernel has no Landlock\n");
		skip();
	}
}

static void paths_are_open_or_closed(void **state)
{
	size_t wrong = 0;

	(void)state;
	landlock_skip_without();
	for (size_t i = 0; i < sizeof(path_rows) / sizeof(path_rows[0]); i++) {
		assert_int_equal(file_again("xdp/pin"), 0);
		int outcome = fixture_run(path_row_run, &path_rows[i]);

		if (outcome == path_rows[i].outcome)
			continue;
		print_error("%s: %s (%d): %d instead of %d\n", path_rows[i].policy->role,
		            path_rows[i].path, path_rows[i].action, outcome, path_rows[i].outcome);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* Without the filter, to see what Landlock itself refuses. */
struct landlock_case {
	uint32_t abi; /* to behave as */
	bool tcp;     /* connections stay open */
};

static int landlock_only(const void *argument)
{
	const struct landlock_case *test = argument;
	const uint32_t abi = test->abi;
	struct sandbox_policy policy = sandbox_policy_frontend;
	const struct sockaddr_in address = { .sin_family = AF_INET,
		                             .sin_port = htons(9),
		                             .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct error error = {};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (test->tcp)
		policy.landlock_tcp = UINT64_C(1) << 1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    landlock_confine(&policy, NULL, abi, &error) < 0)
		return CHILD_NOT_CONFINED;
	if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 || errno != EACCES)
		return 1;
	int connected =
		connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;

	if ((connected == EACCES) != (abi >= 4 && !test->tcp))
		return 2;
	int bound = bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;

	if (abi >= 4 && bound != EACCES)
		return 4;
	int signalled = kill(getppid(), 0) < 0 ? errno : 0;

	return (signalled == EPERM) != (abi >= 6) ? 3 : 0;
}

/* A kernel takes rulesets of every ABI up to its own: each is tried as on the kernel that has it.
 */
static void landlock_fits_every_abi(void **state)
{
	(void)state;
	landlock_skip_without();
	for (uint32_t abi = 1; abi <= landlock_version(); abi++) {
		for (int tcp = 0; tcp <= 1; tcp++) {
			struct landlock_case test = { .abi = abi, .tcp = tcp };

			assert_int_equal(fixture_run(landlock_only, &test), 0);
		}
	}
}

static int landlock_path_missing(const void *argument)
{
	const struct sandbox_path path = { .path = "/nonexistent/one",
		                           .access = 4,
		                           .optional = *(const bool *)argument };
	const struct sandbox_policy policy = { .role = "test", .paths = &path, .path_count = 1 };
	struct error error = {};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return 1;
	int result = landlock_confine(&policy, NULL, 1, &error);

	if (path.optional)
		return result == 0 ? 0 : 2;
	return result == -ENOENT && strstr(error.message,
	                                   "the test's sandbox cannot leave /nonexistent/one open")
	               ? 0
	               : 3;
}

static void missing_paths_are_errors_unless_optional(void **state)
{
	const bool yes = true, no = false;

	(void)state;
	landlock_skip_without();
	assert_int_equal(fixture_run(landlock_path_missing, &yes), 0);
	assert_int_equal(fixture_run(landlock_path_missing, &no), 0);
}

static int settings_missing(const void *argument)
{
	const struct sandbox_path path = { .path = argument, .access = 4 };
	const struct sandbox_policy policy = { .role = "test", .paths = &path, .path_count = 1 };
	struct launcher_settings relative = { .state_directory = "var/lib" };
	struct error error = {};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return 1;
	if (landlock_confine(&policy, NULL, 1, &error) != -EINVAL ||
	    !strstr(error.message, argument))
		return 2;
	return landlock_confine(&policy, &relative, 1, &error) == -EINVAL ? 0 : 3;
}

static void paths_of_no_settings_are_errors(void **state)
{
	(void)state;
	landlock_skip_without();
	assert_int_equal(fixture_run(settings_missing, "@state"), 0);
	assert_int_equal(fixture_run(settings_missing, "@nothing/x"), 0);
}

static int fixture_open(void **state)
{
	(void)state;
	return fixture_make(&fixture) < 0 ? -1
	                                  : fixture_copy(&fixture, "/bin/true", "helpers/true");
}

static int fixture_close(void **state)
{
	(void)state;
	fixture_remove(&fixture);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_end_as_they_should),
		cmocka_unit_test(paths_are_open_or_closed),
		cmocka_unit_test(landlock_fits_every_abi),
		cmocka_unit_test(missing_paths_are_errors_unless_optional),
		cmocka_unit_test(paths_of_no_settings_are_errors),
	};

	if (fixture_skip())
		return 77;
	return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
