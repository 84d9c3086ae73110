/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "seccomp/policy_line.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int role_parse(struct policy *policy, const struct line *line)
{
	int result = line_expect(line, 2, 2, "role NAME");

	if (result < 0)
		return result;
	if (policy->role[0])
		return line_wrong(line, "the role is named twice");
	const char *name = line->tokens[1];
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz_");

	if (name[length] || length >= sizeof(policy->role))
		return line_wrong(line, "\"%s\" is no role name: lower case letters only", name);
	memcpy(policy->role, name, length + 1);
	return 0;
}

static int root_parse(struct policy *policy, const struct line *line)
{
	const char *word = line->count == 2 ? line->tokens[1] : "";
	bool yes = strcmp(word, "yes") == 0, any = strcmp(word, "any") == 0;

	if (!yes && !any && strcmp(word, "no") != 0)
		return line_wrong(line, "expected: root yes|no|any");
	if (policy->root_given)
		return line_wrong(line, "root is said twice");
	policy->root = yes;
	policy->any_user = any;
	policy->root_given = true;
	return 0;
}

static int narrows_parse(struct policy *policy, const struct line *line)
{
	policy->narrows = true;
	return line_expect(line, 1, 1, "narrows");
}

static int survives_parse(struct policy *policy, const struct line *line)
{
	policy->survives_parent = true;
	return line_expect(line, 1, 1, "survives-parent");
}

static int capability_parse(struct policy *policy, const struct line *line)
{
	for (size_t i = 1; i < line->count; i++) {
		const char *name = line->tokens[i];
		int number =
			strncmp(name, "CAP_", 4) == 0 ? capng_name_to_capability(name + 4) : -1;

		if (number < 0 || number > 63)
			return line_wrong(line, "\"%s\" is no capability", name);
		if (policy->capabilities & (UINT64_C(1) << number))
			return line_wrong(line, "%s is given twice", name);
		policy->capabilities |= UINT64_C(1) << number;
	}
	return line_expect(line, 2, LINE_TOKENS_MAX, "capability CAP_NAME...");
}

static int rlimit_parse(struct policy *policy, const struct line *line)
{
	struct policy_rlimit limit;
	int result = line_expect(line, 3, 3, "rlimit NAME VALUE");

	if (result == 0 && !symbol_rlimit(line->tokens[1], &limit.resource))
		result = line_wrong(line, "\"%s\" is no resource limit that the compiler knows",
		                    line->tokens[1]);
	if (result == 0)
		result = value_parse(line, line->tokens[2], &limit.value);
	for (size_t i = 0; result == 0 && i < policy->rlimit_count; i++) {
		if (policy->rlimits[i].resource == limit.resource)
			result = line_wrong(line, "%s is limited twice", line->tokens[1]);
	}
	if (result == 0 && policy->rlimit_count == POLICY_ENTRIES_MAX)
		result = line_wrong(line, "more than %d resource limits", POLICY_ENTRIES_MAX);
	if (result == 0)
		policy->rlimits[policy->rlimit_count++] = limit;
	return result;
}

static int path_parse(struct policy *policy, const struct line *line)
{
	bool optional = line->count == 4 && strcmp(line->tokens[3], "optional") == 0;
	uint64_t access = 0;

	if (line->count != 3 && !optional)
		return line_wrong(line, "expected: landlock ACCESS|ACCESS... PATH [optional]");
	int result = mask_parse(line, line->tokens[1], "Landlock access", symbol_access, &access);

	if (result < 0)
		return result;
	if (line->tokens[2][0] != '/' && line->tokens[2][0] != '@')
		return line_wrong(line, "\"%s\" is no path: it starts with neither / nor @",
		                  line->tokens[2]);
	if (strpbrk(line->tokens[2], "\"\\"))
		return line_wrong(line, "\"%s\" holds a quote or a backslash", line->tokens[2]);
	if (policy->path_count == POLICY_ENTRIES_MAX)
		return line_wrong(line, "more than %d paths", POLICY_ENTRIES_MAX);
	char *path = strdup(line->tokens[2]);

	if (!path)
		return line_wrong(line, "out of memory");
	policy->paths[policy->path_count++] =
		(struct policy_path){ .path = path, .access = access, .optional = optional };
	return 0;
}

