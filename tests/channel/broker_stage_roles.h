/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The stage's processes. As the launcher starts them: real binaries in their identities behind
 * their filters. In a sanitizer's build, whose run-time does not live behind a filter: the same
 * code in forked children, as the test's own user.
 */
#ifndef BPFD_TESTS_BROKER_STAGE_ROLES_H
#define BPFD_TESTS_BROKER_STAGE_ROLES_H

#include "common/sandbox.h"

#include <stdbool.h>

#define STAGE_BROKER_UID 64001
#define STAGE_LOADER_UID 64002

/* False in a sanitizer's build. */
extern const bool stage_confined;

bool stage_roles_open(void);
void stage_opener_start(int launcher_fd, int broker_fd, pid_t *pid);
void stage_loader_start(int gate_fd, pid_t *pid);
/* The binary; only where stage_confined. */
void stage_broker_start(int launcher_fd, int frontend_fd, int opener_fd, int latency_fd,
                        pid_t *pid);
/* In the forked child that runs the broker's code: its identity and its sandbox, where
 * stage_confined. */
int stage_identity_take(struct error *error);
int stage_sandbox_enter(const struct launcher_settings *settings, struct error *error);

#endif
