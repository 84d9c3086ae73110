/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a fetcher may say to the frontend. The first byte says to which job; then messages, each a
 * type, a length of two bytes and a body. What is kept is described to a client, as an answer.
 */
#include "common/memfd.h"
#include "frontend/answer_image.h"
#include "frontend/frontend.h"
#include "frontend/image_request.h"
#include "proto/evidence.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OBJECT_SIZE 1000

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct frontend frontend;
static struct connection connection;
static int object_fd = -1, evidence_fd = -1;

static void stage_make(void)
{
	static const unsigned char zeros[OBJECT_SIZE];

	accounts_init(&frontend.accounts, FRONTEND_BUDGET_BYTES);
	arena_init(&frontend.arena, 0);
	frontend.connections.slots = &connection;
	object_fd = memfd_from_bytes("object", zeros, sizeof(zeros));
	evidence_fd = memfd_from_bytes("evidence", zeros, sizeof(struct evidence_header));
	connection.payer.accounts = &frontend.accounts;
	connection.payer.account = account_ref(&frontend.accounts, 0);
	if (object_fd < 0 || evidence_fd < 0 || !connection.payer.account)
		abort();
}

/* A fetch of one of the kinds that answer_images() knows. */
static struct fetch *fetch_make(uint8_t which)
{
	static const Bpfd__V1__Request__OperationCase operations[] = {
		BPFD__V1__REQUEST__OPERATION_IMAGE_PULL, BPFD__V1__REQUEST__OPERATION_IMAGE_VERIFY,
		BPFD__V1__REQUEST__OPERATION_IMAGE_LIST, BPFD__V1__REQUEST__OPERATION_IMAGE_INSPECT,
		BPFD__V1__REQUEST__OPERATION_IMAGE_REMOVE
	};
	static const uint32_t jobs[] = { FETCHER_PULL, FETCHER_OBJECT, FETCHER_LIST,
		                         FETCHER_INSPECT, FETCHER_REMOVE };
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	struct fetcher_job job = { .operation = jobs[which % 5] };
	struct error error;
	struct fetch *fetch;

	request.operation_case = operations[which % 5];
	fetch = fetch_new(&frontend, &connection, &request, &job, &error);
	if (!fetch)
		abort();
	return fetch;
}

static void text_check(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
			abort();
	}
}

/* It can be told to a client, and read by one. */
static void answer_check(const struct fetch *fetch)
{
	struct answer_source source = { .arena = &frontend.arena };
	Bpfd__V1__Response response = BPFD__V1__RESPONSE__INIT;
	uint8_t *packed;
	size_t size;

	if (fetch->image_count < fetch->kind->images_least ||
	    fetch->image_count > fetch->kind->images_most)
		abort();
	for (uint32_t i = 0; i < fetch->image_count; i++)
		text_check(fetch->images[i]->reference);
	arena_reset(&frontend.arena, 64u << 20);
	if (answer_images(&source, fetch, NULL, &response) < 0)
		abort();
	size = bpfd__v1__response__get_packed_size(&response);
	packed = malloc(size);
	if (!packed || bpfd__v1__response__pack(&response, packed) != size)
		abort();
	bpfd__v1__response__free_unpacked(bpfd__v1__response__unpack(NULL, size, packed), NULL);
	free(packed);
	arena_reset(&frontend.arena, 0);
}

/* One message. The result of fetch_take(), or -1. */
static int message_take(struct fetch *fetch, uint16_t type, const uint8_t *body, size_t length)
{
	static struct channel_buffer buffer;
	struct channel upper = { .fd = -1, .self = CHANNEL_UPPER, .list = &channel_fetcher };
	struct channel_header header = { .type = type, .length = (uint32_t)length };
	bool object = type == FETCHER_MESSAGE_OBJECT;
	struct channel_message message = {};
	struct error error = { .code = ERROR_NONE };

	memcpy(buffer.bytes, &header, sizeof(header));
	memcpy(buffer.bytes + sizeof(header), body, length);
	if (channel_decode(&upper, FETCHER_STATE_WORKING, &buffer, sizeof(header) + length,
	                   object ? 2 : 0, &message) < 0)
		return -1;
	memset(message.descriptors, -1, sizeof(message.descriptors));
	if (object) {
		message.descriptors[0] = dup(object_fd);
		message.descriptors[1] = dup(evidence_fd);
	}

	int r = fetch_take(&frontend, fetch, &message, &error);

	channel_message_close(&message);
	if (r < 0 && (error.code == ERROR_NONE || error.message[0] == '\0'))
		abort();
	if (r < 0)
		text_check(error.message);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct fetch *fetch;
	int r = 0;

	if (object_fd < 0)
		stage_make();
	if (size == 0)
		return 0;
	fetch = fetch_make(bytes[0]);
	for (size_t at = 1; r == 0 && size - at >= 3;) {
		size_t length = (size_t)bytes[at + 1] | (size_t)bytes[at + 2] << 8;
		size_t left = size - at - 3;

		if (length > left)
			length = left;
		if (length > CHANNEL_MESSAGE_MAX - sizeof(struct channel_header))
			break;
		r = message_take(fetch, bytes[at], bytes + at + 3, length);
		at += 3 + length;
	}
	if (r == 1)
		answer_check(fetch);
	fetch_free(&frontend, fetch);
	if (frontend.accounts.bytes != 0)
		abort();
	return 0;
}
