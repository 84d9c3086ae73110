/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Two small programs by which a program moves within the order of a hook. The kernel takes no
 * program twice there, and cannot move a link; whatever is done by one link at a time leaves a
 * moment in which a packet meets the program at both places, or at neither. So while a program
 * moves a relay stands at both places, and calls it (bpf_tail_call) at one of them. Which one the
 * first relay decides for each packet, once, and tells the second: each processor is at one packet
 * at a time.
 *
 *	first:  turn = taken; tail call of slot FIRST; turn = open (the slot is empty); go on
 *	second: if the turn is open: tail call of slot SECOND; go on
 *
 * One change of slot FIRST switches all packets that come from then on.
 */
#ifndef BPFD_BROKER_TCX_RELAY_H
#define BPFD_BROKER_TCX_RELAY_H

#include <stdint.h>

enum tcx_side { TCX_FIRST, TCX_SECOND, TCX_SIDES };

struct tcx_relays {
	int programs_fd; /* a program array with a slot for each side: empty ones call nothing */
	int relay_fds[TCX_SIDES];
};

/* Loads both with empty slots: so they do nothing. 0 or -errno. */
int tcx_relays_load(struct tcx_relays *out);
void tcx_relays_close(struct tcx_relays *relays);

/*
 * What the relay of that side calls: 0 or -errno, -EINVAL or -EBUSY where the kernel lets nobody
 * call the program. The kernel empties the slots when nobody has a descriptor or a pin of the array
 * any more.
 */
int tcx_relay_set(int programs_fd, enum tcx_side side, int program_fd);
int tcx_relay_clear(int programs_fd, enum tcx_side side);

#endif
