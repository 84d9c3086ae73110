/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bpfd_policy_compile POLICY OUTPUT.c: what runs in the build. */
#include "common/cleanup.h"
#include "seccomp/policy.h"

#include <string.h>

static int usage(void)
{
	(void)fprintf(stderr, "usage: bpfd_policy_compile POLICY OUTPUT\n");
	return 2;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int compile(const char *input_path, const char *output_path)
{
	_cleanup_fclose_ FILE *input = fopen(input_path, "re");
	struct policy policy;

	if (!input) {
		(void)fprintf(stderr, "%s: %s\n", input_path, strerror(errno));
		return 1;
	}
	int result = policy_parse(&policy, input_path, input, stderr);

	if (result == 0) {
		_cleanup_fclose_ FILE *output = fopen(output_path, "we");

		result = output ? policy_emit(&policy, base_name(input_path), output) : -errno;
		if (result < 0) {
			(void)fprintf(stderr, "%s: %s\n", output_path, strerror(-result));
			(void)unlink(output_path);
		}
	}
	policy_free(&policy);
	return result < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	return argc == 3 ? compile(argv[1], argv[2]) : usage();
}
