/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef BPFD_BPFCTL_IMAGE_H
#define BPFD_BPFCTL_IMAGE_H

#include "bpfctl/credentials.h"

/* Everything for one request that may fetch an image. */
struct image_session {
	struct bpfd_client *client;
	struct bpfd_image_source source; /* its credentials are those below */
	struct credentials credentials;  /* to be forgotten by credentials_forget() */
	uint8_t request_id[BPFD_REQUEST_ID_SIZE];
};

/* Of the command's operand and options; connects. EXIT_DONE, or prints why not. The session stays
 * where it is. */
enum exit_code image_source_open(struct arguments *arguments, struct image_session *session);

#endif
