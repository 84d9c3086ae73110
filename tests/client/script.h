/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A server that answers as scripted, and one call to it. */
#ifndef BPFD_TESTS_CLIENT_SCRIPT_H
#define BPFD_TESTS_CLIENT_SCRIPT_H

#include "bpfd/bpfd.h"
#include "client/test_server.h"

/* How the first request is answered; later ones are answered honestly if `first_only`. */
struct script {
	enum reply_kind kind;
	unsigned delay_ms;
	int first_only;
	uint8_t first_id[BPFD_REQUEST_ID_SIZE];
	int same_id; /* the second request came with the first one's id */
};

/* A reply function; the context is a script. */
void reply_script(void *context, const Bpfd__V1__Request *request, unsigned count,
                  struct reply *reply);

uint64_t now_ms(void);

struct bpfd_client *client_open(const struct test_server *server, uint32_t timeout_ms);

/* Detaches link 1 with the server as scripted; checks result, code and how long it took; returns
 * the requests. */
unsigned scripted_call(struct script *script, uint32_t timeout_ms, int result, int code,
                       uint64_t most_ms);

#endif
