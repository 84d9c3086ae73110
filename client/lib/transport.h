/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A client's side of request and reply: one connection to bpfd, made when the client is opened and
 * kept for as long as both sides live. When it is lost a new one is made, and the unanswered
 * request is sent again; bpfd knows a repeated change by its request id.
 *
 * That the connection has ended is noticed by the next call, not before. One call at a time.
 */
#ifndef BPFD_CLIENT_TRANSPORT_H
#define BPFD_CLIENT_TRANSPORT_H

#include "bpfd/bpfd.h"
#include "client/lib/connection.h"

#include <sys/un.h>

#define TRANSPORT_ANSWER_MAX \
	(64u << 20) /* bytes: a long verifier log, or a list of thousands of programs */

/* The address of a socket's path. 0, or -EINVAL with `error`. */
int address_fill(const char *path, struct sockaddr_un *address, struct bpfd_error **error);

/* Is somebody listening there? By a connection of its own, made and dropped, because nng does not
 * say why it cannot connect. 0 or -errno with `error`. */
int socket_probe(const struct sockaddr_un *address, struct bpfd_error **error);

struct transport {
	struct connection connection;
	struct sockaddr_un address;
	uint32_t requests; /* so far: each has a number of its own */
};

/* Checks that somebody listens at the path, and connects if he has time for it. The structure was
 * zero. 0 or -errno with `error`; then nng has not been used. Does not block. */
int transport_open(struct transport *transport, const char *path, struct bpfd_error **error);
void transport_close(struct transport *transport);

/*
 * Sends the request, which is not copied, and waits for its answer, whose memory is the caller's to
 * free. 0 or -errno with `error`; the whole takes `timeout_ms` at most.
 */
int transport_exchange(struct transport *transport, uint8_t *request, size_t size_bytes,
                       uint32_t timeout_ms, struct connection_answer *answer,
                       struct bpfd_error **error);

#endif
