/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the launcher starts in tests/channel/launcher_test.c instead of the real roles. Built once
 * per behaviour (FAKE_ROLE is one of the functions below); which role it plays it sees from its
 * name. What it finds wrong it tells by its exit status.
 */
#include "common/channel.h"
#include "proto/channel_launcher.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

static const char *name;
static struct channel launcher = { ROLE_FD_LAUNCHER, CHANNEL_LOWER, &channel_launcher };
static struct channel_buffer buffer;

/* What a worker says of itself. */
struct self {
	uid_t uid;
	gid_t gid;
	uint32_t permitted;
	int32_t no_new_privileges;
	char settings[8]; /* the beginning of its settings; empty: it was given none */
	int64_t settings_size;
};

static bool is(const char *role)
{
	return strcmp(name, role) == 0;
}

static void expect(bool condition, int status)
{
	if (!condition)
		_exit(status);
}

static void settings_take(void)
{
	struct channel_message message;

	expect(channel_receive(&launcher, LAUNCHER_STATE_STARTING, &buffer, &message) == 0, 40);
	expect(message.row->type == LAUNCHER_SETTINGS, 41);
}

static void ready_send(void)
{
	struct launcher_ready ready = { .landlock_abi = 1 };

	expect(channel_send(&launcher, LAUNCHER_READY, 0, &ready, NULL) == 0, 42);
}

/* Waits for the message; ends with 0 at STOP or the end of the channel. */
static void message_wait(uint16_t type, struct channel_message *message)
{
	for (;;) {
		int result = channel_receive(&launcher, LAUNCHER_STATE_RUNNING, &buffer, message);

		expect(result == 0 || result == -EPIPE, 43);
		if (result == 0 && message->row->type == type)
			return;
		if (result == -EPIPE || message->row->type == LAUNCHER_STOP)
			_exit(0);
	}
}

__attribute__((unused)) static void good(void)
{
	struct channel_message message;

	settings_take();
	ready_send();
	message_wait(0, &message);
}

__attribute__((unused)) static void dies(void)
{
	settings_take();
	_exit(3);
}

__attribute__((unused)) static void sigsys(void)
{
	settings_take();
	(void)raise(SIGSYS);
}

__attribute__((unused)) static void hangs(void)
{
	for (;;)
		(void)pause();
}

__attribute__((unused)) static void ignores_stop(void)
{
	settings_take();
	ready_send();
	hangs();
}

__attribute__((unused)) static void ready_twice(void)
{
	settings_take();
	ready_send();
	ready_send();
	hangs();
}

__attribute__((unused)) static void closes(void)
{
	settings_take();
	ready_send();
	(void)close(ROLE_FD_LAUNCHER);
	hangs();
}

__attribute__((unused)) static void garbage(void)
{
	settings_take();
	ready_send();
	expect(send(ROLE_FD_LAUNCHER, "hello", 5, 0) == 5, 44);
	hangs();
}

static void worker_ask(uint64_t id, uint32_t kind, int *own)
{
	struct launcher_worker_start start = { .kind = kind };
	int fds[2];

	expect(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0, 45);
	expect(channel_send(&launcher, LAUNCHER_WORKER_START, id, &start, &fds[1]) == 0, 46);
	(void)close(fds[1]);
	*own = fds[0];
}

/* What only another role may ask for, or nobody. */
static void asks(uint32_t kind)
{
	int own;

	settings_take();
	ready_send();
	worker_ask(1, kind, &own);
	hangs();
}

__attribute__((unused)) static void asks_loader(void)
{
	asks(WORKER_LOADER);
}

__attribute__((unused)) static void asks_verifier(void)
{
	asks(WORKER_VERIFIER);
}

__attribute__((unused)) static void asks_fetcher(void)
{
	asks(WORKER_FETCHER);
}

__attribute__((unused)) static void asks_nothing(void)
{
	asks(0);
}

__attribute__((unused)) static void asks_beyond(void)
{
	asks(WORKER_KIND_END);
}

__attribute__((unused)) static void kills_worker(void)
{
	settings_take();
	ready_send();
	expect(channel_send(&launcher, LAUNCHER_WORKER_KILL, 1, NULL, NULL) == 0, 65);
	hangs();
}

__attribute__((unused)) static void same_id(void)
{
	int own;

	settings_take();
	worker_ask(1, WORKER_LOADER, &own);
	worker_ask(1, WORKER_VERIFIER, &own);
	hangs();
}

