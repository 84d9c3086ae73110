/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The frontend's real loop in a child process; the test plays its launcher and its broker over real
 * socket pairs, and any number of clients.
 */
#ifndef BPFD_TESTS_CHANNEL_FRONTEND_FIXTURE_H
#define BPFD_TESTS_CHANNEL_FRONTEND_FIXTURE_H

#include "bpfd.pb-c.h"
#include "frontend/frontend.h"

#include <sys/types.h>

struct fixture {
	pid_t pid;
	struct channel launcher;
	struct channel broker;
	char directory[64];
	char path[80]; /* of the socket */
	char events_path[80];
	char log[80];
	struct launcher_settings settings;
	struct channel_buffer buffer;
};

/* Settings that tests start from: few connections, short times. */
struct launcher_settings fixture_settings(void);

/* Starts a frontend, sends it a small view (see the .c file), waits until it serves. */
void fixture_start(struct fixture *fixture, const struct launcher_settings *settings);

/* Starts it without a view. */
void fixture_start_bare(struct fixture *fixture, const struct launcher_settings *settings);

/* Says STOP and gives the exit status; removes the files. */
int fixture_stop(struct fixture *fixture);

/* Waits for the end without saying anything; removes the files. */
int fixture_wait(struct fixture *fixture);

/* True if a line of the log has this text, now or within two seconds. */
bool fixture_logged(const struct fixture *fixture, const char *text);

/* kB of memory that the frontend has used at most so far (VmHWM). */
size_t fixture_peak_kb(const struct fixture *fixture);

/* The broker's side. */
void broker_send(struct fixture *fixture, uint16_t type, uint64_t id, const void *body, int fd);
/* Goes out with the others of its packet, at channel_flush(). */
void broker_queue(struct fixture *fixture, struct channel_outbox *packet, uint16_t type,
                  const void *body);
/* The next message; or the next but hints that a load comes, which is of this type. */
struct channel_message broker_receive(struct fixture *fixture);
struct channel_message broker_receive_type(struct fixture *fixture, uint16_t type);
void broker_done(struct fixture *fixture, uint64_t id, const uint64_t *ids, uint32_t count);

/* Rows with ids 1 and 2: an XDP program with maps and metadata, a tracepoint program; link 7 of
 * program 1 on interface 3. */
struct record_program row_program(uint64_t id, uint32_t type, const char *name);
struct record_link row_link(uint64_t id, uint64_t program_id);

/* A raw client. Every wait ends after ten seconds with a failed test. */
int client_connect(const struct fixture *fixture);
int watcher_connect(const struct fixture *fixture); /* to the socket of events */
int client_open(const struct fixture *fixture);     /* and has exchanged greetings */
void client_write(int fd, const void *bytes, size_t size);
void client_read(int fd, void *bytes, size_t size);
bool client_closed(int fd); /* the frontend has closed the connection (reads away what is there) */

void client_ask_raw(int fd, uint32_t request_id, const void *bytes, size_t size);
void client_ask(int fd, uint32_t request_id, const Bpfd__V1__Request *request);

/* The next answer, which must have this request id. */
Bpfd__V1__Response *client_answer(int fd, uint32_t request_id);
void answer_free(Bpfd__V1__Response *response);

/* A version request and its answer on a connection of its own: the frontend serves. */
void fixture_serves(const struct fixture *fixture);

#endif
