/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef BPFD_BUILDER_PUSH_H
#define BPFD_BUILDER_PUSH_H

#include "client/builder/builder.h"
#include "client/builder/pieces.h"

/* A way to registries, with whoever pushes. */
struct pusher {
	struct http *http;
	char username[IMAGE_USERNAME_SIZE]; /* empty: anonymous */
	char password[IMAGE_PASSWORD_SIZE];
	bool progress; /* show it */
};

/* What opens files: the authorities that vouch for servers, the resolver, the credentials (name and
 * password, each with its zero byte; -1: none). 0, or -errno with a sentence. */
int pusher_open(struct pusher *pusher, int credentials_fd, struct error *error);

/* Sends all pieces, and the last one by the reference's tag. 0 and how many blobs the registry had
 * not got, or -errno with a sentence. */
int pieces_push(struct pusher *pusher, const struct reference *reference,
                const struct pieces *pieces, uint32_t *uploaded, struct error *error);

#endif
