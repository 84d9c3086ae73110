/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/transport.h"
#include "client/lib/error.h"
#include "common/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/*
 * A request is sent again when its connection is lost, never by the clock: a load may take long,
 * and sending 16 MiB again helps nobody.
 */
#define RECONNECT_MIN_MS 100
#define RECONNECT_MAX_MS 1000
#define DROPS_MAX 5 /* connections closed on one request: then bpfd will not answer it */

#define REQUEST_ID_END 0x80000000u /* the last word of SP's backtrace has this bit */

/* One call. */
struct exchange {
	struct connection_request request;
	uint32_t id;
	uint32_t timeout_ms;
	uint64_t deadline_ms;
	uint64_t pause_ms; /* before the next connection */
	unsigned drops;    /* connections lost on this request */
	_Bool sent;        /* bpfd may have got it */
};

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

/* Only a connection of the probe's own says why nng could not connect. 0: bpfd is there, and busy.
 */
static int dial_or_probe(struct transport *transport, uint64_t deadline_ms,
                         struct bpfd_error **error)
{
	if (connection_dial(&transport->connection, deadline_ms) == 0)
		return 0;
	return socket_probe(&transport->address, error);
}

int transport_open(struct transport *transport, const char *path, struct bpfd_error **error)
{
	int result = address_fill(path, &transport->address, error);

	if (result == 0) /* before nng is used, and has threads */
		result = socket_probe(&transport->address, error);
	if (result < 0)
		return result;
	result = connection_init(&transport->connection, path);
	if (result != 0)
		return error_nng(result, error);
	/* if it fails, the first call tries again */
	(void)connection_dial(&transport->connection, clock_ms() + RECONNECT_MAX_MS);
	return 0;
}

void transport_close(struct transport *transport)
{
	connection_fini(&transport->connection);
}

/* Why no answer came: the daemon may be gone by now. */
static int error_silence(const struct transport *transport, const struct exchange *exchange,
                         struct bpfd_error **error)
{
	uint32_t timeout_ms = exchange->timeout_ms;
	int probe = socket_probe(&transport->address, error);

	if (probe < 0)
		return probe;
	if (!exchange->sent)
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

static int exchange_error(const struct transport *transport, int result,
                          const struct exchange *exchange, struct bpfd_error **error)
{
	if (result == -ENOMEM)
		return error_memory(error);
	if (result == -ETIMEDOUT)
		return error_silence(transport, exchange, error);
	return error_make(error, -ECONNRESET, BPFD_ERROR_NO_ANSWER,
	                  "bpfd closed the connection %d times without an answer: it has too many "
	                  "clients, or what listens at \"%s\" is not bpfd",
	                  DROPS_MAX, transport->address.sun_path);
}

/* One attempt on the connection that is there; -ECONNRESET also when there is none. */
static int request_try(struct transport *transport, struct exchange *exchange,
                       struct connection_answer *answer)
{
	struct connection *connection = &transport->connection;
	int result;

	if (!connection->stream)
		return -ECONNRESET;
	result = connection_send(connection, &exchange->request, exchange->deadline_ms);
	exchange->sent = exchange->sent || exchange->request.sent_bytes > 0;
	if (result == 0)
		result = connection_receive(connection, exchange->id, TRANSPORT_ANSWER_MAX,
		                            exchange->deadline_ms, answer);
	if (result < 0) /* an answer that comes after all must not be the next call's */
		connection_close(connection);
	if (result == -ECONNRESET)
		exchange->drops++;
	return result;
}

static int pause_take(struct exchange *exchange)
{
	uint64_t now = clock_ms(), end = now + exchange->pause_ms;

	if (end >= exchange->deadline_ms)
		end = exchange->deadline_ms;

	struct timespec until = { .tv_sec = (time_t)(end / 1000),
		                  .tv_nsec = (long)(end % 1000) * 1000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
	exchange->pause_ms *= 2;
	if (exchange->pause_ms > RECONNECT_MAX_MS)
		exchange->pause_ms = RECONNECT_MAX_MS;
	return end == exchange->deadline_ms ? -ETIMEDOUT : 0;
}

/* The request went out and its connection was lost: sends it on one after the other until one of
 * them brings an answer. */
static int request_repeat(struct transport *transport, struct exchange *exchange,
                          struct connection_answer *answer)
{
	int result = -ECONNRESET;

	while (result == -ECONNRESET && exchange->drops < DROPS_MAX) {
		result = pause_take(exchange);
		if (result == 0)
			result = connection_dial(&transport->connection, exchange->deadline_ms);
		if (result == 0)
			result = request_try(transport, exchange, answer);
	}
	return result;
}

int transport_exchange(struct transport *transport, uint8_t *request, size_t size_bytes,
                       uint32_t timeout_ms, struct connection_answer *answer,
                       struct bpfd_error **error)
{
	struct exchange exchange = {
		.id = transport->requests++ | REQUEST_ID_END,
		.timeout_ms = timeout_ms,
		.deadline_ms = clock_ms() + timeout_ms,
		.pause_ms = RECONNECT_MIN_MS,
	};
	int result;

	connection_request_init(&exchange.request, exchange.id, request, size_bytes);
	result = request_try(transport, &exchange, answer);
	if (result == -ECONNRESET && exchange.request.sent_bytes == 0) {
		/* The connection had ended before this call: none was lost on it. Or nng has shut
		 * it by mistake: it tells a new stream of the hang-up that its socket shows before
		 * it is connected, when its poll thread is slow. */
		exchange.drops = 0;
		result = dial_or_probe(transport, exchange.deadline_ms, error);
		if (result < 0)
			return result;
		result = request_try(transport, &exchange, answer);
	}
	if (result == -ECONNRESET)
		result = request_repeat(transport, &exchange, answer);
	return result < 0 ? exchange_error(transport, result, &exchange, error) : 0;
}
