/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The frontend of frontend_requests.h with images; the test plays the launcher that is asked for
 * fetchers, and the fetchers.
 */
#ifndef BPFD_TESTS_CHANNEL_FETCHER_STAGE_H
#define BPFD_TESTS_CHANNEL_FETCHER_STAGE_H

#include "frontend_requests.h"
#include "proto/channel_fetcher.h"

/* One fetcher: its end of the channel, and its WORKER_START's id. */
struct stage_fetcher {
	struct channel channel;
	uint64_t id;
};

/* Setups: no rules about signatures; rules; times that are over soon. Teardown: serving_stop. */
int images_start(void **state);
int images_rules_start(void **state);
int images_signed_only_start(void **state);
int images_hasty_start(void **state);
#define imaged(test) cmocka_unit_test_setup_teardown(test, images_start, serving_stop)
#define ruled(test) cmocka_unit_test_setup_teardown(test, images_rules_start, serving_stop)

/* The next message to the launcher is WORKER_START of a fetcher; fetcher_open() says WARM too. */
struct stage_fetcher fetcher_start(void);
struct stage_fetcher fetcher_open(void);
/* The next message to the launcher kills this fetcher, and it is gone. */
void fetcher_killed(struct stage_fetcher *fetcher);
/* It ends, and the launcher says so. */
void fetcher_end(struct stage_fetcher *fetcher);
/* The launcher's word alone. */
void fetcher_gone(const struct stage_fetcher *fetcher, uint32_t pid, int wait_status);
/* The frontend has closed its end. */
void fetcher_let_go(const struct stage_fetcher *fetcher);

/* The next job. */
struct fetcher_job fetcher_job(const struct stage_fetcher *fetcher);

/* What a fetcher says. An object of `size` bytes goes with `image`; its evidence is empty. */
void fetcher_say(const struct stage_fetcher *fetcher, uint16_t type, const void *body,
                 const int *descriptors);
/* What is said from here on goes out as one packet, at the end. */
void fetcher_packet_begin(void);
void fetcher_packet_end(const struct stage_fetcher *fetcher);
struct record_image image_record(const char *reference);
void fetcher_image(const struct stage_fetcher *fetcher, const struct record_image *image);
void fetcher_object(const struct stage_fetcher *fetcher, const struct record_image *image);
void fetcher_done(const struct stage_fetcher *fetcher, uint32_t count, bool cached);
void fetcher_failed(const struct stage_fetcher *fetcher, uint32_t code, const char *message);
/* A sealed memfd of so many zeros. */
int zeros_sealed(size_t size);

#define STAGE_REFERENCE "registry.example/bpf/counter:1"

/* Requests of STAGE_REFERENCE. */
void ask_image(int fd, uint32_t id, Bpfd__V1__Request__OperationCase operation);
/* With credentials; `user` may be NULL. */
void ask_pull_as(int fd, uint32_t id, const char *user, const char *password);
/* `function` may be NULL: those that the image names. */
void ask_load_image(int fd, uint32_t id, const char *function);

#endif
