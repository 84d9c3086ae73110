/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A client, and a server that answers honestly and keeps what it was asked. */
#ifndef BPFD_TESTS_CLIENT_FIXTURE_H
#define BPFD_TESTS_CLIENT_FIXTURE_H

#include "bpfd/bpfd.h"
#include "client/samples.h"

/* What the server saw last, besides answering as sample_reply() does. */
struct seen {
	uint32_t version;
	uint8_t request_id[64];
	size_t request_id_size;
	Bpfd__V1__Request *request;
};

struct fixture {
	struct seen seen;
	struct test_server *server;
	struct bpfd_client *client;
};

/* cmocka's; *state is a struct fixture. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

#endif
