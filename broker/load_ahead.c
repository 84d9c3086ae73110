/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What can be done for a load before it is asked for. The frontend says when something as long as
 * an object begins to come from somebody who may load. This process is awake then when the request
 * comes: to wake it, on a processor that sleeps, takes as long as the frontend needs to read and
 * check a small one. And it has looked at what a load looks at, which others have crowded out of
 * the processor's caches. Nothing is changed by it.
 */
#include "broker/broker.h"

#include "broker/kernel.h"
#include "broker/own_pins.h"
#include "common/cleanup.h"

/* Of a program that there is not yet: the way to it is what counts. */
static void pins_look(const struct broker *broker)
{
	char path[OWN_PIN_PATH_SIZE];

	own_pin_path(&broker->settings, OWN_PIN_PROGRAM, store_next_program(broker->store), path);

	_cleanup_close_ int fd = kernel_pin_open(path);

	(void)fd;
}

static void store_look(const struct broker *broker)
{
	static const uint8_t request_id[REQUEST_ID_SIZE] = { 1 };
	struct store_answer answer;
	struct error error;

	(void)store_request_get(broker->store, request_id, 0, &answer, &error);
}

int load_coming(struct broker *broker, struct channel_message *message)
{
	(void)message;
	pins_look(broker);
	store_look(broker);
	return 0;
}
