/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Answers that an honest bpfd gives, with every field set. They are constant but for what a test
 * changes. */
#ifndef BPFD_TESTS_CLIENT_SAMPLES_H
#define BPFD_TESTS_CLIENT_SAMPLES_H

#include "client/test_server.h"

/* A program with maps, globals and metadata, as a message; to be changed by the caller. Valid until
 * the next call. */
Bpfd__V1__Program *sample_program(uint64_t id);
/* The same of a second one, so that two can be in one answer. */
Bpfd__V1__Program *sample_program_second(uint64_t id);

Bpfd__V1__Link *sample_link(uint64_t id);
Bpfd__V1__Link *sample_link_foreign(void);
Bpfd__V1__Link *sample_link_tracepoint(uint64_t id);
/* Every field of its target is set that an xdp program's does not have. */
Bpfd__V1__Link *sample_link_uprobe(uint64_t id);
Bpfd__V1__Link *sample_link_fentry(uint64_t id);

/*
 * What an honest bpfd with two programs and three links answers to any request: a reply function.
 * Ids from 900 on are not found; to load the function "bad" is refused by the verifier, with its
 * log.
 */
void sample_reply(void *context, const Bpfd__V1__Request *request, unsigned count,
                  struct reply *reply);

#endif