static int landlock_parse(struct policy *policy, const struct line *line)
{
	if (line->count == 2 && strcmp(line->tokens[1], "inherited") == 0) {
		policy->landlock_inherited = true;
		return 0;
	}
	if (line->count == 3 && strcmp(line->tokens[1], "scope") == 0)
		return mask_parse(line, line->tokens[2], "Landlock scope", symbol_scope,
		                  &policy->landlock_scope);
	if (line->count == 3 && strcmp(line->tokens[1], "tcp") == 0)
		return mask_parse(line, line->tokens[2], "Landlock access to TCP", symbol_tcp,
		                  &policy->landlock_tcp);
	return path_parse(policy, line);
}

static int needed_parse(struct policy *policy, const struct line *line)
{
	for (size_t i = 1; i < line->count; i++) {
		char *name = strpbrk(line->tokens[i], "\"\\/") ? NULL : strdup(line->tokens[i]);

		if (!name)
			return line_wrong(line, "\"%s\" is no library name", line->tokens[i]);
		if (policy->needed_count == POLICY_ENTRIES_MAX) {
			free(name);
			return line_wrong(line, "more than %d libraries", POLICY_ENTRIES_MAX);
		}
		policy->needed[policy->needed_count++] = name;
	}
	return line_expect(line, 2, LINE_TOKENS_MAX, "needed LIBRARY...");
}

static int default_parse(struct policy *policy, const struct line *line)
{
	if (line->count != 2 || strcmp(line->tokens[1], "kill") != 0)
		return line_wrong(line, "expected: default kill (nothing else is accepted)");
	policy->default_given = true;
	return 0;
}

static const struct {
	const char *word;
	int (*parse)(struct policy *policy, const struct line *line);
} line_table[] = {
	{ "role", role_parse },
	{ "root", root_parse },
	{ "narrows", narrows_parse },
	{ "survives-parent", survives_parse },
	{ "capability", capability_parse },
	{ "rlimit", rlimit_parse },
	{ "landlock", landlock_parse },
	{ "needed", needed_parse },
	{ "default", default_parse },
	{ "allow", allow_parse },
	{ "errno", errno_parse },
};

static int line_parse(struct policy *policy, const struct line *line)
{
	if (line->count == 0)
		return 0;
	for (size_t i = 0; i < sizeof(line_table) / sizeof(line_table[0]); i++) {
		if (strcmp(line_table[i].word, line->tokens[0]) == 0)
			return line_table[i].parse(policy, line);
	}
	return line_wrong(line, "\"%s\" is nothing that a policy says", line->tokens[0]);
}

/* What a policy cannot leave open. */
static int policy_check(const struct policy *policy, const struct line *line)
{
	if (!policy->role[0])
		return line_wrong(line, "the policy has no \"role\" line");
	if (!policy->root_given)
		return line_wrong(line, "the policy has no \"root yes|no|any\" line");
	if (!policy->default_given)
		return line_wrong(line, "the policy has no \"default kill\" line");
	if (policy->syscall_count == 0)
		return line_wrong(line,
		                  "the policy allows no system call: the role could not even end");
	if (policy->any_user && (policy->capabilities || !policy->narrows))
		return line_wrong(line, "\"root any\" needs \"narrows\", and leaves no capability");
	if (policy->landlock_inherited &&
	    (policy->path_count || policy->landlock_scope || policy->landlock_tcp))
		return line_wrong(line, "\"landlock inherited\" takes no rules of its own");
	return 0;
}

int policy_parse(struct policy *policy, const char *file, FILE *input, FILE *messages)
{
	struct line line = { .file = file, .messages = messages };
	char *text = NULL;
	size_t size = 0;
	int result = 0;

	memset(policy, 0, sizeof(*policy));
	policy->filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!policy->filter ||
	    seccomp_attr_set(policy->filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) < 0)
		return line_wrong(&line, "libseccomp makes no filter");
	while (result == 0 && getline(&text, &size, input) >= 0) {
		line.number++;
		result = line_split(&line, text);
		if (result == 0)
			result = line_parse(policy, &line);
	}
	free(text);
	if (result == 0 && ferror(input))
		result = line_wrong(&line, "cannot be read");
	return result < 0 ? result : policy_check(policy, &line);
}

void policy_free(struct policy *policy)
{
	for (size_t i = 0; i < policy->path_count; i++)
		free(policy->paths[i].path);
	for (size_t i = 0; i < policy->needed_count; i++)
		free(policy->needed[i]);
	if (policy->filter)
		seccomp_release(policy->filter);
	policy->filter = NULL;
}
