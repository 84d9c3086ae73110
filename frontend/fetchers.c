/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/fetchers.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "frontend/frontend.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#define END_TIMEOUT_MS 10000 /* from its last message until it has ended */
#define BACKOFF_LEAST_MS 1000
#define BACKOFF_MOST_MS 60000
#define PACKETS_MAX 64 /* of one fetcher before somebody else's turn */

void fetchers_init(struct fetchers *fetchers)
{
	for (size_t i = 0; i < FETCHER_SLOTS; i++)
		fetchers->slots[i].channel.fd = -1;
}

static void worker_kill(struct frontend *frontend, const struct fetcher_slot *slot)
{
	int r = channel_send(&frontend->launcher, LAUNCHER_WORKER_KILL, slot->id, NULL, NULL);

	if (r < 0)
		frontend_fail(frontend, "the launcher takes no message: %s", strerror(-r));
}

/* Nothing more is expected of it but WORKER_GONE, for which the slot waits: the launcher counts. */
static void slot_end(struct frontend *frontend, struct fetcher_slot *slot, bool kill)
{
	close_cleanup(&slot->channel.fd);
	slot->channel.fd = -1;
	slot->fetch = NULL;
	slot->deadline_ms = kill ? 0 : frontend_now_ms() + END_TIMEOUT_MS;
	if (kill)
		worker_kill(frontend, slot);
	frontend->fetchers.spare_at_ms = frontend_now_ms() + FETCHER_SPARE_DELAY_MS;
}

/* ---- the end of work ---- */

/* The fetch that a slot works on fails; or, if it had none, the next that waits for one. */
void fetcher_fail(struct frontend *frontend, struct fetcher_slot *slot, const struct error *error)
{
	struct fetchers *fetchers = &frontend->fetchers;
	struct fetch *fetch = steal_ptr(&slot->fetch);

	if (slot->id)
		slot_end(frontend, slot, true);
	if (!fetch) {
		fetchers->deaths++;
		log_warning("a fetcher ended before it had a job (%u in a row): %s",
		            fetchers->deaths, error->message);
		fetchers->spare_at_ms =
			frontend_now_ms() +
			(fetchers->deaths < 6 ? (uint64_t)BACKOFF_LEAST_MS << fetchers->deaths
		                              : BACKOFF_MOST_MS);
		fetch = fetchers_next(fetchers);
		if (!fetch)
			return;
		fetchers_withdraw(fetchers, fetch);
	}
	fetch_fail(frontend, fetch, error);
}

static void slot_break(struct frontend *frontend, struct fetcher_slot *slot, const char *reason)
{
	struct error error;

	(void)error_set(&error, 0, ERROR_UNAVAILABLE,
	                "the fetcher broke its channel's protocol (%s) and was ended: try again",
	                reason);
	log_error("a fetcher breaks its channel's protocol: %s", reason);
	fetcher_fail(frontend, slot, &error);
}

static void slot_died(struct frontend *frontend, struct fetcher_slot *slot, const char *how)
{
	struct error error;

	(void)error_set(&error, 0, ERROR_UNAVAILABLE,
	                "the fetcher %s: try again; bpfd's log says more", how);
	fetcher_fail(frontend, slot, &error);
}

void fetchers_forget_client(struct frontend *frontend, struct fetch *fetch)
{
	struct fetchers *fetchers = &frontend->fetchers;

	fetch_forget_client(frontend, fetch);
	if (fetch->kind->finishes)
		return;
	for (size_t i = 0; i < FETCHER_SLOTS; i++) {
		if (fetchers->slots[i].fetch == fetch)
			slot_end(frontend, &fetchers->slots[i], true);
	}
	fetchers_withdraw(fetchers, fetch);
	fetch_free(frontend, fetch);
}

void fetchers_renew(struct frontend *frontend)
{
	struct fetchers *fetchers = &frontend->fetchers;

	for (size_t i = 0; i < FETCHER_SLOTS; i++) {
		if (fetchers->slots[i].channel.fd >= 0 && !fetchers->slots[i].fetch)
			slot_end(frontend, &fetchers->slots[i], true);
	}
}

/* ---- messages ---- */

static void warming_message(struct frontend *frontend, struct fetcher_slot *slot,
                            const struct channel_message *message)
{
	struct error error;

	if (message->row->type == FETCHER_MESSAGE_WARM) {
		slot->state = FETCHER_STATE_WARM;
		slot->deadline_ms = 0;
		frontend->fetchers.deaths = 0;
	} else if (fetch_error_take(message->body, &error) == -EPROTO) {
		slot_break(frontend, slot, error.message);
	} else {
		fetcher_fail(frontend, slot, &error);
	}
}

static void working_message(struct frontend *frontend, struct fetcher_slot *slot,
                            struct channel_message *message)
{
	struct fetch *fetch = slot->fetch;
	struct error error;
	int r = fetch_take(frontend, fetch, message, &error);

	if (r == 0)
		return;
	if (r == -EPROTO) {
		slot_break(frontend, slot, error.message);
	} else if (message->row->type == FETCHER_MESSAGE_FAILED) {
		slot_end(frontend, slot, false);
		fetch_fail(frontend, fetch, &error);
	} else if (r < 0) {
		fetcher_fail(frontend, slot, &error);
	} else {
		slot_end(frontend, slot, false);
		fetch_finish(frontend, fetch);
	}
}

