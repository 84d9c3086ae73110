/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/client.h"
#include "client/lib/check.h"
#include "client/lib/error.h"
#include "client/lib/transport.h"
#include "common/cleanup.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define PROTOCOL_VERSION 1
#define ANSWER_BUDGET_BYTES                                                   \
	(256u << 20) /* of memory that one answer may take once it is decoded \
	              */

struct bpfd_client {
	struct transport transport;
	pthread_mutex_t lock; /* one call at a time */
	uint32_t timeout_ms;
};

const char *bpfd_library_version(void)
{
	return BPFD_VERSION;
}

int bpfd_request_id_new(uint8_t request_id[BPFD_REQUEST_ID_SIZE])
{
	ssize_t got;

	/* So few bytes come whole, or not at all before the kernel's generator is ready. */
	do {
		got = getrandom(request_id, BPFD_REQUEST_ID_SIZE, 0);
	} while (got < 0 && errno == EINTR);
	return got == BPFD_REQUEST_ID_SIZE ? 0 : -errno;
}

int bpfd_client_open(const char *socket_path, struct bpfd_client **client,
                     struct bpfd_error **error)
{
	struct bpfd_client *made = calloc(1, sizeof(*made));
	int result;

	if (!made)
		return error_memory(error);
	made->timeout_ms = BPFD_TIMEOUT_MS;
	result = transport_open(&made->transport, socket_path ? socket_path : BPFD_SOCKET_PATH,
	                        error);
	if (result < 0) {
		free(made);
		return result;
	}
	(void)pthread_mutex_init(&made->lock, NULL);
	*client = made;
	return 0;
}

void bpfd_client_close(struct bpfd_client *client)
{
	if (!client)
		return;
	transport_close(&client->transport);
	(void)pthread_mutex_destroy(&client->lock);
	free(client);
}

void bpfd_client_set_timeout(struct bpfd_client *client, uint32_t timeout_ms)
{
	if (timeout_ms == 0)
		timeout_ms = 1;
	if (timeout_ms > INT_MAX)
		timeout_ms = INT_MAX;
	(void)pthread_mutex_lock(&client->lock);
	client->timeout_ms = timeout_ms;
	(void)pthread_mutex_unlock(&client->lock);
}

struct arena *client_arena(struct bpfd_error **error)
{
	struct arena *arena = arena_new(ANSWER_BUDGET_BYTES);

	if (!arena)
		(void)error_memory(error);
	return arena;
}

int error_answer(struct bpfd_error **error, const char *what)
{
	return error_make(error, -EPROTO, BPFD_ERROR_BAD_ANSWER,
	                  "the answer is none of bpfd's: %s (does another program listen on the "
	                  "socket, or is "
	                  "bpfd much newer than this library, %s?)",
	                  what, BPFD_VERSION);
}

static int response_error(const Bpfd__V1__Error *refusal, struct bpfd_error **error)
{
	if (!refusal || refusal->code == BPFD__V1__ERROR_CODE__ERROR_CODE_UNSPECIFIED)
		return error_answer(error, "an error without a code");
	return error_make_log(error, -EREMOTEIO, (enum bpfd_error_code)refusal->code,
	                      refusal->message, refusal->verifier_log.data,
	                      refusal->verifier_log.len);
}

static int response_unpack(const struct connection_answer *answer,
                           Bpfd__V1__Response__ResultCase wanted, struct arena *arena,
                           const Bpfd__V1__Response **response, struct bpfd_error **error)
{
	const Bpfd__V1__Response *got = bpfd__v1__response__unpack(
		arena_allocator(arena), answer->size_bytes, answer->bytes);
	const char *field;

	if (!got)
		return error_answer(error, "it cannot be decoded");
	field = message_check(&got->base);
	if (field)
		return error_make(error, -EPROTO, BPFD_ERROR_BAD_ANSWER,
		                  "the answer's field \"%s\" holds what this library (%s) does not "
		                  "know: is bpfd "
		                  "newer?",
		                  field, BPFD_VERSION);
	if (got->result_case == BPFD__V1__RESPONSE__RESULT_ERROR)
		return response_error(got->error, error);
	/* Every other result is a message, and lies in the same union. */
	if (got->result_case != wanted || !got->load)
		return error_answer(error, "it belongs to another question");
	*response = got;
	return 0;
}

int client_call(struct bpfd_client *client, const Bpfd__V1__Request *request,
                Bpfd__V1__Response__ResultCase wanted, struct arena *arena,
                const Bpfd__V1__Response **response, struct bpfd_error **error)
{
	Bpfd__V1__Request versioned = *request;
	_cleanup_free_ uint8_t *bytes = NULL;
	struct connection_answer answer = {};
	size_t size_bytes;
	int result;

	versioned.version = PROTOCOL_VERSION;
	size_bytes = bpfd__v1__request__get_packed_size(&versioned);
	bytes = malloc(size_bytes);
	if (!bytes)
		return error_memory(error);
	(void)bpfd__v1__request__pack(&versioned, bytes);
	(void)pthread_mutex_lock(&client->lock);
	result = transport_exchange(&client->transport, bytes, size_bytes, client->timeout_ms,
	                            &answer, error);
	(void)pthread_mutex_unlock(&client->lock);
	if (result < 0)
		return result;
	result = response_unpack(&answer, wanted, arena, response, error);
	free(answer.memory);
	return result;
}

int client_change(struct bpfd_client *client, Bpfd__V1__Request *request, const uint8_t *request_id,
                  Bpfd__V1__Response__ResultCase wanted, struct arena *arena,
                  const Bpfd__V1__Response **response, struct bpfd_error **error)
{
	uint8_t id[BPFD_REQUEST_ID_SIZE];

	if (request_id) {
		memcpy(id, request_id, sizeof(id));
	} else {
		int result = bpfd_request_id_new(id);

		if (result < 0)
			return error_make(error, result, BPFD_ERROR_INTERNAL,
			                  "the kernel gives no random bytes: %s",
			                  strerrordesc_np(-result));
	}
	request->request_id.data = id;
	request->request_id.len = sizeof(id);
	return client_call(client, request, wanted, arena, response, error);
}
