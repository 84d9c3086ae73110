/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/verifier/rules.h"

#include <string.h>

bool rule_matches(const char *pattern, const char *repository)
{
	size_t length = strlen(pattern);

	if (length && pattern[length - 1] == '*')
		return strncmp(pattern, repository, length - 1) == 0;
	return strcmp(pattern, repository) == 0;
}

/* How much it says of the name, and then whether that is all of it: the pattern "a/b" is longer
 * than "a/b" with any rest. */
static size_t pattern_weight(const char *pattern)
{
	size_t length = strlen(pattern);

	return length && pattern[length - 1] == '*' ? 2 * (length - 1) : 2 * length + 1;
}

/* Of the matching rules with this weight, or any weight where it is 0, those that want a signature.
 * Returns whether one wants none. */
static bool rules_gather(const struct trust_rule *rules, uint32_t count, const char *repository,
                         size_t weight, struct rules_choice *choice)
{
	bool none = false;

	choice->count = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (!rule_matches(rules[i].pattern, repository) ||
		    (weight && pattern_weight(rules[i].pattern) != weight))
			continue;
		if (rules[i].kind == IMAGE_RULE_NONE)
			none = true;
		else
			choice->rules[choice->count++] = i;
	}
	return none;
}

static bool weight_longest(const struct trust_rule *rules, uint32_t count, const char *repository,
                           size_t *weight)
{
	bool found = false;

	for (uint32_t i = 0; i < count; i++) {
		size_t own = pattern_weight(rules[i].pattern);

		if (rule_matches(rules[i].pattern, repository) && (!found || own > *weight)) {
			*weight = own;
			found = true;
		}
	}
	return found;
}

void rules_choose(const struct trust_rule *rules, uint32_t count, const char *repository,
                  bool demand, struct rules_choice *choice)
{
	size_t weight = 0;
	bool found = weight_longest(rules, count, repository, &weight);
	/* a weight of 0 is that of "*", which is the longest only where there are no others */
	bool none = rules_gather(rules, count, repository, weight, choice);

	choice->wanted = demand || (found && !none);
	if (demand && choice->count == 0)
		(void)rules_gather(rules, count, repository, 0, choice);
	if (!choice->wanted)
		choice->count = 0;
}
