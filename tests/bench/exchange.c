/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * exchange seqpacket|sp PATH CLIENTS COUNT REQUEST_HEX: as many raw connections, each with one
 * request under way at any time, from one epoll loop; the time of each request until its whole
 * answer. "sp" speaks nng's wire protocol and sends the request's bytes as a message; "seqpacket"
 * sends them as they are. The first tenth does not count. When bpfd answered by an error, a second
 * line says how often.
 */
#include "tests/bench/raw.h"
#include "tests/bench/samples.h"

#include <endian.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define REQUEST_MAX 4096
#define ANSWER_MAX 65536
#define CLIENTS_MAX 1024
#define RESPONSE_ERROR 0x0a /* how an answer of bpfd's begins that is an error */

struct client {
	int fd;
	uint64_t sent_ns;
	size_t got;      /* bytes of the answer so far */
	size_t expected; /* and in all */
};

static struct client clients[CLIENTS_MAX];
static unsigned char request[REQUEST_MAX];
static size_t request_size;
static bool sp;
static unsigned int refused;

static void request_read(const char *hex)
{
	size_t digits = strlen(hex);

	if (sp) {
		uint64_t length = htobe64(SP_ID + digits / 2);

		request[0] = 1;
		memcpy(request + 1, &length, sizeof(length));
		request[SP_HEAD] = 0x80;
		request_size = SP_HEAD + SP_ID;
	}
	if (digits % 2 || request_size + digits / 2 > sizeof(request))
		die("the request is too long");
	for (; *hex; hex += 2) {
		const char byte[] = { hex[0], hex[1], '\0' };

		request[request_size++] = (unsigned char)strtoul(byte, NULL, 16);
	}
}

static void request_send(struct client *client)
{
	client->sent_ns = now_ns();
	client->got = 0;
	if (send(client->fd, request, request_size, 0) != (ssize_t)request_size)
		die("cannot send");
}

/* True when the answer is whole. */
static bool answer_take(struct client *client)
{
	static unsigned char answer[ANSWER_MAX];
	uint64_t length;
	ssize_t count = recv(client->fd, answer, sizeof(answer), 0);

	if (count <= 0)
		die("the server closed the connection");
	if (!sp)
		return true;
	/* the server sends an answer in one piece: its head comes first, whole */
	if (client->got == 0 && count < SP_HEAD)
		die("half a head");
	if (client->got == 0) {
		memcpy(&length, answer + 1, sizeof(length));
		client->expected = SP_HEAD + be64toh(length);
		if (count > SP_HEAD + SP_ID && answer[SP_HEAD + SP_ID] == RESPONSE_ERROR)
			refused++;
	}
	client->got += (size_t)count;
	return client->got >= client->expected;
}

static void run(int epoll_fd, unsigned int count, unsigned int client_count)
{
	struct samples samples = {};
	uint64_t start = 0;
	unsigned int sent = client_count, done = 0;

	for (unsigned int i = 0; i < client_count; i++)
		request_send(&clients[i]);
	while (done < sent) {
		struct epoll_event events[64];
		int ready = epoll_wait(epoll_fd, events, 64, -1);

		for (int i = 0; i < ready; i++) {
			struct client *client = events[i].data.ptr;

			if (!answer_take(client))
				continue;
			uint64_t now = now_ns();

			done++;
			if (done == count / 10)
				start = now;
			if (start)
				samples_add(&samples, now - client->sent_ns);
			if (sent < count) {
				sent++;
				request_send(client);
			}
		}
	}
	samples_print(&samples, now_ns() - start);
}

int main(int argc, char **argv)
{
	if (argc != 6 || (strcmp(argv[1], "sp") != 0 && strcmp(argv[1], "seqpacket") != 0))
		die("usage: exchange seqpacket|sp PATH CLIENTS COUNT REQUEST_HEX");
	unsigned int client_count = number_read(argv[3], CLIENTS_MAX),
		     count = number_read(argv[4], 10000000);
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	sp = strcmp(argv[1], "sp") == 0;
	request_read(argv[5]);
	for (unsigned int i = 0; i < client_count; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = &clients[i] };

		clients[i].fd = raw_connect(argv[2], sp);
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, clients[i].fd, &event) < 0)
			die("epoll_ctl failed");
	}
	run(epoll_fd, count < client_count ? client_count : count, client_count);
	if (refused)
		(void)printf("{\"refused\": %u}\n", refused);
	return 0;
}
