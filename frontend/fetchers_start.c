/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fetches that wait for fetchers, and fetchers that are started for them. */
#include "frontend/fetchers.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "frontend/frontend.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>

#define WARM_TIMEOUT_MS 30000 /* from the start until it is warm */
#define GRACE_MOST_MS 5000    /* beyond the time that a fetcher gives itself: it says more */

static uint64_t job_deadline_ms(const struct frontend *frontend)
{
	uint64_t own_ms = frontend->settings.fetch_timeout_ms;

	return frontend_now_ms() + own_ms + (own_ms < GRACE_MOST_MS ? own_ms : GRACE_MOST_MS);
}

int fetchers_push(struct frontend *frontend, struct fetch *fetch, struct error *error)
{
	struct fetchers *fetchers = &frontend->fetchers;
	struct fetch **end = &fetchers->first;

	if (fetchers->waiting == IMAGE_QUEUE_MAX)
		return error_set(error, -EBUSY, ERROR_LIMIT,
		                 "%d requests are waiting for a fetcher already: try again later",
		                 IMAGE_QUEUE_MAX);
	while (*end)
		end = &(*end)->next;
	*end = fetch;
	fetchers->waiting++;
	fetch->deadline_ms = job_deadline_ms(frontend);
	fetchers->keep_until_ms = frontend_now_ms() + FETCHER_KEEP_MS;
	return 0;
}

void fetchers_withdraw(struct fetchers *fetchers, struct fetch *fetch)
{
	struct fetch **at = &fetchers->first;

	while (*at && *at != fetch)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = fetch->next;
	fetch->next = NULL;
	fetchers->waiting--;
}

/* One user cannot have all fetchers. */
static bool fetch_may_begin(const struct fetchers *fetchers, const struct fetch *fetch)
{
	size_t working = 0, own = 0;

	for (size_t i = 0; i < FETCHER_SLOTS; i++) {
		const struct fetch *other = fetchers->slots[i].fetch;

		if (other)
			working++;
		if (other && other->account == fetch->account)
			own++;
	}
	return working < IMAGE_FETCHES_MAX && own < IMAGE_FETCHES_MAX - 1;
}

struct fetch *fetchers_next(const struct fetchers *fetchers)
{
	for (struct fetch *fetch = fetchers->first; fetch; fetch = fetch->next) {
		if (fetch_may_begin(fetchers, fetch))
			return fetch;
	}
	return NULL;
}

/* ---- fetchers that are started ---- */

static struct fetcher_slot *slot_free(struct fetchers *fetchers)
{
	for (size_t i = 0; i < FETCHER_SLOTS; i++) {
		if (fetchers->slots[i].id == 0)
			return &fetchers->slots[i];
	}
	return NULL;
}

/* Those that are warm, or will be. */
static size_t spares_count(const struct fetchers *fetchers)
{
	size_t count = 0;

	for (size_t i = 0; i < FETCHER_SLOTS; i++) {
		if (fetchers->slots[i].channel.fd >= 0 && !fetchers->slots[i].fetch)
			count++;
	}
	return count;
}

static bool slots_left(const struct fetchers *fetchers)
{
	for (size_t i = 0; i < FETCHER_SLOTS; i++) {
		if (fetchers->slots[i].id == 0)
			return true;
	}
	return false;
}

bool fetchers_kept(const struct frontend *frontend, uint64_t now_ms)
{
	return frontend->settings.images > 1 || now_ms < frontend->fetchers.keep_until_ms;
}

/* When the next one is to be started; 0: none is wanted, or there are as many as there may be. */
uint64_t fetchers_start_ms(const struct frontend *frontend)
{
	const struct fetchers *fetchers = &frontend->fetchers;
	size_t spares = spares_count(fetchers);

	if (!frontend->settings.images || !frontend->serving || frontend->stopping ||
	    !slots_left(fetchers))
		return 0;
	if (fetchers->first && spares < fetchers->waiting)
		return 1; /* long ago */
	return spares == 0 && fetchers_kept(frontend, frontend_now_ms()) ? fetchers->spare_at_ms + 1
	                                                                 : 0;
}

