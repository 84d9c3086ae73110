/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/transport.h"
#include "client/lib/error.h"
#include "common/cleanup.h"

#include <errno.h>
#include <nng/protocol/reqrep0/req.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/*
 * A request is sent again when its connection is lost, never by the clock: a load may take long,
 * and sending 16 MiB again helps nobody.
 */
#define RESEND_MS (24 * 3600 * 1000)
#define RECONNECT_MIN_MS 100
#define RECONNECT_MAX_MS 1000
#define DROPS_MAX 5 /* connections closed on one request: then bpfd will not answer it */

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static const char *connect_advice(int error_number)
{
	switch (error_number) {
	case ENOENT:
		return "there is no such socket: is bpfd running?";
	case ECONNREFUSED:
		return "nobody listens there: is bpfd running?";
	case EACCES:
	case EPERM:
		return "permission denied: be root or a member of the group \"bpfd\"";
	case EPROTOTYPE:
		return "the socket there is of another kind: is that bpfd's?";
	default:
		return strerrordesc_np(error_number);
	}
}

int socket_probe(const struct sockaddr_un *address, struct bpfd_error **error)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return error_make(error, -errno, BPFD_ERROR_NOT_REACHABLE,
		                  "cannot make a socket: %s", strerrordesc_np(errno));
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return 0;
	if (errno == EAGAIN) /* somebody listens, and is busy */
		return 0;
	return error_make(error, -errno, BPFD_ERROR_NOT_REACHABLE,
	                  "cannot reach bpfd at \"%s\": %s", address->sun_path,
	                  connect_advice(errno));
}

/*
 * nng calls this from a thread of its own, and also tells of the end of connections whose other
 * side turned out to speak another protocol, and whose beginning it did not tell.
 */
static void pipe_changed(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
	struct transport *transport = argument;
	int id = nng_pipe_id(pipe);

	if (event == NNG_PIPE_EV_ADD_POST) {
		atomic_store(&transport->pipe, id);
		return;
	}
	(void)atomic_compare_exchange_strong(&transport->pipe, &id, 0);
	if (atomic_fetch_add(&transport->drops, 1) + 1 >= DROPS_MAX)
		nng_aio_abort(transport->aio, NNG_ECONNRESET);
}

static int socket_prepare(struct transport *transport, const char *url)
{
	nng_socket socket = transport->socket;
	int result = nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, TRANSPORT_ANSWER_MAX);

	if (result == 0)
		result = nng_socket_set_ms(socket, NNG_OPT_REQ_RESENDTIME, RESEND_MS);
	if (result == 0)
		result = nng_socket_set_ms(socket, NNG_OPT_RECONNMINT, RECONNECT_MIN_MS);
	if (result == 0)
		result = nng_socket_set_ms(socket, NNG_OPT_RECONNMAXT, RECONNECT_MAX_MS);
	if (result == 0)
		result = nng_pipe_notify(socket, NNG_PIPE_EV_ADD_POST, pipe_changed, transport);
	if (result == 0)
		result = nng_pipe_notify(socket, NNG_PIPE_EV_REM_POST, pipe_changed, transport);
	if (result == 0)
		result = nng_dial(socket, url, NULL, NNG_FLAG_NONBLOCK);
	return result;
}

static int error_nng(int result, struct bpfd_error **error)
{
	if (result == NNG_ENOMEM)
		return error_memory(error);
	return error_make(error, -EIO, BPFD_ERROR_NOT_REACHABLE, "cannot connect to bpfd: %s",
	                  nng_strerror(result));
}

int address_fill(const char *path, struct sockaddr_un *address, struct bpfd_error **error)
{
	if (!*path || strlen(path) >= sizeof(address->sun_path))
		return error_make(error, -EINVAL, BPFD_ERROR_INVALID_ARGUMENT,
		                  "the socket's path must have 1 to %zu bytes",
		                  sizeof(address->sun_path) - 1);
	address->sun_family = AF_UNIX;
	(void)stpcpy(address->sun_path, path);
	return 0;
}

