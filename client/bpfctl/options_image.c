/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The options of load image and of image ... */
#include "bpfctl/options.h"
#include "bpfctl/value.h"

#include <string.h>

static _Bool take_pull_policy(struct arguments *arguments, char *value)
{
	if (bpfd_pull_policy_parse(value, &arguments->pull_policy))
		return 1;
	return complain(
		arguments,
		"no pull policy \"%s\": it is always (ask the registry what the tag is now), "
		"if-not-present (only if the cache does not know the reference) or never "
		"(the cache or nothing)",
		value);
}

static _Bool take_username(struct arguments *arguments, char *value)
{
	if (!*value || strlen(value) >= IMAGE_USERNAME_SIZE)
		return complain(arguments, "--username takes a name of 1 to %d bytes",
		                IMAGE_USERNAME_SIZE - 1);
	arguments->username = value;
	return 1;
}

static _Bool take_password_stdin(struct arguments *arguments, char *value)
{
	(void)value;
	arguments->password_stdin = 1;
	return 1;
}

static _Bool take_tag(struct arguments *arguments, char *value)
{
	if (!*value)
		return complain(arguments, "--tag takes the image's reference, as "
		                           "registry.example.org/team/filter:v1");
	arguments->tag = value;
	return 1;
}

/* "json" and "table" say how to print, as with every command. */
static _Bool take_path(struct arguments *arguments, char *value)
{
	if (strcmp(value, "json") == 0 || strcmp(value, "table") == 0)
		return take_output(arguments, value);
	if (!*value)
		return complain(arguments, "--output takes a directory, or a file's name that ends "
		                           "in .tar");
	arguments->path = value;
	return 1;
}

static _Bool take_push(struct arguments *arguments, char *value)
{
	(void)value;
	arguments->push = 1;
	return 1;
}

/* clang-format off */
#define CREDENTIAL_ROWS                                                                                     \
	{ "username", "NAME", NULL, "log in to the registry; without it as Docker's config.json has it, or not", \
	  take_username, 0, 0, 0, 0 },                                                                       \
	{ "password-stdin", NULL, NULL, "read the password, or a token, from the standard input",            \
	  take_password_stdin, 0, 0, 0, 0 }

#define SOURCE_ROWS                                                                                         \
	{ "pull-policy", "POLICY", "always if-not-present never", "when to ask the registry: always, if-not-present or never", \
	  take_pull_policy, 0, 0, 0, 0 },                                                                    \
	CREDENTIAL_ROWS

const struct option_row load_image_options[] = {
	LOAD_ROWS("a function of the image's object, as with load file; without it those that the image names"),
	SOURCE_ROWS,
	{},
};

const struct option_row image_source_options[] = {
	SOURCE_ROWS,
	{},
};

const struct option_row image_build_options[] = {
	{ "tag", "REFERENCE", NULL, "what the image is called", take_tag, 't', 0, 0, 0 },
	{ "output", "PATH", VALUES_FILE, "write it to a directory (OCI layout) or a FILE.tar (OCI archive)", take_path, 'o', 0, 0, 0 },
	{ "push", NULL, NULL, "send it to the registry", take_push, 0, 0, 0, 0 },
	CREDENTIAL_ROWS,
	{},
};
/* clang-format on */

static _Bool credentials_check(struct arguments *arguments)
{
	if (arguments->username && !arguments->password_stdin)
		return complain(arguments,
		                "--username needs --password-stdin: a password on the command line "
		                "would be seen by everybody on this machine");
	if (arguments->password_stdin && !arguments->username)
		return complain(arguments, "--password-stdin needs --username NAME");
	return 1;
}

_Bool image_source_check(struct arguments *arguments)
{
	if (!*arguments->operands[0])
		return complain(arguments, "the REFERENCE is empty");
	if (arguments->password_stdin && arguments->pull_policy == BPFD_PULL_NEVER)
		return complain(arguments, "with --pull-policy never no registry is asked: leave "
		                           "--username and --password-stdin out");
	return credentials_check(arguments);
}

_Bool load_image_check(struct arguments *arguments)
{
	if (arguments->exclusive && arguments->program_count == 0)
		return complain(arguments, "--exclusive is for xdp programs: name them with "
		                           "--program xdp:FUNCTION");
	return image_source_check(arguments) && exclusive_check(arguments);
}

_Bool image_build_check(struct arguments *arguments)
{
	if (!arguments->tag)
		return complain(arguments, "--tag REFERENCE is missing: what the image is called");
	if (!arguments->push && !arguments->path)
		return complain(arguments, "nothing to do with the image: give --push, to send it "
		                           "to the registry, or --output PATH");
	if (arguments->password_stdin && !arguments->push)
		return complain(arguments, "--username and --password-stdin are for --push");
	return credentials_check(arguments);
}
