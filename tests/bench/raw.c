/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/bench/raw.h"

#include "tests/bench/samples.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

int raw_connect(const char *path, bool sp)
{
	static const unsigned char greeting[8] = { 0, 'S', 'P', 0, 0, 0x30, 0, 0 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, (sp ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_CLOEXEC, 0);
	unsigned char answer[8];

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("cannot connect to %s", path);
	if (sp && (send(fd, greeting, 8, 0) != 8 || recv(fd, answer, 8, MSG_WAITALL) != 8))
		die("no greeting from %s", path);
	return fd;
}
