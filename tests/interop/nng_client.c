/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A client of bpfd that knows nothing of libbpfd: stock nng and the messages that protoc-c makes
 * from proto/bpfd.proto. Usage: nng_client SOCKET. Asks for version, status and programs over one
 * socket, ROUNDS times; prints what it got.
 */
#include "bpfd.pb-c.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <stdio.h>
#include <stdlib.h>

#define TIMEOUT_MS 60000
#define REQUEST_SIZE_MAX 64
#define ROUNDS 2

static void complain(const char *what, int code)
{
	(void)fprintf(stderr, "%s: %s\n", what, nng_strerror(code));
}

/* One request and its answer; the caller frees the latter. */
static Bpfd__V1__Response *exchange(nng_socket socket, const Bpfd__V1__Request *request)
{
	uint8_t packed[REQUEST_SIZE_MAX];
	size_t size = bpfd__v1__request__get_packed_size(request);
	Bpfd__V1__Response *response;
	uint8_t *answer;

	if (size > sizeof(packed))
		return NULL;
	bpfd__v1__request__pack(request, packed);
	int code = nng_send(socket, packed, size, 0);

	if (code == 0)
		code = nng_recv(socket, (void *)&answer, &size, NNG_FLAG_ALLOC);
	if (code != 0) {
		complain("request", code);
		return NULL;
	}
	response = bpfd__v1__response__unpack(NULL, size, answer);
	nng_free(answer, size);
	return response;
}

static int ask(nng_socket socket, Bpfd__V1__Request *request, int expected)
{
	Bpfd__V1__Response *response = exchange(socket, request);
	int result = response && (int)response->result_case == expected ? 0 : -1;

	if (result < 0)
		(void)fprintf(stderr, "answer of kind %d, expected %d\n",
		              response ? (int)response->result_case : -1, expected);
	else if (expected == BPFD__V1__RESPONSE__RESULT_VERSION_INFO)
		(void)printf("version %s\n", response->version_info->version);
	bpfd__v1__response__free_unpacked(response, NULL);
	return result;
}

static int ask_all(nng_socket socket)
{
	Bpfd__V1__VersionRequest version = BPFD__V1__VERSION_REQUEST__INIT;
	Bpfd__V1__StatusRequest status = BPFD__V1__STATUS_REQUEST__INIT;
	Bpfd__V1__ListProgramsRequest programs = BPFD__V1__LIST_PROGRAMS_REQUEST__INIT;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;

	request.version = 1;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_VERSION_INFO;
	request.version_info = &version;
	if (ask(socket, &request, BPFD__V1__RESPONSE__RESULT_VERSION_INFO) < 0)
		return -1;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_STATUS;
	request.status = &status;
	if (ask(socket, &request, BPFD__V1__RESPONSE__RESULT_STATUS) < 0)
		return -1;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_LIST_PROGRAMS;
	request.list_programs = &programs;
	return ask(socket, &request, BPFD__V1__RESPONSE__RESULT_LIST_PROGRAMS);
}

int main(int argc, char **argv)
{
	nng_socket socket;
	char url[256];

	if (argc != 2)
		return EXIT_FAILURE;
	(void)snprintf(url, sizeof(url), "ipc://%s", argv[1]);
	int code = nng_req0_open(&socket);

	if (code == 0)
		code = nng_socket_set_ms(socket, NNG_OPT_RECVTIMEO, TIMEOUT_MS);
	if (code == 0)
		code = nng_socket_set_ms(socket, NNG_OPT_SENDTIMEO, TIMEOUT_MS);
	if (code == 0)
		code = nng_dial(socket, url, NULL, 0);
	if (code != 0) {
		complain(url, code);
		return EXIT_FAILURE;
	}
	for (int round = 0; round < ROUNDS; round++) {
		if (ask_all(socket) < 0)
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
