/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * load_raw SOCKET COUNT PAUSE_MS OBJECT FUNCTION: as load_bpfd, by a client that speaks nng's wire
 * protocol on a socket of its own: what bpfd itself takes, without nng's threads.
 */
#include "bpfd.pb-c.h"
#include "tests/bench/raw.h"
#include "tests/bench/samples.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#define REQUEST_ID_SIZE 16
#define REQUEST_MAX (1u << 20)
#define ANSWER_MAX 65536

static unsigned char request_bytes[REQUEST_MAX], answer_bytes[ANSWER_MAX];

/* Packs the request behind SP's head; how many bytes there are to send. */
static size_t request_pack(Bpfd__V1__Request *request)
{
	static unsigned char id[REQUEST_ID_SIZE];
	uint64_t length;
	size_t size;

	if (getrandom(id, sizeof(id), 0) != sizeof(id))
		die("no random bytes");
	request->request_id = (ProtobufCBinaryData){ sizeof(id), id };
	size = bpfd__v1__request__get_packed_size(request);
	if (size > REQUEST_MAX - SP_HEAD - SP_ID)
		die("the object is too long");
	length = htobe64(SP_ID + size);
	request_bytes[0] = 1;
	memcpy(request_bytes + 1, &length, sizeof(length));
	memcpy(request_bytes + SP_HEAD, (const unsigned char[SP_ID]){ 0x80 }, SP_ID);
	return SP_HEAD + SP_ID + bpfd__v1__request__pack(request, request_bytes + SP_HEAD + SP_ID);
}

static void whole_receive(int fd, unsigned char *bytes, size_t size)
{
	if (recv(fd, bytes, size, MSG_WAITALL) != (ssize_t)size)
		die("the server closed the connection");
}

/* The answer, which the caller frees. */
static Bpfd__V1__Response *call(int fd, Bpfd__V1__Request *request)
{
	size_t size = request_pack(request);
	ssize_t got = 0;
	uint64_t length;
	Bpfd__V1__Response *response;

	if (send(fd, request_bytes, size, 0) != (ssize_t)size)
		die("cannot send");
	/* most answers come in one piece */
	got = recv(fd, answer_bytes, sizeof(answer_bytes), 0);
	if (got < SP_HEAD + SP_ID)
		die("half a head");
	memcpy(&length, answer_bytes + 1, sizeof(length));
	length = SP_HEAD + be64toh(length);
	if (length > sizeof(answer_bytes))
		die("the answer is too long");
	if ((uint64_t)got < length)
		whole_receive(fd, answer_bytes + got, length - (size_t)got);
	response = bpfd__v1__response__unpack(NULL, length - SP_HEAD - SP_ID,
	                                      answer_bytes + SP_HEAD + SP_ID);
	if (!response || response->result_case == BPFD__V1__RESPONSE__RESULT_ERROR)
		die("refused: %s", response ? response->error->message : "no response");
	return response;
}

static void object_read(const char *path, ProtobufCBinaryData *object)
{
	FILE *file = fopen(path, "re");

	object->data = malloc(REQUEST_MAX);
	if (!file || !object->data)
		die("cannot read %s", path);
	object->len = fread(object->data, 1, REQUEST_MAX, file);
	(void)fclose(file);
}

static void unload(int fd, uint64_t id)
{
	Bpfd__V1__UnloadRequest unload = BPFD__V1__UNLOAD_REQUEST__INIT;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;

	unload.program_id = id;
	request.version = 1;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_UNLOAD;
	request.unload = &unload;
	bpfd__v1__response__free_unpacked(call(fd, &request), NULL);
}

int main(int argc, char **argv)
{
	Bpfd__V1__LoadProgram program = BPFD__V1__LOAD_PROGRAM__INIT;
	Bpfd__V1__LoadProgram *programs[] = { &program };
	Bpfd__V1__LoadRequest load = BPFD__V1__LOAD_REQUEST__INIT;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	struct samples samples = {};
	uint64_t total_ns = 0;

	if (argc != 6)
		die("usage: load_raw SOCKET COUNT PAUSE_MS OBJECT FUNCTION");
	unsigned int count = number_read(argv[2], 100000), pause_ms = number_read(argv[3], 10000);
	int fd = raw_connect(argv[1], true);

	object_read(argv[4], &load.object);
	program.type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_XDP;
	program.function = argv[5];
	load.n_programs = 1;
	load.programs = programs;
	request.version = 1;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_LOAD;
	request.load = &load;
	for (; count; count--) {
		sleep_ms(pause_ms);
		uint64_t start = now_ns();
		Bpfd__V1__Response *response = call(fd, &request);
		uint64_t time_ns = now_ns() - start;

		samples_add(&samples, time_ns);
		total_ns += time_ns;
		unload(fd, response->load->programs[0]->id);
		bpfd__v1__response__free_unpacked(response, NULL);
	}
	samples_print(&samples, total_ns);
	free(load.object.data);
	return 0;
}
