/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A hook of tcx with links of bpfd's, and the broker's part played: who runs there, and where. */
#ifndef BPFD_TESTS_TCX_STAGE_H
#define BPFD_TESTS_TCX_STAGE_H

#include "broker/attach.h"
#include "tests/xdp/harness.h"

#define STAGE_DIGITS 8

struct stage {
	struct host host;
	struct attach_context context;
	struct netlink netlink;
	/* By the digit that they leave: 1 to 7. */
	struct chain_member loaded[STAGE_DIGITS];
	struct record_program programs[STAGE_DIGITS];
	/* By id, 1 to 7. */
	struct record_link links[STAGE_DIGITS];
	char message[ERROR_MESSAGE_MAX]; /* of the last refusal */
};

/* Makes the host; programs 1 to 7 go on. Ends the test program with the reason where the kernel has
 * no tcx. */
void stage_open(struct stage *stage);

/* Each as the broker does it; the link has the id of the digit. 0 or -errno. */
int stage_attach(struct stage *stage, unsigned int digit, int32_t priority);
int stage_detach(struct stage *stage, unsigned int id);
/* Program 0 is the one that the link has. */
int stage_update(struct stage *stage, unsigned int id, int32_t priority, unsigned int digit);
/* What a start does with a link that was being updated. */
int stage_restore(struct stage *stage, unsigned int id);

#endif
