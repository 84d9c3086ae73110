/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/sandbox/fixture.h"
#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int directory_make(const char *base, const char *name, char *out, size_t size)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", base, name);
	if (mkdir(path, 0755) < 0 || chown(path, ROLE_UID, ROLE_UID) < 0)
		return -1;
	if (out)
		(void)snprintf(out, size, "%s", path);
	return 0;
}

static int file_make(const char *base, const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", base, name);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	return fd < 0 || write(fd, "7\n", 2) != 2 || fchown(fd, ROLE_UID, ROLE_UID) < 0 ? -1 : 0;
}

#define MAKE(field, name) \
	directory_make(fixture->base, name, settings->field, sizeof(settings->field))

int fixture_make(struct fixture *fixture)
{
	struct launcher_settings *settings = &fixture->settings;

	memset(fixture, 0, sizeof(*fixture));
	(void)strcpy(fixture->base, "/tmp/bpfd-sandbox-XXXXXX");
	if (!mkdtemp(fixture->base) || chmod(fixture->base, 0755) < 0)
		return -1;
	if (MAKE(state_directory, "state") < 0 || MAKE(runtime_directory, "run") < 0 ||
	    MAKE(bpffs_directory, "bpffs") < 0 || MAKE(xdp_directory, "xdp") < 0 ||
	    MAKE(tracefs_directory, "tracefs") < 0 || MAKE(helpers_directory, "helpers") < 0 ||
	    directory_make(fixture->base, "tracefs/events", NULL, 0) < 0 ||
	    MAKE(ca_directory, "ca") < 0 || MAKE(rules_directory, "rules") < 0 ||
	    directory_make(fixture->base, "state/objects", NULL, 0) < 0 ||
	    directory_make(fixture->base, "state/images", NULL, 0) < 0)
		return -1;
	/* The opener is root without a capability over others' files. */
	if (chown(settings->xdp_directory, 0, ROLE_UID) < 0 ||
	    chmod(settings->xdp_directory, 0770) < 0)
		return -1;
	return file_make(fixture->base, "tracefs/events/id") < 0 ||
	                       file_make(fixture->base, "xdp/pin") < 0 ||
	                       file_make(fixture->base, "outside") < 0 ||
	                       file_make(fixture->base, "ca/bundle") < 0 ||
	                       file_make(fixture->base, "rules/key") < 0 ||
	                       file_make(fixture->base, "state/objects/object") < 0
	               ? -1
	               : 0;
}

static int entry_remove(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

void fixture_remove(const struct fixture *fixture)
{
	(void)nftw(fixture->base, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
}

int fixture_copy(const struct fixture *fixture, const char *program, const char *name)
{
	char path[128];
	struct stat status;

	(void)snprintf(path, sizeof(path), "%s/%s", fixture->base, name);
	_cleanup_close_ int from = open(program, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);

	if (from < 0 || to < 0 || fstat(from, &status) < 0)
		return -1;
	return sendfile(to, from, NULL, (size_t)status.st_size) == status.st_size ? 0 : -1;
}

int fixture_identity(const struct sandbox_policy *policy, struct error *error)
{
	uid_t uid = policy->root ? 0 : ROLE_UID;

	return sandbox_identity(policy, uid, uid, NULL, 0, error);
}

static void child_stop(const struct error *error)
{
	(void)fprintf(stderr, "%s\n", error->message);
	_exit(CHILD_NOT_CONFINED);
}

void fixture_enter(const struct fixture *fixture, const struct sandbox_policy *policy)
{
	const bool gate = policy == &sandbox_policy_gate;
	const struct sandbox_policy *first = gate ? &sandbox_policy_broker : policy;
	struct error error = {};

	/* the launcher starts as root, bpfd-image as whoever runs it: here, root */
	if (policy != &sandbox_policy_launcher && !policy->any_user &&
	    fixture_identity(first, &error) < 0)
		child_stop(&error);
	if (sandbox_enter(first, &fixture->settings, NULL, &error) < 0)
		child_stop(&error);
	if (gate && sandbox_enter(policy, NULL, NULL, &error) < 0)
		child_stop(&error);
}

int fixture_run(int (*action)(const void *argument), const void *argument)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(action(argument));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return CHILD_OTHER_SIGNAL;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return WTERMSIG(status) == SIGSYS ? CHILD_KILLED : CHILD_OTHER_SIGNAL;
}

bool fixture_skip(void)
{
	if (geteuid() == 0)
		return false;
	(void)printf("SKIP: taking another user's identity needs root\n");
	return true;
}
