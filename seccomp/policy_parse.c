/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "seccomp/policy.h"

#include <cap-ng.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LINE_TOKENS_MAX 128
#define ARGUMENTS_MAX 6

/* One line, split at white space, with the place that messages name. */
struct line {
	const char *file;
	unsigned int number;
	FILE *messages;
	size_t count;
	char *tokens[LINE_TOKENS_MAX];
};

__attribute__((format(printf, 2, 3))) static int line_wrong(const struct line *line,
                                                            const char *format, ...)
{
	va_list arguments;

	(void)fprintf(line->messages, "%s:%u: ", line->file, line->number);
	va_start(arguments, format);
	(void)vfprintf(line->messages, format, arguments);
	va_end(arguments);
	(void)fputc('\n', line->messages);
	return -EINVAL;
}

static int line_split(struct line *line, char *text)
{
	char *rest = NULL;

	text[strcspn(text, "#")] = '\0';
	line->count = 0;
	for (char *token = strtok_r(text, " \t\r\n", &rest); token;
	     token = strtok_r(NULL, " \t\r\n", &rest)) {
		if (line->count == LINE_TOKENS_MAX)
			return line_wrong(line, "more than %d words in a line", LINE_TOKENS_MAX);
		line->tokens[line->count++] = token;
	}
	return 0;
}

static int line_expect(const struct line *line, size_t least, size_t most, const char *form)
{
	if (line->count < least || line->count > most)
		return line_wrong(line, "expected: %s", form);
	return 0;
}

/* A number, or constants joined by '|'. */
static int value_parse(const struct line *line, const char *text, uint64_t *value)
{
	uint64_t sum = 0;
	char *end;

	if (isdigit((unsigned char)text[0])) {
		errno = 0;
		*value = strtoull(text, &end, 0);
		return errno || *end ? line_wrong(line, "\"%s\" is not a number", text) : 0;
	}
	for (const char *part = text;; part++) {
		size_t length = strcspn(part, "|");
		uint64_t one;

		if (!symbol_constant(part, length, &one))
			return line_wrong(line, "\"%.*s\" is no constant that the compiler knows",
			                  (int)length, part);
		sum |= one;
		part += length;
		if (!*part)
			break;
	}
	*value = sum;
	return 0;
}

/* Names joined by '|', each looked up by `find`. */
static int mask_parse(const struct line *line, const char *text, const char *what,
                      bool (*find)(const char *, size_t, uint64_t *), uint64_t *mask)
{
	for (const char *part = text;; part++) {
		size_t length = strcspn(part, "|");
		uint64_t one;

		if (!find(part, length, &one))
			return line_wrong(line, "\"%.*s\" is no %s", (int)length, part, what);
		*mask |= one;
		part += length;
		if (!*part)
			return 0;
	}
}

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
	bool yes = line->count == 2 && strcmp(line->tokens[1], "yes") == 0;

	if (!yes && (line->count != 2 || strcmp(line->tokens[1], "no") != 0))
		return line_wrong(line, "expected: root yes|no");
	if (policy->root_given)
		return line_wrong(line, "root is said twice");
	policy->root = yes;
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
	return path_parse(policy, line);
}

