/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <cmocka.h>

#include "tests/channel/broker_stage.h"
#include "tests/channel/broker_stage_roles.h"
#include "tests/channel/broker_stage_verifier.h"

#include "broker/broker.h"
#include "broker/kernel.h"
#include "common/cleanup.h"
#include "common/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define BROKER_UID STAGE_BROKER_UID
#define ANSWER_TIMEOUT_MS 20000

struct stage *stage;
static bool crash_here; /* in the broker itself, not in a gate, which is a fork of it */

bool stage_namespaces(void)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNS | CLONE_NEWNET) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	log_open("test", LOG_LEVEL_ERROR);
	return stage_roles_open();
}

void stage_live_path(char path[256], const char *name)
{
	(void)snprintf(path, 256, "%.120s/broker%s%s", stage->settings.runtime_directory,
	               name[0] ? "/" : "", name);
}

static void directory_make(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chown(path, uid, gid), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/* What the launcher prepares before it starts roles. */
/* The live store and its copy, 4 MiB each: a full file system is real. */
static void stores_make(void)
{
	struct launcher_settings *settings = &stage->settings;
	char live[256];

	(void)snprintf(settings->runtime_directory, sizeof(settings->runtime_directory), "%s/run",
	               stage->root);
	directory_make(settings->runtime_directory, 0755, 0, 0);
	stage_live_path(live, "");
	(void)snprintf(settings->state_directory, sizeof(settings->state_directory), "%s/state",
	               stage->root);
	for (size_t i = 0; i < 2; i++) {
		const char *path = i ? live : settings->state_directory;

		directory_make(path, 0700, BROKER_UID, BROKER_UID);
		assert_int_equal(mount("store", path, "tmpfs", 0, "size=4m"), 0);
		assert_int_equal(chown(path, BROKER_UID, BROKER_UID), 0);
		assert_int_equal(chmod(path, 0700), 0);
	}

	char objects[256];

	(void)snprintf(objects, sizeof(objects), "%s/objects", settings->state_directory);
	directory_make(objects, 0700, BROKER_UID, BROKER_UID);
}

static void directories_make(void)
{
	struct launcher_settings *settings = &stage->settings;
	char path[256];
	static const struct {
		const char *name;
		mode_t mode;
	} pins[] = { { "programs", 0700 },
		     { "links", 0700 },
		     { "dispatchers", 0700 },
		     { "maps", 02750 },
		     { "shared", 02750 } };

	(void)snprintf(path, sizeof(path), "%s/bpf", stage->root);
	directory_make(path, 0755, 0, 0);
	assert_int_equal(mount("bpf", path, "bpf", 0, "mode=0755"), 0);
	(void)snprintf(settings->bpffs_directory, sizeof(settings->bpffs_directory), "%.100s/bpfd",
	               path);
	(void)snprintf(settings->xdp_directory, sizeof(settings->xdp_directory), "%.100s/xdp",
	               path);
	directory_make(settings->bpffs_directory, 02750, BROKER_UID, 0);
	directory_make(settings->xdp_directory, 0770, 0, BROKER_UID);
	for (size_t i = 0; i < sizeof(pins) / sizeof(pins[0]); i++) {
		(void)snprintf(path, sizeof(path), "%.120s/%s", settings->bpffs_directory,
		               pins[i].name);
		directory_make(path, pins[i].mode, BROKER_UID, 0);
	}
	stores_make();
	(void)snprintf(settings->tracefs_directory, sizeof(settings->tracefs_directory),
	               "%s/tracing", stage->root);
	directory_make(settings->tracefs_directory, 0755, 0, 0);
	assert_int_equal(mount("tracefs", settings->tracefs_directory, "tracefs", 0, NULL), 0);
}

int stage_setup(void **state)
{
	(void)state;
	stage = calloc(1, sizeof(*stage));
	assert_non_null(stage);
	(void)snprintf(stage->root, sizeof(stage->root), "/tmp/bpfd-stage-XXXXXX");
	assert_non_null(mkdtemp(stage->root));
	assert_int_equal(chmod(stage->root, 0755), 0);
	stage->settings = (struct launcher_settings){
		.log_level = LOG_LEVEL_ERROR,
		.opener = 1,
		.load_timeout_ms = 20000,
		.map_memory_max = UINT64_C(1) << 30,
		.programs_max = 32,
	};
	stage->launcher.fd = stage->frontend.fd = stage->opener_launcher.fd = -1;
	stage->latency_fd = -1;
	directories_make();
	stage->crash = mmap(NULL, sizeof(*stage->crash), PROT_READ | PROT_WRITE,
	                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(stage->crash, MAP_FAILED);
	stage->crash->steps_left = -1;
	stage_command("ip link del v0 2>/dev/null; ip link add v0 type veth peer name v1 && ip "
	              "link set v0 up && ip link set v1 up");
	return 0;
}

int stage_teardown(void **state)
{
	char path[256];

	(void)state;
	stage_kill();
	stage_command("ip link del v0 2>/dev/null || true");
	(void)snprintf(path, sizeof(path), "%s/bpf", stage->root);
	(void)umount2(path, MNT_DETACH);
	(void)umount2(stage->settings.state_directory, MNT_DETACH);
	stage_live_path(path, "");
	(void)umount2(path, MNT_DETACH);
	(void)umount2(stage->settings.tracefs_directory, MNT_DETACH);
	(void)snprintf(path, sizeof(path), "rm -rf --one-file-system %s", stage->root);
	stage_command(path);
	(void)munmap(stage->crash, sizeof(*stage->crash));
	free(stage);
	stage = NULL;
	return 0;
}

/* One step of the broker's that changes something, until its time has come. */
static void crash_step(void)
{
	if (!crash_here)
		return;
	if (stage->crash->steps_left == 0)
		_exit(9); /* as sudden as SIGKILL: nothing of ours runs any more */
	if (stage->crash->steps_left > 0)
		stage->crash->steps_left--;
	stage->crash->steps++;
}

static int crashing_bpf(enum bpf_cmd command, union bpf_attr *attr, unsigned int size)
{
	crash_step();
	if (stage->crash->no_perf_links && command == BPF_LINK_CREATE &&
	    attr->link_create.attach_type == BPF_PERF_EVENT)
		return -EINVAL;
	return kernel_real.bpf(command, attr, size);
}

static int crashing_ioctl(int fd, unsigned long request, unsigned long argument)
{
	crash_step();
	return kernel_real.ioctl(fd, request, argument);
}

/* These stand in for libc's, so that the writes of the store and its copy and the removal of pins
 * are steps too. */
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	crash_step();
	return syscall(SYS_pwrite64, fd, bytes, size, offset);
}

int fdatasync(int fd)
{
	crash_step();
	return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	crash_step();
	return (int)syscall(SYS_fsync, fd);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	crash_step();
	return (int)syscall(SYS_renameat, from_fd, from, to_fd, to);
}

int unlink(const char *path)
{
	crash_step();
	return (int)syscall(SYS_unlink, path);
}

int unlinkat(int fd, const char *path, int flags)
{
	crash_step();
	return (int)syscall(SYS_unlinkat, fd, path, flags);
}

int mkdir(const char *path, mode_t mode)
{
	crash_step();
	return (int)syscall(SYS_mkdir, path, mode);
}

int rmdir(const char *path)
{
	crash_step();
	return (int)syscall(SYS_rmdir, path);
}

static void gate_is_not_here(void)
{
	crash_here = false;
}

static const struct kernel_operations kernel_crashing = { .bpf = crashing_bpf,
	                                                  .ioctl = crashing_ioctl };

/* The broker's main, but that it counts its steps. */
_Noreturn static void crashing_run(int launcher_fd, int frontend_fd, int opener_fd)
{
	struct broker_descriptors descriptors = { launcher_fd, frontend_fd, opener_fd,
		                                  stage->latency_fd };
	struct broker *broker = NULL;
	struct error error = {};
	int result;

	(void)close(stage->launcher.fd);
	(void)close(stage->frontend.fd);
	(void)close(stage->opener_launcher.fd);
	(void)umask(0027);
	log_open("broker", stage->settings.log_level);
	crash_here = true;
	assert_int_equal(pthread_atfork(NULL, NULL, gate_is_not_here), 0);
	kernel = &kernel_crashing;
	if (stage_identity_take(&error) < 0 ||
	    broker_open(&stage->settings, &descriptors, &broker, &error) < 0 ||
	    stage_sandbox_enter(&stage->settings, &error) < 0 ||
	    broker_start(broker, 0, &error) < 0) {
		log_error("%s", error.message);
		_exit(1);
	}
	result = broker_run(broker);
	broker_close(broker);
	/* Without a filter the leak sanitizer has its look. */
	if (!stage_confined)
		exit(result ? 1 : 0);
	_exit(result ? 1 : 0);
}

static void broker_fork(int launcher_fd, int frontend_fd, int opener_fd)
{
	stage->broker = fork();
	assert_true(stage->broker >= 0);
	if (stage->broker == 0)
		crashing_run(launcher_fd, frontend_fd, opener_fd);
}

static void spawn(bool counting)
{
	bool crashing = counting || !stage_confined;
	int launcher[2], frontend[2], opener_launcher[2] = { -1, -1 }, opener[2] = { -1, -1 };

	stage->ready = stage->complete = false;
	stage->program_count = stage->link_count = stage->chain_count = stage->answer_count = 0;
	stage->globals_count = 0;
	stage->settings.cpu_latency = stage->latency_fd >= 0;
	assert_int_equal(channel_pair(launcher), 0);
	assert_int_equal(channel_pair(frontend), 0);
	stage->launcher = (struct channel){ launcher[0], CHANNEL_UPPER, &channel_launcher };
	stage->frontend = (struct channel){ frontend[0], CHANNEL_UPPER, &channel_frontend };
	if (stage->settings.opener) {
		assert_int_equal(channel_pair(opener_launcher), 0);
		assert_int_equal(channel_pair(opener), 0);
		stage->opener_launcher =
			(struct channel){ opener_launcher[0], CHANNEL_UPPER, &channel_launcher };
		stage_opener_start(opener_launcher[1], opener[1], &stage->opener);
		assert_int_equal(channel_send(&stage->opener_launcher, LAUNCHER_SETTINGS, 0,
		                              &stage->settings, NULL),
		                 0);
		(void)close(opener_launcher[1]);
		(void)close(opener[1]);
	}
	if (crashing)
		broker_fork(launcher[1], frontend[1], opener[0]);
	else
		stage_broker_start(launcher[1], frontend[1], opener[0], stage->latency_fd,
		                   &stage->broker);
	(void)close(launcher[1]);
	(void)close(frontend[1]);
	if (opener[0] >= 0)
		(void)close(opener[0]);
	if (!crashing)
		assert_int_equal(channel_send(&stage->launcher, LAUNCHER_SETTINGS, 0,
		                              &stage->settings, NULL),
		                 0);
}

static void ready_wait(void)
{
	while (!stage->ready || !stage->complete)
		assert_int_equal(stage_pump(ANSWER_TIMEOUT_MS), 0);
}

void stage_spawn(void)
{
	stage->crash->steps_left = -1;
	spawn(false);
}

void stage_start(void)
{
	stage->crash->steps_left = -1;
	spawn(false);
	ready_wait();
}

void stage_start_crashing(void)
{
	stage->crash->steps_left = -1;
	spawn(true);
	ready_wait();
}

bool stage_start_dying(int steps)
{
	stage->crash->steps_left = steps;
	spawn(true);
	while (!stage->ready || !stage->complete) {
		if (stage_pump(ANSWER_TIMEOUT_MS) == -EPIPE)
			return true;
	}
	return false;
}

static void children_end(void)
{
	int *const ends[] = { &stage->launcher.fd, &stage->frontend.fd,
		              &stage->opener_launcher.fd };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (*ends[i] >= 0)
			(void)close(*ends[i]);
		*ends[i] = -1;
	}
	for (size_t i = 0; i < stage->loader_count && i < STAGE_MOST; i++) {
		(void)kill(stage->loaders[i].pid, SIGKILL);
		(void)waitpid(stage->loaders[i].pid, NULL, 0);
	}
	stage->loader_count = 0;
	stage_verifiers_end();
	if (stage->opener > 0) {
		(void)kill(stage->opener, SIGKILL);
		(void)waitpid(stage->opener, NULL, 0);
		stage->opener = 0;
	}
}

