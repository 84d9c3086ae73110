/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Requests as clients send them to the frontend of a fixture, and what is expected of the answers.
 */
#ifndef BPFD_TESTS_CHANNEL_FRONTEND_REQUESTS_H
#define BPFD_TESTS_CHANNEL_FRONTEND_REQUESTS_H

#include "frontend_fixture.h"

/* The frontend that serves the test. */
extern struct fixture fixture;
extern uint8_t request_id[16];

/* Setup and teardown: starts a frontend with the fixture's view; it must still serve at the end. */
int serving_start(void **state);
int serving_stop(void **state);
/* With 400 ms for what a client has to say or to take, for tests in which they pass. */
int serving_start_hastened(void **state);
#define served(test) cmocka_unit_test_setup_teardown(test, serving_start, serving_stop)
#define hastened(test) cmocka_unit_test_setup_teardown(test, serving_start_hastened, serving_stop)
#define ended(test) cmocka_unit_test_setup(test, serving_start)

Bpfd__V1__Request request_new(Bpfd__V1__Request__OperationCase operation);
void ask_get_program(int fd, uint32_t id, uint64_t program_id);
void ask_unload(int fd, uint32_t id, uint64_t program_id);
void ask_detach(int fd, uint32_t id, uint64_t link_id);
/* A load of one tracepoint program from an object of zeros. */
void ask_load(int fd, uint32_t id, size_t object_size);

/* Those who watch: the greetings on their socket, and one that has exchanged them. */
extern const unsigned char subscriber_greeting[8], publisher_greeting[8];
int watcher_open(void);
/* The next event, which must have this topic; to be freed. */
Bpfd__V1__Event *event_next(int fd, const char *topic);
void event_free(Bpfd__V1__Event *event);

/* The answer is an error of this code with these words; frees it. */
void expect_error(Bpfd__V1__Response *response, int code, const char *text);
/* The link is link 7 of the fixture's view. */
void expect_link(const Bpfd__V1__Link *link);
/* The frontend says this and ends, with a failure. */
void expect_end(const char *text);

#endif