static int needed_parse(struct policy *policy, const struct line *line)
{
	for (size_t i = 1; i < line->count; i++) {
		char *name = strdup(line->tokens[i]);

		if (!name || policy->needed_count == POLICY_ENTRIES_MAX) {
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

/* Notes that the call has a rule. A second one is a mistake, unless both have conditions: those add
 * up. */
static int syscall_note(struct policy *policy, const struct line *line, const char *name,
                        int number, bool conditional)
{
	for (size_t i = 0; i < policy->syscall_count; i++) {
		struct policy_syscall *seen = &policy->syscalls[i];

		if (seen->number == number && !(seen->conditional && conditional))
			return line_wrong(line, "%s has a rule already", name);
		if (seen->number == number)
			return 0;
	}
	if (policy->syscall_count == POLICY_SYSCALLS_MAX)
		return line_wrong(line, "more than %d system calls", POLICY_SYSCALLS_MAX);
	policy->syscalls[policy->syscall_count++] =
		(struct policy_syscall){ .number = number, .conditional = conditional };
	return 0;
}

static int rule_add(struct policy *policy, const struct line *line, uint32_t action,
                    const char *name, size_t count, const struct scmp_arg_cmp *compares)
{
	int number = seccomp_syscall_resolve_name(name);

	if (number == __NR_SCMP_ERROR)
		return line_wrong(line, "\"%s\" is no system call", name);
	/* Negative: a call of other architectures, which cannot happen on this one. */
	if (number < 0)
		return 0;
	int result = syscall_note(policy, line, name, number, count > 0);

	if (result < 0)
		return result;
	result = seccomp_rule_add_exact_array(policy->filter, action, number, (unsigned int)count,
	                                      compares);
	return result < 0 ? line_wrong(line, "libseccomp refused the rule for %s: %s", name,
	                               strerror(-result))
	                  : 0;
}

/* "argN" or "argN & MASK"; moves `at` behind it. */
static int operand_parse(const struct line *line, size_t *at, struct scmp_arg_cmp *compare)
{
	const char *word = line->tokens[*at];

	if (strncmp(word, "arg", 3) != 0 || word[3] < '0' || word[3] > '5' || word[4])
		return line_wrong(line, "\"%s\" is no argument: arg0 to arg5", word);
	*compare = (struct scmp_arg_cmp){ .arg = (unsigned int)(word[3] - '0'), .op = SCMP_CMP_EQ };
	(*at)++;
	if (*at + 1 < line->count && strcmp(line->tokens[*at], "&") == 0) {
		uint64_t mask = 0;
		int result = value_parse(line, line->tokens[*at + 1], &mask);

		compare->op = SCMP_CMP_MASKED_EQ;
		compare->datum_a = mask;
		*at += 2;
		return result;
	}
	return 0;
}

static void compare_value_set(struct scmp_arg_cmp *compare, uint64_t value)
{
	if (compare->op == SCMP_CMP_MASKED_EQ)
		compare->datum_b = value;
	else
		compare->datum_a = value;
}

/* The last condition may list values: a rule for each. */
static int values_add(struct policy *policy, const struct line *line, uint32_t action,
                      const char *name, size_t at, size_t count, struct scmp_arg_cmp *compares)
{
	if (at == line->count)
		return line_wrong(line, "\"in\" is followed by values");
	for (; at < line->count; at++) {
		uint64_t value = 0;
		int result = value_parse(line, line->tokens[at], &value);

		if (result < 0)
			return result;
		compare_value_set(&compares[count - 1], value);
		result = rule_add(policy, line, action, name, count, compares);
		if (result < 0)
			return result;
	}
	return 0;
}

/* "NAME argN [& MASK] == VALUE [and ...]", the last one also "in VALUE...". */
static int conditions_parse(struct policy *policy, const struct line *line, uint32_t action,
                            size_t first)
{
	static const char form[] =
		"expected: CALL argN [& MASK] == VALUE [and argN ...] | argN [& MASK] in VALUE...";
	struct scmp_arg_cmp compares[ARGUMENTS_MAX];
	size_t count = 0;

	for (size_t at = first; count < ARGUMENTS_MAX && at < line->count; at++) {
		uint64_t value = 0;
		int result = operand_parse(line, &at, &compares[count++]);

		if (result < 0)
			return result;
		if (at + 1 < line->count && strcmp(line->tokens[at], "in") == 0)
			return values_add(policy, line, action, line->tokens[first - 1], at + 1,
			                  count, compares);
		if (at + 1 >= line->count || strcmp(line->tokens[at], "==") != 0)
			return line_wrong(line, form);
		result = value_parse(line, line->tokens[at + 1], &value);
		if (result < 0)
			return result;
		compare_value_set(&compares[count - 1], value);
		at += 2;
		if (at == line->count)
			return rule_add(policy, line, action, line->tokens[first - 1], count,
			                compares);
		if (strcmp(line->tokens[at], "and") != 0)
			return line_wrong(line, form);
	}
	return line_wrong(line, form);
}

static int rule_parse(struct policy *policy, const struct line *line, uint32_t action, size_t first)
{
	if (line->count <= first)
		return line_wrong(line, "expected: %s CALL...", line->tokens[0]);
	if (line->count > first + 1 && strncmp(line->tokens[first + 1], "arg", 3) == 0)
		return conditions_parse(policy, line, action, first + 1);
	for (size_t i = first; i < line->count; i++) {
		int result = rule_add(policy, line, action, line->tokens[i], 0, NULL);

		if (result < 0)
			return result;
	}
	return 0;
}

static int allow_parse(struct policy *policy, const struct line *line)
{
	return rule_parse(policy, line, SCMP_ACT_ALLOW, 1);
}

static int errno_parse(struct policy *policy, const struct line *line)
{
	uint16_t value;

	if (line->count < 3 || !symbol_errno(line->tokens[1], &value))
		return line_wrong(line, "expected: errno ENAME CALL...");
	return rule_parse(policy, line, SCMP_ACT_ERRNO(value), 2);
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
		return line_wrong(line, "the policy has no \"root yes|no\" line");
	if (!policy->default_given)
		return line_wrong(line, "the policy has no \"default kill\" line");
	if (policy->syscall_count == 0)
		return line_wrong(line,
		                  "the policy allows no system call: the role could not even end");
	if (policy->landlock_inherited && (policy->path_count || policy->landlock_scope))
		return line_wrong(line,
		                  "\"landlock inherited\" takes no paths or scopes of its own");
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
