/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A stock nng sub0 socket that subscribes to some topics. */
#include "frontend_fixture.h"

#include <cmocka.h>
#include <nng/nng.h>
#include <nng/protocol/pubsub0/sub.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS 200

static nng_socket subscriber;

static void event_expect(const char *topic, uint64_t kind_sequence)
{
	size_t topic_size = strlen(topic), size = 0;
	uint8_t *bytes = NULL;

	assert_int_equal(nng_recv(subscriber, &bytes, &size, NNG_FLAG_ALLOC), 0);
	assert_true(size > topic_size);
	assert_memory_equal(bytes, topic, topic_size);

	Bpfd__V1__Event *event =
		bpfd__v1__event__unpack(NULL, size - topic_size, bytes + topic_size);

	assert_non_null(event);
	assert_int_equal(event->kind_sequence, kind_sequence);
	bpfd__v1__event__free_unpacked(event, NULL);
	nng_free(bytes, size);
}

static void subscribe(const char *topic)
{
	assert_int_equal(nng_socket_set(subscriber, NNG_OPT_SUB_SUBSCRIBE, topic, strlen(topic)),
	                 0);
}

static void stock_nng_subscriber(void **state)
{
	struct launcher_settings settings = fixture_settings();
	struct frontend_gone gone = { .kind = FRONTEND_GONE_LINK };
	struct fixture fixture;
	char url[100];

	(void)state;
	fixture_start(&fixture, &settings);
	(void)snprintf(url, sizeof(url), "ipc://%s", fixture.events_path);
	assert_int_equal(nng_sub0_open(&subscriber), 0);
	assert_int_equal(nng_socket_set_ms(subscriber, NNG_OPT_RECVTIMEO, 10000), 0);
	assert_int_equal(nng_socket_set_int(subscriber, NNG_OPT_RECVBUF, 1024), 0);
	subscribe("detach ");
	subscribe("foreign-");
	assert_int_equal(nng_dial(subscriber, url, NULL, 0), 0);
	/* a state that changes, which it has not subscribed to, and a link that goes */
	for (uint64_t id = 100; id < 100 + ROUNDS; id++) {
		struct record_link row = row_link(id, 1);

		broker_send(&fixture, FRONTEND_LINK, 0, &row, -1);
		row.state = LINK_STATE_REMOVED;
		broker_send(&fixture, FRONTEND_LINK, 0, &row, -1);
		gone.id = id;
		broker_send(&fixture, FRONTEND_GONE, 0, &gone, -1);
	}
	for (uint64_t i = 1; i <= ROUNDS; i++)
		event_expect("detach ", i);
	assert_int_equal(fixture_stop(&fixture), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(stock_nng_subscriber) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