int stage_wait_end(void)
{
	int status = -1;

	for (int tries = 0; tries < 1000; tries++) {
		if (waitpid(stage->broker, &status, WNOHANG) == stage->broker) {
			stage->broker = 0;
			children_end();
			return status;
		}
		(void)usleep(10000);
	}
	return -1;
}

int stage_stop(void)
{
	assert_int_equal(channel_send(&stage->launcher, LAUNCHER_STOP, 0, NULL, NULL), 0);
	return stage_wait_end();
}

void stage_kill(void)
{
	if (stage->broker > 0) {
		(void)kill(stage->broker, SIGKILL);
		(void)waitpid(stage->broker, NULL, 0);
		stage->broker = 0;
	}
	children_end();
}

uint64_t stage_send(uint16_t type, const void *body, const int *descriptor)
{
	uint64_t id = ++stage->next_id;

	assert_int_equal(channel_send(&stage->frontend, type, id, body, descriptor), 0);
	return id;
}

const struct stage_answer *stage_answer(uint64_t id)
{
	for (;;) {
		for (size_t i = 0; i < stage->answer_count && i < STAGE_MOST; i++) {
			if (stage->answers[i].id == id)
				return &stage->answers[i];
		}

		int result = stage_pump(ANSWER_TIMEOUT_MS);

		if (result == -EPIPE)
			return NULL;
		assert_int_equal(result, 0);
	}
}