/* Descriptors, environment and standard input are as promised. */
__attribute__((unused)) static void inspects(void)
{
	struct channel_message message;
	int last = is("bpfd-frontend") ? ROLE_FD_EVENTS
	           : is("bpfd-broker") ? ROLE_FD_CPU_LATENCY
	                               : ROLE_FD_PEER;
	sigset_t blocked;

	expect(strcmp(environ[0], "LD_BIND_NOW=1") == 0 && environ[1] == NULL, 50);
	for (int fd = 0; fd < 1024; fd++)
		expect((fcntl(fd, F_GETFD) >= 0) == (fd <= last), 51);
	for (int fd = ROLE_FD_LAUNCHER; fd <= last; fd++)
		expect(fcntl(fd, F_GETFD) == 0, 52);
	expect(sigprocmask(SIG_SETMASK, NULL, &blocked) == 0 && !sigismember(&blocked, SIGTERM),
	       53);
	expect(read(STDIN_FILENO, &last, 1) == 0, 54);
	expect((getuid() == 0) == is("bpfd-opener"), 55);
	expect(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, 56);
	settings_take();
	ready_send();
	message_wait(0, &message);
}

static void self_check(int fd, uid_t uid, const char *settings)
{
	struct self self;

	expect(recv(fd, &self, sizeof(self), 0) == (ssize_t)sizeof(self), 60);
	expect(self.uid == uid && self.gid == uid, 61);
	expect(self.permitted == 0 && self.no_new_privileges == 1, 62);
	expect(strcmp(self.settings, settings) == 0, 68);
}

static void gone_expect(uint64_t id, int wait_status)
{
	struct channel_message message;

	message_wait(LAUNCHER_WORKER_GONE, &message);
	const struct launcher_worker_gone *gone = message.body;

	expect(message.id == id, 63);
	expect(gone->wait_status == wait_status, 64);
}

/* One killed, one that ends by itself, one too many. */
__attribute__((unused)) static void runs_loaders(void)
{
	int own[10], verifier;
	struct channel_message message;

	settings_take();
	worker_ask(1, WORKER_LOADER, &own[1]); /* before READY, as the warm one is */
	self_check(own[1], LOADER_UID, "");
	ready_send();
	/* the launcher confines itself while the other roles are ready; from then on this is what
	 * counts */
	(void)usleep(300000);
	worker_ask(2, WORKER_LOADER, &own[2]);
	self_check(own[2], LOADER_UID, "");
	expect(channel_send(&launcher, LAUNCHER_WORKER_KILL, 1, NULL, NULL) == 0, 65);
	gone_expect(1, SIGKILL);
	expect(channel_send(&launcher, LAUNCHER_WORKER_KILL, 1, NULL, NULL) == 0, 65);
	(void)close(own[2]);
	gone_expect(2, 0);
	for (uint64_t id = 3; id < 3 + 8; id++)
		worker_ask(id, WORKER_LOADER, &own[id % 10]);
	worker_ask(11, WORKER_LOADER, &own[1]);
	gone_expect(11, 127 << 8);
	/* which is no reason to refuse another kind */
	worker_ask(12, WORKER_VERIFIER, &verifier);
	self_check(verifier, VERIFIER_UID, "trust");
	expect(write(STDERR_FILENO, "loaders are right\n", 18) == 18, 66);
	message_wait(LAUNCHER_WORKER_GONE, &message);
	_exit(67); /* none of them was to end before STOP */
}

/* The frontend's ids are its own: what it kills with the broker's does not reach the broker's. */
__attribute__((unused)) static void runs_fetchers(void)
{
	struct channel_message message;
	int own;

	settings_take();
	ready_send();
	worker_ask(13, WORKER_FETCHER, &own);
	self_check(own, FETCHER_UID, "fetch");
	for (int round = 0; round < 20; round++) {
		for (uint64_t id = 3; id <= 12; id++)
			expect(channel_send(&launcher, LAUNCHER_WORKER_KILL, id, NULL, NULL) == 0,
			       65);
		(void)usleep(50000);
	}
	expect(channel_send(&launcher, LAUNCHER_WORKER_KILL, 13, NULL, NULL) == 0, 65);
	gone_expect(13, SIGKILL);
	expect(write(STDERR_FILENO, "fetchers are right\n", 19) == 19, 66);
	message_wait(0, &message);
}

