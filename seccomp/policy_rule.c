/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "seccomp/policy_line.h"

#include <errno.h>
#include <string.h>

#define ARGUMENTS_MAX 6

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

static int compare_value_parse(const struct line *line, const char *text,
                               struct scmp_arg_cmp *compare)
{
	uint64_t value = 0;
	int result = value_parse(line, text, &value);

	if (result < 0)
		return result;
	if (compare->op == SCMP_CMP_MASKED_EQ && (value & ~compare->datum_a))
		return line_wrong(
			line, "the value has bits outside the mask: the rule could never match");
	if (compare->op == SCMP_CMP_MASKED_EQ)
		compare->datum_b = value;
	else
		compare->datum_a = value;
	return 0;
}

/* The last condition may list values: a rule for each. */
static int values_add(struct policy *policy, const struct line *line, uint32_t action,
                      const char *name, size_t at, size_t count, struct scmp_arg_cmp *compares)
{
	if (at == line->count)
		return line_wrong(line, "\"in\" is followed by values");
	for (; at < line->count; at++) {
		int result = compare_value_parse(line, line->tokens[at], &compares[count - 1]);

		if (result == 0)
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
	struct scmp_arg_cmp compares[ARGUMENTS_MAX] = {};
	size_t count = 0;

	for (size_t at = first; count < ARGUMENTS_MAX && at < line->count; at++) {
		int result = operand_parse(line, &at, &compares[count++]);

		if (result < 0)
			return result;
		if (at + 1 < line->count && strcmp(line->tokens[at], "in") == 0)
			return values_add(policy, line, action, line->tokens[first - 1], at + 1,
			                  count, compares);
		if (at + 1 >= line->count || strcmp(line->tokens[at], "==") != 0)
			return line_wrong(line, form);
		result = compare_value_parse(line, line->tokens[at + 1], &compares[count - 1]);
		if (result < 0)
			return result;
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

int allow_parse(struct policy *policy, const struct line *line)
{
	return rule_parse(policy, line, SCMP_ACT_ALLOW, 1);
}

int errno_parse(struct policy *policy, const struct line *line)
{
	uint16_t value;

	if (line->count < 3 || !symbol_errno(line->tokens[1], &value))
		return line_wrong(line, "expected: errno ENAME CALL...");
	return rule_parse(policy, line, SCMP_ACT_ERRNO(value), 2);
}
