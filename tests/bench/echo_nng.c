/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* echo_nng PATH SIZE: answers every request with SIZE bytes by a stock nng REP socket, several
 * requests at one time. */
#include "tests/bench/samples.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <stdio.h>
#include <stdlib.h>

#define CONTEXTS 64

struct worker {
	nng_aio *aio;
	nng_ctx context;
	int sending;
};

static size_t answer_size;

static void must(int result, const char *what)
{
	if (result)
		die("%s: %s", what, nng_strerror(result));
}

static void answer(struct worker *worker)
{
	nng_msg *message = nng_aio_get_msg(worker->aio);

	nng_msg_clear(message);
	must(nng_msg_realloc(message, answer_size), "nng_msg_realloc");
	nng_aio_set_msg(worker->aio, message);
	worker->sending = 1;
	nng_ctx_send(worker->context, worker->aio);
}

static void turn(void *argument)
{
	struct worker *worker = argument;
	int result = nng_aio_result(worker->aio);

	if (!worker->sending && !result) {
		answer(worker);
		return;
	}
	if (worker->sending && result)
		nng_msg_free(nng_aio_get_msg(worker->aio)); /* the client left */
	worker->sending = 0;
	nng_ctx_recv(worker->context, worker->aio);
}

int main(int argc, char **argv)
{
	static struct worker workers[CONTEXTS];
	nng_socket socket;
	char url[256];

	if (argc != 3)
		die("usage: echo_nng PATH SIZE");
	answer_size = number_read(argv[2], 65536);
	(void)snprintf(url, sizeof(url), "ipc://%s", argv[1]);
	must(nng_rep0_open(&socket), "nng_rep0_open");
	for (size_t i = 0; i < CONTEXTS; i++) {
		must(nng_ctx_open(&workers[i].context, socket), "nng_ctx_open");
		must(nng_aio_alloc(&workers[i].aio, turn, &workers[i]), "nng_aio_alloc");
	}
	must(nng_listen(socket, url, NULL, 0), "nng_listen");
	for (size_t i = 0; i < CONTEXTS; i++)
		nng_ctx_recv(workers[i].context, workers[i].aio);
	for (;;)
		sleep_ms(10000);
}
