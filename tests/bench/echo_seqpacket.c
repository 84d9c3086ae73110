/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* echo_seqpacket PATH SIZE: answers every message with one of SIZE bytes, from one epoll loop: the
 * least that a server can do. */
#include "tests/bench/samples.h"

#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SIZE_MAX_HERE 65536

static unsigned char bytes[SIZE_MAX_HERE];

static void watch(int epoll_fd, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		die("cannot watch a connection");
}

static void serve(int epoll_fd, int listen_fd, size_t size)
{
	for (;;) {
		struct epoll_event events[64];
		int ready = epoll_wait(epoll_fd, events, 64, -1);

		for (int i = 0; i < ready; i++) {
			static unsigned char request[SIZE_MAX_HERE];
			int fd = events[i].data.fd;

			if (fd == listen_fd)
				watch(epoll_fd, accept4(fd, NULL, NULL, SOCK_CLOEXEC));
			else if (recv(fd, request, sizeof(request), 0) <= 0 ||
			         send(fd, bytes, size, MSG_NOSIGNAL) < 0)
				(void)close(fd);
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	if (argc != 3)
		die("usage: echo_seqpacket PATH SIZE");
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1024) < 0)
		die("cannot listen on %s", argv[1]);
	watch(epoll_fd, fd);
	serve(epoll_fd, fd, number_read(argv[2], SIZE_MAX_HERE));
}
