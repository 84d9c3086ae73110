/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef BPFD_TESTS_SANDBOX_POLICIES_H
#define BPFD_TESTS_SANDBOX_POLICIES_H

#include "common/sandbox.h"

#define POLICY_COUNT 10

extern const struct sandbox_policy *const policy_table[POLICY_COUNT];

/* The policy of that role, or NULL. */
const struct sandbox_policy *policy_by_role(const char *role);

#endif
