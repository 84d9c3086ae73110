/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One nng request socket, connected to bpfd for as long as it lives. nng connects again by itself
 * and sends an unanswered request again on the new connection; bpfd knows a repeated change by its
 * request id.
 */
#ifndef BPFD_CLIENT_TRANSPORT_H
#define BPFD_CLIENT_TRANSPORT_H

#include "bpfd/bpfd.h"

#include <nng/nng.h>
#include <stdatomic.h>
#include <sys/un.h>

#define TRANSPORT_ANSWER_MAX \
	(64u << 20) /* bytes: a long verifier log, or a list of thousands of programs */

/* The address of a socket's path. 0, or -EINVAL with `error`. */
int address_fill(const char *path, struct sockaddr_un *address, struct bpfd_error **error);

/* Is somebody listening there? By a connection of its own, made and dropped, because nng does not
 * say why it cannot connect. 0 or -errno with `error`. */
int socket_probe(const struct sockaddr_un *address, struct bpfd_error **error);

struct transport {
	nng_socket socket;
	nng_aio *aio;
	struct sockaddr_un address;
	atomic_int pipe;   /* nng's id of the connection that is there; 0: none */
	atomic_uint drops; /* connections lost during this exchange */
	_Bool probed;      /* just found reachable; nng is still connecting */
};

/* Checks that somebody listens at the path and prepares the connection. 0 or -errno with `error`.
 * Does not block. */
int transport_open(struct transport *transport, const char *path, struct bpfd_error **error);
void transport_close(struct transport *transport);

/*
 * Sends the message, which is taken in any case, and waits for its answer, which is the caller's to
 * free. 0 or -errno with `error`; the whole takes `timeout_ms` at most.
 */
int transport_exchange(struct transport *transport, nng_msg *request, uint32_t timeout_ms,
                       nng_msg **answer, struct bpfd_error **error);

#endif
