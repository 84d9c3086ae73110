/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * calls nng PATH CLIENTS COUNT SIZE: requests of SIZE bytes by stock nng REQ sockets.
 * calls bpfd PATH CLIENTS COUNT ID: `get program ID` by libbpfd.
 * Each client is a thread with a socket of its own that calls and waits; COUNT calls in all, and a
 * tenth more that does not count.
 */
#include "tests/bench/samples.h"

#include <bpfd/bpfd.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLIENTS_MAX 1024
#define SIZE_MAX_HERE 65536

struct caller {
	pthread_t thread;
	struct bpfd_client *client;
	struct samples samples;
	nng_socket socket;
	unsigned int count;
};

static unsigned int argument; /* a size or an id */
static int (*call)(struct caller *caller);
static pthread_barrier_t warm, finished;

static int nng_call(struct caller *caller)
{
	static const unsigned char bytes[SIZE_MAX_HERE];
	nng_msg *message;
	int result = nng_msg_alloc(&message, 0);

	if (!result)
		result = nng_msg_append(message, bytes, argument);
	if (!result)
		result = nng_sendmsg(caller->socket, message, 0);
	if (!result)
		result = nng_recvmsg(caller->socket, &message, 0);
	if (!result)
		nng_msg_free(message);
	return result;
}

static int bpfd_call(struct caller *caller)
{
	struct bpfd_program_details *details = NULL;
	int result = bpfd_get_program(caller->client, argument, &details, NULL);

	if (!result)
		bpfd_program_details_free(details);
	return result;
}

static void nng_open(struct caller *caller, const char *path)
{
	char url[256];

	(void)snprintf(url, sizeof(url), "ipc://%s", path);
	if (nng_req0_open(&caller->socket) || nng_dial(caller->socket, url, NULL, 0))
		die("nng cannot connect to %s", path);
}

static void bpfd_open(struct caller *caller, const char *path)
{
	if (bpfd_client_open(path, &caller->client, NULL) < 0)
		die("libbpfd cannot connect to %s", path);
}

static void *caller_run(void *pointer)
{
	struct caller *caller = pointer;

	for (unsigned int i = 0; i < caller->count + caller->count / 10 + 1; i++) {
		uint64_t start = now_ns();

		if (call(caller))
			die("a call failed");
		if (i > caller->count / 10)
			samples_add(&caller->samples, now_ns() - start);
		else if (i == caller->count / 10)
			(void)pthread_barrier_wait(&warm);
	}
	(void)pthread_barrier_wait(&finished);
	return NULL;
}

static void threads_start(struct caller *callers, unsigned int client_count)
{
	pthread_attr_t attributes;

	(void)pthread_barrier_init(&warm, NULL, client_count + 1);
	(void)pthread_barrier_init(&finished, NULL, client_count + 1);
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, 256 << 10);
	for (unsigned int i = 0; i < client_count; i++) {
		if (pthread_create(&callers[i].thread, &attributes, caller_run, &callers[i]))
			die("cannot start a thread");
	}
}

int main(int argc, char **argv)
{
	static struct caller callers[CLIENTS_MAX];
	struct samples all = {};

	if (argc != 6 || (strcmp(argv[1], "nng") != 0 && strcmp(argv[1], "bpfd") != 0))
		die("usage: calls nng|bpfd PATH CLIENTS COUNT SIZE|ID");
	unsigned int client_count = number_read(argv[3], CLIENTS_MAX),
		     count = number_read(argv[4], 10000000);

	argument = number_read(argv[5], SIZE_MAX_HERE);
	call = argv[1][0] == 'n' ? nng_call : bpfd_call;
	for (unsigned int i = 0; i < client_count; i++) {
		callers[i].count = (count + client_count - 1) / client_count;
		(argv[1][0] == 'n' ? nng_open : bpfd_open)(&callers[i], argv[2]);
	}
	threads_start(callers, client_count);
	(void)pthread_barrier_wait(&warm);
	uint64_t start = now_ns();

	(void)pthread_barrier_wait(&finished);
	uint64_t total_ns = now_ns() - start;

	for (unsigned int i = 0; i < client_count; i++) {
		for (size_t j = 0; j < callers[i].samples.count; j++)
			samples_add(&all, callers[i].samples.times_ns[j]);
	}
	samples_print(&all, total_ns);
	_exit(0); /* closing hundreds of nng sockets can hang in nng 1.5.2 */
}
