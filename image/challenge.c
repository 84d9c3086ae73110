/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/challenge.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define TOKEN_SIZE 64

/* What is left to read. */
struct text {
	const char *at;
	const char *end;
};

/* RFC 9110, 5.6.2. */
static bool is_token_char(char character)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
	       (character >= '0' && character <= '9') ||
	       (character && memchr(others, character, sizeof(others) - 1) != NULL);
}

static void blanks_skip(struct text *text)
{
	while (text->at < text->end && (*text->at == ' ' || *text->at == '\t'))
		text->at++;
}

static void commas_skip(struct text *text)
{
	while (text->at < text->end && (*text->at == ' ' || *text->at == '\t' || *text->at == ','))
		text->at++;
}

static int token_read(struct text *text, char *out, size_t size)
{
	size_t length = 0;

	for (; text->at < text->end && is_token_char(*text->at); text->at++) {
		if (length + 1 >= size)
			return -EBADMSG;
		out[length++] = *text->at;
	}
	out[length] = '\0';
	return length ? 0 : -EBADMSG;
}

static int quoted_read(struct text *text, char *out, size_t size)
{
	size_t length = 0;

	for (text->at++; text->at < text->end; text->at++) {
		char character = *text->at;

		if (character == '"') {
			text->at++;
			out[length] = '\0';
			return 0;
		}
		if (character == '\\' && ++text->at < text->end)
			character = *text->at;
		if ((unsigned char)character < ' ' || (unsigned char)character >= 0x7f ||
		    length + 1 >= size)
			return -EBADMSG;
		out[length++] = character;
	}
	return -EBADMSG;
}

/* Behind "name": is it a parameter, and then moves to its value. Otherwise nothing moves. */
static bool equals_skip(struct text *text)
{
	struct text ahead = *text;

	blanks_skip(&ahead);
	if (ahead.at == ahead.end || *ahead.at != '=')
		return false;
	ahead.at++;
	blanks_skip(&ahead);
	if (ahead.at == ahead.end || (*ahead.at != '"' && !is_token_char(*ahead.at)))
		return false;
	*text = ahead;
	return true;
}

/* A parameter's value; an empty `out` is filled, or it is there twice. */
static int value_read(struct text *text, char *out, size_t size)
{
	if (out[0])
		return -EBADMSG;
	return *text->at == '"' ? quoted_read(text, out, size) : token_read(text, out, size);
}

static int parameter_read(struct text *text, const char *name, struct challenges *found)
{
	char ignored[CHALLENGE_REALM_SIZE] = "";

	if (strcasecmp(name, "realm") == 0)
		return value_read(text, found->realm, sizeof(found->realm));
	if (strcasecmp(name, "service") == 0)
		return value_read(text, found->service, sizeof(found->service));
	return value_read(text, ignored, sizeof(ignored));
}

/* "name=value, ..." until the next scheme, which is a token without "=". */
static int parameters_read(struct text *text, struct challenges *found)
{
	for (;;) {
		struct text ahead = *text;
		char name[TOKEN_SIZE];

		commas_skip(&ahead);
		if (ahead.at == ahead.end || token_read(&ahead, name, sizeof(name)) < 0 ||
		    !equals_skip(&ahead))
			return 0;
		int result = parameter_read(&ahead, name, found);

		if (result < 0)
			return result;
		*text = ahead;
	}
}

/* The one word that a scheme may have instead of parameters, as Negotiate has; it ends at a comma.
 */
static void word_skip(struct text *text)
{
	while (text->at < text->end && *text->at != ',')
		text->at++;
}

static int scheme_read(struct text *text, struct challenges *all)
{
	struct challenges found = {};
	char scheme[TOKEN_SIZE];
	const char *begin;
	int result = token_read(text, scheme, sizeof(scheme));

	if (result < 0)
		return result;
	blanks_skip(text);
	begin = text->at;
	result = parameters_read(text, &found);
	if (result < 0)
		return result;
	if (text->at == begin)
		word_skip(text);
	if (strcasecmp(scheme, "Basic") == 0)
		all->basic = true;
	if (strcasecmp(scheme, "Bearer") == 0 && !all->bearer) {
		all->bearer = true;
		memcpy(all->realm, found.realm, sizeof(all->realm));
		memcpy(all->service, found.service, sizeof(all->service));
	}
	return 0;
}

int challenge_read(const char *value, size_t length, struct challenges *challenges)
{
	struct text text = { value, value + length };
	struct challenges all = *challenges;

	for (commas_skip(&text); text.at < text.end; commas_skip(&text)) {
		int result = scheme_read(&text, &all);

		if (result < 0)
			return result;
	}
	*challenges = all;
	return 0;
}
