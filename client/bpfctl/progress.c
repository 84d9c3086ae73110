/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/progress.h"
#include "bpfctl/session.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WATCH_OPEN_MS 500
#define LOOK_MS 50 /* how often it is looked whether all is over */
#define ERASE "\r\033[K"

struct progress {
	pthread_t thread;
	atomic_bool over;
	struct bpfd_watch *watch;
	uint8_t request_id[BPFD_REQUEST_ID_SIZE];
	_Bool shown;
};

static const char *stage_text(const char *stage)
{
	static const struct {
		const char *stage;
		const char *text;
	} rows[] = {
		{ "resolve", "asking the registry" },
		{ "layer", "fetching the object" },
		{ "signatures", "fetching its signatures" },
		{ "check", "checking it" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].stage, stage) == 0)
			return rows[i].text;
	}
	return "fetching";
}

const char *progress_text(const struct bpfd_event *event, char text[PROGRESS_TEXT_SIZE])
{
	const char *stage = stage_text(event->stage);
	_Bool large = event->total_bytes >= 1u << 20 || event->done_bytes >= 1u << 20;
	double unit = large ? 1u << 20 : 1u << 10;
	const char *name = large ? "MiB" : "KiB";

	if (event->total_bytes)
		(void)snprintf(text, PROGRESS_TEXT_SIZE, "%s: %.1f of %.1f %s", stage,
		               (double)event->done_bytes / unit, (double)event->total_bytes / unit,
		               name);
	else if (event->done_bytes)
		(void)snprintf(text, PROGRESS_TEXT_SIZE, "%s: %.1f %s", stage,
		               (double)event->done_bytes / unit, name);
	else
		(void)snprintf(text, PROGRESS_TEXT_SIZE, "%s", stage);
	return text;
}

static void event_show(struct progress *progress, const struct bpfd_event *event)
{
	char text[PROGRESS_TEXT_SIZE];

	if (event->kind != BPFD_EVENT_IMAGE_PROGRESS || !event->request_id_set ||
	    memcmp(event->request_id, progress->request_id, BPFD_REQUEST_ID_SIZE) != 0)
		return;
	(void)fprintf(stderr, ERASE "%s", progress_text(event, text));
	(void)fflush(stderr);
	progress->shown = 1;
}

static void *progress_run(void *argument)
{
	struct progress *progress = argument;

	while (!atomic_load(&progress->over)) {
		struct bpfd_error *error = NULL;
		struct bpfd_event *event = NULL;
		int result = bpfd_watch_next(progress->watch, LOOK_MS, &event, &error);

		if (result == -EAGAIN || result == -EINTR)
			continue;
		if (result < 0) {
			bpfd_error_free(error);
			break;
		}
		event_show(progress, event);
		bpfd_event_free(event);
	}
	return NULL;
}

static _Bool terminal_there(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

struct progress *progress_start(const struct arguments *arguments,
                                const uint8_t request_id[BPFD_REQUEST_ID_SIZE])
{
	struct bpfd_error *error = NULL;
	struct progress *progress;
	char path[PATH_MAX];

	if (!terminal_there() || !events_path(arguments, path))
		return NULL;
	progress = calloc(1, sizeof(*progress));
	if (!progress)
		return NULL;
	memcpy(progress->request_id, request_id, BPFD_REQUEST_ID_SIZE);
	if (bpfd_watch_open(path, WATCH_OPEN_MS, &progress->watch, &error) < 0) {
		bpfd_error_free(error);
		free(progress);
		return NULL;
	}
	if (pthread_create(&progress->thread, NULL, progress_run, progress) != 0) {
		bpfd_watch_close(progress->watch);
		free(progress);
		return NULL;
	}
	return progress;
}

void progress_stop(struct progress *progress)
{
	if (!progress)
		return;
	atomic_store(&progress->over, true);
	(void)pthread_join(progress->thread, NULL);
	if (progress->shown)
		(void)fputs(ERASE, stderr);
	/* The watch is left to the end of the process: nng 1.5 does not close reliably. */
	free(progress);
}
