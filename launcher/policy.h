/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * bpfd-policy.d(5): whose signatures count, repository by repository. The files are root's own, as
 * bpfd.conf is.
 */
#ifndef BPFD_LAUNCHER_POLICY_H
#define BPFD_LAUNCHER_POLICY_H

#include "common/error.h"
#include "proto/trust.h"

#include <stddef.h>

#define POLICY_PLACE_SIZE 192

/* A file that rules name. */
struct policy_file {
	char path[IMAGE_RULE_TEXT_SIZE];
	char place[POLICY_PLACE_SIZE]; /* who named it first: "FILE:LINE" */
};

struct policy {
	size_t rule_count;
	struct trust_rule rules[TRUST_RULES_MAX];
	size_t file_count;
	struct policy_file files[TRUST_FILES_MAX - 1]; /* one is left for trusted_root.json */
};

/*
 * Reads every *.conf in the directory, in the order of the names. No directory: no rules. 0 or
 * -errno with `error` (file, line, what is allowed).
 */
int policy_read(const char *directory, struct policy *out, struct error *error);

/* How many rules want a signature. */
size_t policy_demands(const struct policy *policy);

#endif