static const struct launcher_rules *rules_ask(uint64_t id)
{
	struct channel_message message;

	expect(channel_send(&launcher, LAUNCHER_RULES_READ, id, NULL, NULL) == 0, 80);
	message_wait(LAUNCHER_RULES, &message);
	expect(message.id == id, 81);
	return message.body;
}

/* Asks until the test has changed the files, and tells what the answer is then. */
static void rules_await(bool (*is_so)(const struct launcher_rules *rules))
{
	const struct launcher_rules *rules;
	char text[sizeof(rules->error.message) + 64];
	uint64_t id = 100;

	do {
		(void)usleep(10000);
		rules = rules_ask(id++);
	} while (!is_so(rules));
	(void)snprintf(text, sizeof(text), "rules: %u %u %s\n", rules->demands, rules->changed,
	               rules->error.message);
	expect(write(STDERR_FILENO, text, strlen(text)) == (ssize_t)strlen(text), 66);
}

static bool rules_changed(const struct launcher_rules *rules)
{
	return rules->changed && !rules->error.code;
}

static bool rules_wrong(const struct launcher_rules *rules)
{
	return rules->error.code && !rules->changed;
}

static bool rules_out_of_reach(const struct launcher_rules *rules)
{
	return rules->error.code && strstr(rules->error.message, "runs already");
}

static int64_t verifier_settings_size(uint64_t id)
{
	struct self self;
	int own;

	worker_ask(id, WORKER_VERIFIER, &own);
	expect(recv(own, &self, sizeof(self), 0) == (ssize_t)sizeof(self), 60);
	(void)close(own);
	gone_expect(id, 0);
	return self.settings_size;
}

/* The test changes the rules under it; see rules_are_read_again(). */
__attribute__((unused)) static void reads_rules(void)
{
	int64_t size, grown;
	struct channel_message message;

	settings_take();
	ready_send();
	(void)usleep(300000); /* the launcher confines itself */
	size = verifier_settings_size(1);
	expect(size > 0 && !rules_ask(2)->changed, 82);
	expect(write(STDERR_FILENO, "rules: none\n", 12) == 12, 66);
	rules_await(rules_changed);
	grown = verifier_settings_size(3);
	expect(grown > size, 83);
	rules_await(rules_wrong);
	rules_await(rules_out_of_reach);
	expect(verifier_settings_size(4) == grown, 84); /* those that were */
	rules_await(rules_changed);
	expect(verifier_settings_size(5) == size, 85);
	message_wait(0, &message);
}

__attribute__((unused)) static void asks_rules(void)
{
	settings_take();
	ready_send();
	expect(channel_send(&launcher, LAUNCHER_RULES_READ, 1, NULL, NULL) == 0, 80);
	hangs();
}

/* Images are switched off: a fetcher is answered as gone, which ends nobody. */
__attribute__((unused)) static void misses_fetchers(void)
{
	struct channel_message message;
	int own;

	settings_take();
	ready_send();
	worker_ask(1, WORKER_FETCHER, &own);
	gone_expect(1, 127 << 8);
	expect(write(STDERR_FILENO, "no fetchers\n", 12) == 12, 66);
	message_wait(0, &message);
}

/* Tells of itself, and ends when its channel does. */
__attribute__((unused)) static void worker(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};
	struct self self = { 0 };
	struct channel_message message;
	uid_t uid;
	gid_t gid;

	expect(getresuid(&self.uid, &uid, &uid) == 0 && getresgid(&self.gid, &gid, &gid) == 0, 70);
	expect(syscall(SYS_capget, &header, data) == 0, 71);
	self.permitted = data[0].permitted | data[1].permitted;
	self.no_new_privileges = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	(void)pread(ROLE_FD_PEER, self.settings, sizeof(self.settings) - 1, 0);
	self.settings_size = lseek(ROLE_FD_PEER, 0, SEEK_END);
	expect(close(ROLE_FD_EXTRA) < 0 && errno == EBADF, 72); /* nothing beyond */
	(void)send(ROLE_FD_LAUNCHER, &self, sizeof(self), 0);
	(void)channel_receive(&launcher, LAUNCHER_STATE_STARTING, &buffer, &message);
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc < 1)
		return 1;
	name = argv[0];
	FAKE_ROLE();
	return 0;
}
