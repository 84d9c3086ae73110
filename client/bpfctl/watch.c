/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bpfctl watch: one line for each event, as it happens. */
#include "bpfctl/event.h"
#include "bpfctl/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

/* The signals that end the watch are taken only while it waits; nng's threads, which start later,
 * never get them. */
static void signals_prepare(sigset_t *waiting)
{
	struct sigaction action = { .sa_handler = interrupt };
	sigset_t ends;

	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGINT);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &ends, waiting);
	(void)sigdelset(waiting, SIGINT);
	(void)sigdelset(waiting, SIGTERM);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
}

/* True while there is something to wait for: no signal came, and somebody reads what is printed. */
static _Bool wait_more(const struct bpfd_watch *watch, const sigset_t *waiting)
{
	struct pollfd wait[] = {
		{ .fd = bpfd_watch_fd(watch), .events = POLLIN },
		{ .fd = STDOUT_FILENO },
	};

	if (ppoll(wait, 2, NULL, waiting) < 0)
		return !interrupted && errno == EINTR;
	return !interrupted && !(wait[1].revents & (POLLERR | POLLHUP));
}

/* Prints what is there. 0, or what ended it, with `code`. */
static int events_print(const struct arguments *arguments, struct bpfd_watch *watch,
                        enum exit_code *code)
{
	for (;;) {
		struct bpfd_error *error = NULL;
		struct bpfd_event *event;
		int result = bpfd_watch_next(watch, 0, &event, &error);

		if (result == -EAGAIN || result == -EINTR)
			return 0;
		if (result < 0) {
			*code = error_report(stderr, NULL, error);
			return result;
		}
		result = arguments->output == OUTPUT_JSON ? event_json_print(stdout, event)
		                                          : event_print(stdout, event);
		bpfd_event_free(event);
		if (result < 0) {
			*code = memory_report();
			return result;
		}
		if (fflush(stdout) != 0)
			return -errno; /* the end of every command says why */
	}
}

enum exit_code watch_run(struct arguments *arguments)
{
	struct bpfd_error *error = NULL;
	struct bpfd_watch *watch = NULL;
	enum exit_code code = EXIT_DONE;
	char path[PATH_MAX];
	sigset_t waiting;

	signals_prepare(&waiting);
	if (!events_path(arguments, path)) {
		(void)fputs("bpfctl: the socket's path is too long\n", stderr);
		return EXIT_REFUSED;
	}
	if (bpfd_watch_open(path, arguments->timeout_ms ?: BPFD_TIMEOUT_MS, &watch, &error) < 0)
		return error_report(stderr, NULL, error);
	if (arguments->output == OUTPUT_TABLE)
		event_head_print(stdout);
	(void)fflush(stdout);
	while (events_print(arguments, watch, &code) == 0) {
		if (!wait_more(watch, &waiting))
			break;
	}
	return code;
}