int transport_open(struct transport *transport, const char *path, struct bpfd_error **error)
{
	char url[sizeof(transport->address.sun_path) + sizeof("ipc://")];
	int result = address_fill(path, &transport->address, error);

	if (result < 0)
		return result;
	result = socket_probe(&transport->address, error);
	if (result < 0)
		return result;
	result = nng_aio_alloc(&transport->aio, NULL, NULL);
	if (result != 0)
		return error_nng(result, error);
	result = nng_req0_open(&transport->socket);
	if (result != 0) {
		nng_aio_free(transport->aio);
		return error_nng(result, error);
	}
	(void)snprintf(url, sizeof(url), "ipc://%s", path);
	result = socket_prepare(transport, url);
	if (result != 0) {
		transport_close(transport);
		return error_nng(result, error);
	}
	transport->probed = true;
	return 0;
}

void transport_close(struct transport *transport)
{
	(void)nng_close(transport->socket);
	nng_aio_free(transport->aio);
}

/* Why no answer came: the daemon may be gone by now. `sent`: it may have got the request. */
static int error_silence(const struct transport *transport, _Bool sent, uint32_t timeout_ms,
                         struct bpfd_error **error)
{
	int probe = socket_probe(&transport->address, error);

	if (probe < 0)
		return probe;
	if (!sent)
		return error_make(error, -ETIMEDOUT, BPFD_ERROR_NO_ANSWER,
		                  "bpfd gave no connection within %u.%03u s: it has too many "
		                  "clients, or what "
		                  "listens at \"%s\" is not bpfd",
		                  timeout_ms / 1000, timeout_ms % 1000,
		                  transport->address.sun_path);
	return error_make(
		error, -ETIMEDOUT, BPFD_ERROR_NO_ANSWER,
		"bpfd did not answer within %u.%03u s: it may still do what was asked; look before "
		"you repeat it, or wait longer",
		timeout_ms / 1000, timeout_ms % 1000);
}

static int exchange_error(const struct transport *transport, int result, _Bool sent,
                          uint32_t timeout_ms, struct bpfd_error **error)
{
	if (result == NNG_ETIMEDOUT)
		return error_silence(transport, sent, timeout_ms, error);
	if (result == NNG_ECONNRESET)
		return error_make(
			error, -ECONNRESET, BPFD_ERROR_NO_ANSWER,
			"bpfd closed the connection %d times without an answer: it has too many "
			"clients, or what listens at \"%s\" is not bpfd",
			DROPS_MAX, transport->address.sun_path);
	return error_nng(result, error);
}

static nng_duration remaining_ms(uint64_t deadline_ms)
{
	uint64_t now = now_ms();

	return now < deadline_ms ? (nng_duration)(deadline_ms - now) : 1;
}

int transport_exchange(struct transport *transport, nng_msg *request, uint32_t timeout_ms,
                       nng_msg **answer, struct bpfd_error **error)
{
	uint64_t deadline_ms = now_ms() + timeout_ms;
	int result;

	if (atomic_load(&transport->pipe) == 0 && !transport->probed) {
		result = socket_probe(&transport->address, error);
		if (result < 0) {
			nng_msg_free(request);
			return result;
		}
	}
	transport->probed = false;
	atomic_store(&transport->drops, 0);
	nng_aio_set_timeout(transport->aio, remaining_ms(deadline_ms));
	nng_aio_set_msg(transport->aio, request);
	nng_send_aio(transport->socket, transport->aio);
	nng_aio_wait(transport->aio);
	result = nng_aio_result(transport->aio);
	if (result != 0) {
		nng_msg_free(request);
		return exchange_error(transport, result, 0, timeout_ms, error);
	}
	nng_aio_set_timeout(transport->aio, remaining_ms(deadline_ms));
	nng_recv_aio(transport->socket, transport->aio);
	nng_aio_wait(transport->aio);
	result = nng_aio_result(transport->aio);
	if (result != 0)
		return exchange_error(transport, result, 1, timeout_ms, error);
	*answer = nng_aio_get_msg(transport->aio);
	return 0;
}
