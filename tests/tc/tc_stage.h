/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* TC programs to be put on both directions of one interface, of a host of the test's own. */
#ifndef BPFD_TESTS_TC_STAGE_H
#define BPFD_TESTS_TC_STAGE_H

#include "broker/kernel.h"
#include "tests/xdp/harness.h"

#include <linux/pkt_cls.h>

#define BIT(code) (1u << ((code) + 1))
#define DEFAULT BIT(TC_ACT_PIPE)
#define PROGRAMS 12
#define SHOT 11 /* this one drops; the others say pipe */

extern struct host host;
extern struct tc *tc;
extern struct netlink netlink, monitor;
extern struct chain_member programs[PROGRAMS]; /* [n] leaves the digit n; 11 leaves b */
extern struct error last;                      /* of the last call */

/* The real kernel, whose bpf() calls are counted; number `fail_at` fails. */
extern unsigned int calls, fail_at;
extern const struct kernel_operations counted;

struct tc_request request_of(uint32_t direction, size_t count, const unsigned int *digits);

#define DIGITS(...)                                                                      \
	sizeof((unsigned int[]){ __VA_ARGS__ }) / sizeof(unsigned int), (unsigned int[]) \
	{                                                                                \
		__VA_ARGS__                                                              \
	}
#define INGRESS(...) request_of(DIRECTION_INGRESS, DIGITS(__VA_ARGS__))
#define EGRESS(...) request_of(DIRECTION_EGRESS, DIGITS(__VA_ARGS__))

int chain_sync(const struct tc_request *request, struct tc_chain *chain);
void sync_ok(const struct tc_request *request, struct tc_chain *chain);
void sync_refused(const struct tc_request *request, int result, enum error_code code,
                  const char *words);
uint64_t link_of(void *state, const struct tc_place *place, uint32_t kernel_id);
int chain_read(uint32_t direction, struct tc_chain *chain);
/* The kernel id of bpfd's filter; 0: none. */
uint32_t filter_id(uint32_t direction);

/* Takes everything off, and sees that nothing is left. */
void all_off(void);
/* cmocka's teardown of each test. */
int clean(void **state);
/* The host, the engine and the programs; ends the test program where that cannot be. */
void stage_open(void);
void tc_reopen(void);

/* A qdisc: "clsact", "ingress". */
void clsact_add(const char *kind);
/* A plain TC program in a filter of somebody else's. */
void foreign_filter_add(const char *name, unsigned int digit, int verdict, const char *where);

#endif
