/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Directories as a policy's '@' paths need them, and children that confine themselves and report
 * how they ended. */
#ifndef BPFD_TESTS_SANDBOX_FIXTURE_H
#define BPFD_TESTS_SANDBOX_FIXTURE_H

#include "tests/sandbox/policies.h"

#include <stdbool.h>

/* A user that nobody else on the machine is; none needs to exist in /etc/passwd. */
#define ROLE_UID 64321

struct fixture {
	char base[64]; /* holds state, run, bpffs, xdp, tracefs/events/one and helpers */
	struct launcher_settings settings;
};

/* Makes the directories, owned by ROLE_UID. 0 or -1, as cmocka's group functions answer. */
int fixture_make(struct fixture *fixture);
void fixture_remove(const struct fixture *fixture);

/* Copies a program to `name` below the base. 0 or -1. */
int fixture_copy(const struct fixture *fixture, const char *program, const char *name);

/* In a child: takes the policy's identity (ROLE_UID, or root where the policy says so). */
int fixture_identity(const struct sandbox_policy *policy, struct error *error);

/* In a child: identity, then the sandbox; for the gate the broker's first. Ends the child when a
 * step fails. */
void fixture_enter(const struct fixture *fixture, const struct sandbox_policy *policy);

#define CHILD_KILLED (-1) /* by SIGSYS */
#define CHILD_OTHER_SIGNAL (-2)
#define CHILD_NOT_CONFINED 250 /* fixture_enter() failed; the reason is on standard error */

/* Runs `action` in a forked child; what it returns (0 or a positive errno below 250) or how the
 * child ended. */
int fixture_run(int (*action)(const void *argument), const void *argument);

/* Prints the reason and returns true if these tests cannot run: they need root. */
bool fixture_skip(void);

#endif
