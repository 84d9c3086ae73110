/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * When the store's copy is written: a moment after the first change that it lacks, once nothing
 * runs, so that nobody waits for the disk; later at most by as long again, whatever runs; at once
 * if many ids are at stake. A copy that cannot be written is tried more and more seldom, and no
 * change is refused for it.
 */
#include "broker/broker.h"

#include "common/log.h"

#define COPY_AFTER_MS 1000
#define COPY_RETRY_MOST_MS 60000

/* Says so when writing starts to fail, for a new reason, or works again; not each time. */
static void outcome_tell(struct broker *broker, int result, const struct error *error)
{
	struct record_status *status = &broker->status;

	if (status->store_copy_errno == -result)
		return;
	if (result)
		log_warning("%s; bpfd works on and tries again, but after a reboot ids may be "
		            "given again",
		            error->message);
	else
		log_info("the store's copy is written again");
	status->store_copy = result == 0;
	status->store_copy_errno = -result;
	view_status(broker);
}

int copies_now(struct broker *broker, bool last, struct error *error)
{
	struct copies *copies = &broker->copies;
	int result =
		last ? store_copy_last(broker->store, error) : store_copy(broker->store, error);

	outcome_tell(broker, result, error);
	if (!result) {
		*copies = (struct copies){};
		return 0;
	}
	copies->retry_ms = copies->retry_ms ? copies->retry_ms * 2 : COPY_AFTER_MS;
	if (copies->retry_ms > COPY_RETRY_MOST_MS)
		copies->retry_ms = COPY_RETRY_MOST_MS;
	copies->at_ms = clock_now_ms() + copies->retry_ms;
	return result;
}

static bool urgent(const struct broker *broker)
{
	return broker->copies.retry_ms == 0 &&
	       store_ids_uncopied(broker->store) >= STORE_ID_GAP / 2;
}

int copies_tick(struct broker *broker)
{
	struct copies *copies = &broker->copies;
	uint64_t now_ms = clock_now_ms();
	struct error error;

	if (!store_dirty(broker->store))
		return -1;
	if (copies->at_ms == 0)
		copies->at_ms = now_ms + COPY_AFTER_MS;
	if (urgent(broker) || now_ms >= copies->at_ms + COPY_AFTER_MS) {
		(void)copies_now(broker, false, &error);
		return copies->at_ms ? (int)copies->retry_ms : -1;
	}
	if (loads_running(broker))
		return (int)(copies->at_ms + COPY_AFTER_MS - now_ms);
	return now_ms < copies->at_ms ? (int)(copies->at_ms - now_ms) : 0;
}

void copies_idle(struct broker *broker)
{
	struct error error;

	if (store_dirty(broker->store) && !loads_running(broker) && broker->copies.at_ms &&
	    clock_now_ms() >= broker->copies.at_ms)
		(void)copies_now(broker, false, &error);
}