/* What a packet says, until the slot ends by it. 0 or -EPROTO. */
static int packet_take(struct frontend *frontend, struct fetcher_slot *slot,
                       struct channel_inbox *inbox)
{
	struct channel_message message;

	while (channel_inbox_more(inbox) && slot->channel.fd >= 0) {
		int r = channel_inbox_next(&slot->channel, slot->state, inbox, &message);

		if (r < 0)
			return r;
		if (slot->state == FETCHER_STATE_WARMING)
			warming_message(frontend, slot, &message);
		else
			working_message(frontend, slot, &message);
		channel_message_close(&message);
	}
	return 0;
}

/* Reads what there is. */
static void slot_receive(struct frontend *frontend, struct fetcher_slot *slot)
{
	static struct channel_inbox inbox;

	for (int i = 0; i < PACKETS_MAX && slot->channel.fd >= 0; i++) {
		int r = channel_inbox_fill(&slot->channel, &inbox);

		if (r == -EAGAIN)
			return;
		if (r == 0)
			r = packet_take(frontend, slot, &inbox);
		channel_inbox_drop(&inbox);
		if (r == -EPROTO) {
			slot_break(frontend, slot, "a message that it may not send");
			return;
		}
		if (r < 0) {
			slot_died(frontend, slot, "ended before its work was done");
			return;
		}
	}
}

void fetchers_event(struct frontend *frontend, uint16_t slot, uint32_t generation)
{
	struct fetcher_slot *fetcher = &frontend->fetchers.slots[slot];

	if ((uint32_t)fetcher->id == generation && fetcher->channel.fd >= 0)
		slot_receive(frontend, fetcher);
}

static const char *gone_reason(const struct launcher_worker_gone *gone)
{
	if (gone->pid == 0)
		return "could not be started";
	return WIFSIGNALED(gone->wait_status) ? "was killed" : "ended before its work was done";
}

void fetchers_gone(struct frontend *frontend, uint64_t id, const struct launcher_worker_gone *gone)
{
	struct fetcher_slot *slot = NULL;

	for (size_t i = 0; i < FETCHER_SLOTS && id; i++) {
		if (frontend->fetchers.slots[i].id == id)
			slot = &frontend->fetchers.slots[i];
	}
	if (!slot) {
		frontend_fail(frontend, "the launcher speaks of a fetcher %llu that there is not",
		              (unsigned long long)id);
		return;
	}
	if (slot->channel.fd >= 0) /* its last words: more than this no socket holds */
		slot_receive(frontend, slot);
	slot->id = 0;
	slot->deadline_ms = 0;
	if (slot->channel.fd < 0)
		return;
	close_cleanup(&slot->channel.fd);
	slot->channel.fd = -1;
	slot_died(frontend, slot, gone_reason(gone));
}

/* ---- time ---- */

uint64_t fetchers_deadline_ms(const struct frontend *frontend)
{
	const struct fetchers *fetchers = &frontend->fetchers;
	uint64_t nearest = deadline_nearer(fetchers_start_ms(frontend), fetchers->keep_until_ms);

	for (size_t i = 0; i < FETCHER_SLOTS; i++)
		nearest = deadline_nearer(nearest, fetchers->slots[i].deadline_ms);
	for (const struct fetch *fetch = fetchers->first; fetch; fetch = fetch->next)
		nearest = deadline_nearer(nearest, fetch->deadline_ms);
	return nearest;
}

static void slot_expire(struct frontend *frontend, struct fetcher_slot *slot)
{
	struct error error;

	slot->deadline_ms = 0;
	if (slot->channel.fd < 0) {
		worker_kill(frontend, slot);
		return;
	}
	(void)error_set(&error, -ETIMEDOUT, ERROR_TIMEOUT,
	                slot->fetch ? "the registry, or the fetcher, took longer than allowed "
	                              "([images] total-timeout in bpfd.conf): the fetcher was ended"
	                            : "a fetcher was not ready in time: try again");
	fetcher_fail(frontend, slot, &error);
}

static void waiting_expire(struct frontend *frontend, struct fetch *fetch)
{
	struct error error;

	(void)error_set(&error, -ETIMEDOUT, ERROR_TIMEOUT,
	                "no fetcher had time for it, %d work at once: try again later",
	                IMAGE_FETCHES_MAX);
	fetchers_withdraw(&frontend->fetchers, fetch);
	fetch_fail(frontend, fetch, &error);
}

void fetchers_expire(struct frontend *frontend, uint64_t now_ms)
{
	struct fetchers *fetchers = &frontend->fetchers;

	for (size_t i = 0; i < FETCHER_SLOTS; i++) {
		struct fetcher_slot *slot = &fetchers->slots[i];

		if (slot->deadline_ms && slot->deadline_ms <= now_ms)
			slot_expire(frontend, slot);
	}
	if (fetchers->keep_until_ms && !fetchers_kept(frontend, now_ms)) {
		fetchers->keep_until_ms = 0;
		fetchers_renew(frontend);
	}
	/* the oldest has the first deadline */
	while (fetchers->first && fetchers->first->deadline_ms <= now_ms)
		waiting_expire(frontend, fetchers->first);
}
