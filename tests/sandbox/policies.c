/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/sandbox/policies.h"

#include <string.h>

const struct sandbox_policy *const policy_table[POLICY_COUNT] = {
	&sandbox_policy_launcher,
	&sandbox_policy_broker,
	&sandbox_policy_gate,
	&sandbox_policy_frontend,
	&sandbox_policy_loader,
	&sandbox_policy_opener,
	&sandbox_policy_opener_containers,
	&sandbox_policy_fetcher,
	&sandbox_policy_verifier,
	&sandbox_policy_image,
};

const struct sandbox_policy *policy_by_role(const char *role)
{
	for (size_t i = 0; i < POLICY_COUNT; i++) {
		if (strcmp(policy_table[i]->role, role) == 0)
			return policy_table[i];
	}
	return NULL;
}
