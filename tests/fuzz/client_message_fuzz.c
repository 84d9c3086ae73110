/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a client may send, from bytes to the broker's structures. The first byte says how: below 128
 * the rest is a stream, read in pieces of that many bytes (0: all at once); from 128 on it is one
 * request without nng's frame.
 */
#include "frontend/arena.h"
#include "frontend/request.h"
#include "common/sp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct arena arena;

/* What is accepted is accepted again after packing: nothing got lost on the way. */
static void packed_again(const Bpfd__V1__Request *request, bool valid)
{
	size_t size = bpfd__v1__request__get_packed_size(request);
	uint8_t *bytes = malloc(size ? size : 1);
	Bpfd__V1__Request *again;
	struct error error;

	if (!bytes)
		abort();
	if (bpfd__v1__request__pack(request, bytes) != size)
		abort();
	if (request_decode(bytes, size, &arena, &again, &error) < 0)
		abort();
	if ((request_check(again, &error) == 0) != valid)
		abort();
	free(bytes);
}

static void request_take(const uint8_t *bytes, size_t size)
{
	struct error error = { .code = ERROR_NONE };
	Bpfd__V1__Request *request;

	if (request_decode(bytes, size, &arena, &request, &error) == 0) {
		int r = request_check(request, &error);

		if (r < 0 && error.code == ERROR_NONE)
			abort();
		packed_again(request, r == 0);
	} else if (error.code == ERROR_NONE || error.message[0] == '\0') {
		abort();
	}
	arena_reset(&arena, 0);
}

/* The whole body of a message, as the frontend collects it. */
struct body {
	uint8_t *bytes;
	size_t used;
};

static void body_take(struct body *body, const struct sp_reader *reader, const struct sp_step *step)
{
	memcpy(body->bytes + body->used, step->body, step->body_size);
	body->used += step->body_size;
	if (reader->body_left)
		return;
	if (body->used != reader->body_size)
		abort();

	int backtrace_size = sp_backtrace_size(body->bytes, body->used);

	if (backtrace_size > 0)
		request_take(body->bytes + backtrace_size, body->used - (size_t)backtrace_size);
	body->used = 0;
}

static bool piece_take(struct sp_reader *reader, struct body *body, const uint8_t *bytes,
                       size_t size)
{
	struct sp_step step;

	for (size_t at = 0; at < size; at += step.used) {
		if (sp_reader_take(reader, bytes + at, size - at, &step) < 0)
			return false;
		if (step.used == 0 || step.used > size - at)
			abort();
		if (step.event == SP_EVENT_BODY)
			body_take(body, reader, &step);
	}
	return true;
}

static void stream_take(const uint8_t *bytes, size_t size, size_t piece)
{
	struct body body = { .bytes = malloc(size + 1) };
	struct sp_reader reader;

	if (!body.bytes)
		abort();
	sp_reader_init(&reader, SP_REQUEST);
	if (piece == 0)
		piece = size + 1;
	for (size_t at = 0; at < size; at += piece) {
		if (!piece_take(&reader, &body, bytes + at, size - at < piece ? size - at : piece))
			break;
	}
	free(body.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static bool ready;

	if (!ready)
		arena_init(&arena, 0);
	ready = true;
	if (size == 0)
		return 0;
	if (bytes[0] < 128)
		stream_take(bytes + 1, size - 1, bytes[0]);
	else
		request_take(bytes + 1, size - 1);
	return 0;
}