static int slot_start(struct frontend *frontend, struct fetcher_slot *slot)
{
	static const struct launcher_worker_start start = { .kind = WORKER_FETCHER };
	_cleanup_close_ int own = -1, other = -1;
	uint64_t id = ++frontend->fetchers.ids;
	size_t index = (size_t)(slot - frontend->fetchers.slots);
	int pair[2];
	int r = channel_pair(pair);

	if (r < 0)
		return r;
	own = pair[0];
	other = pair[1];
	if (fcntl(own, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return -errno;
	r = frontend_watch(frontend, own, true, EPOLLIN,
	                   frontend_tag(FRONTEND_SOURCE_FETCHER, (uint16_t)index, (uint32_t)id));
	if (r == 0)
		r = channel_send(&frontend->launcher, LAUNCHER_WORKER_START, id, &start, &other);
	if (r < 0)
		return r;
	*slot = (struct fetcher_slot){
		.id = id,
		.channel = { steal_fd(&own), CHANNEL_UPPER, &channel_fetcher },
		.state = FETCHER_STATE_WARMING,
		.deadline_ms = frontend_now_ms() + WARM_TIMEOUT_MS,
	};
	return 0;
}

static void spare_start(struct frontend *frontend)
{
	struct fetcher_slot *slot = slot_free(&frontend->fetchers);
	struct error error;
	int r = slot_start(frontend, slot);

	if (r == 0)
		return;
	(void)error_set(&error, r, ERROR_UNAVAILABLE, "no fetcher can be started (%s): try again",
	                strerrordesc_np(-r));
	fetcher_fail(frontend, slot, &error);
}

static struct fetcher_slot *slot_warm(struct fetchers *fetchers)
{
	for (size_t i = 0; i < FETCHER_SLOTS; i++) {
		struct fetcher_slot *slot = &fetchers->slots[i];

		if (slot->channel.fd >= 0 && slot->state == FETCHER_STATE_WARM)
			return slot;
	}
	return NULL;
}

/* Hands the job over; from then on the credentials are the fetcher's alone. */
static void slot_submit(struct frontend *frontend, struct fetcher_slot *slot, struct fetch *fetch)
{
	struct fetchers *fetchers = &frontend->fetchers;
	int r;

	fetchers_withdraw(fetchers, fetch);
	slot->fetch = fetch;
	r = channel_send(&slot->channel, FETCHER_MESSAGE_JOB, 0, &fetch->job, NULL);
	explicit_bzero(fetch->job.username, sizeof(fetch->job.username));
	explicit_bzero(fetch->job.password, sizeof(fetch->job.password));
	if (r < 0) {
		struct error error;

		(void)error_set(&error, r, ERROR_UNAVAILABLE,
		                "the fetcher does not take its work (%s): try again",
		                strerrordesc_np(-r));
		fetcher_fail(frontend, slot, &error);
		return;
	}
	slot->state = FETCHER_STATE_WORKING;
	slot->deadline_ms = job_deadline_ms(frontend);
	fetchers->spare_at_ms = frontend_now_ms() + FETCHER_SPARE_DELAY_MS;
}

void fetchers_serve(struct frontend *frontend)
{
	struct fetchers *fetchers = &frontend->fetchers;
	struct fetcher_slot *slot;
	struct fetch *fetch;
	uint64_t start_ms;

	while (!frontend->ended && (fetch = fetchers_next(fetchers)) &&
	       (slot = slot_warm(fetchers)))
		slot_submit(frontend, slot, fetch);
	for (size_t i = 0; i < FETCHER_SLOTS && !frontend->ended; i++) {
		start_ms = fetchers_start_ms(frontend);
		if (start_ms == 0 || start_ms > frontend_now_ms())
			return;
		spare_start(frontend);
	}
}
