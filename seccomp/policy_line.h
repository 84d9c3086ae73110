/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One line of a policy file, and what every kind of line needs to read its words. */
#ifndef BPFD_SECCOMP_POLICY_LINE_H
#define BPFD_SECCOMP_POLICY_LINE_H

#include "seccomp/policy.h"

#define LINE_TOKENS_MAX 128

/* Split at white space, with the place that messages name. */
struct line {
	const char *file;
	unsigned int number;
	FILE *messages;
	size_t count;
	char *tokens[LINE_TOKENS_MAX];
};

/* Says what is wrong, and where; always -EINVAL. */
int line_wrong(const struct line *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Fills the words from `text`, which is cut up for it; a comment goes. 0 or -EINVAL. */
int line_split(struct line *line, char *text);

/* -EINVAL, saying what is expected, unless the line has so many words. */
int line_expect(const struct line *line, size_t least, size_t most, const char *form);

/* A number, or constants joined by '|'. 0 or -EINVAL. */
int value_parse(const struct line *line, const char *text, uint64_t *value);

/* Names joined by '|', each looked up by `find` and added to `mask`. 0 or -EINVAL. */
int mask_parse(const struct line *line, const char *text, const char *what,
               bool (*find)(const char *, size_t, uint64_t *), uint64_t *mask);

/* The lines "allow ..." and "errno ...". 0 or -EINVAL. */
int allow_parse(struct policy *policy, const struct line *line);
int errno_parse(struct policy *policy, const struct line *line);

#endif
