/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The stage's own part of its verifiers: what the launcher is told about them. */
#ifndef BPFD_TESTS_BROKER_STAGE_VERIFIER_H
#define BPFD_TESTS_BROKER_STAGE_VERIFIER_H

#include <stdint.h>

/* Takes the descriptor. */
void stage_verifier_start(uint64_t id, int *fd);
void stage_verifier_kill(uint64_t id);
void stage_verifiers_end(void);

#endif
