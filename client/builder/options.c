/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/builder/builder.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

enum option_kind { OPTION_TAG = 1, OPTION_OUTPUT, OPTION_PUSH, OPTION_JSON, OPTION_CREDENTIALS };

static const struct option long_options[] = {
	{ "tag", required_argument, NULL, OPTION_TAG },
	{ "output", required_argument, NULL, OPTION_OUTPUT },
	{ "push", no_argument, NULL, OPTION_PUSH },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "credentials", required_argument, NULL, OPTION_CREDENTIALS },
	{},
};

static int usage(struct error *error, const char *why)
{
	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
	                 "%s: bpfd-image is what \"bpfctl image build\" runs; use that", why);
}

static int credentials_parse(const char *text, struct builder_options *options, struct error *error)
{
	if (text[0] < '3' || text[0] > '9' || text[1])
		return usage(error, "--credentials takes a descriptor's number, 3 to 9");
	options->credentials_fd = text[0] - '0';
	return 0;
}

static int option_take(int kind, struct builder_options *options, struct error *error)
{
	switch (kind) {
	case OPTION_TAG:
		options->tag = optarg;
		return 0;
	case OPTION_OUTPUT:
		options->output = optarg;
		return 0;
	case OPTION_PUSH:
		options->push = true;
		return 0;
	case OPTION_JSON:
		options->json = true;
		return 0;
	case OPTION_CREDENTIALS:
		return credentials_parse(optarg, options, error);
	default:
		return usage(error, "an option is unknown, or its value is missing");
	}
}

static int options_check(const struct builder_options *options, struct error *error)
{
	if (options->operand_count == 0)
		return usage(error, "no object is named");
	if (options->operand_count > BUILD_OBJECTS_MAX)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "%zu objects are too many: an image has at most %d",
		                 options->operand_count, BUILD_OBJECTS_MAX);
	if (!options->labels_only && (!options->tag || !(options->push || options->output)))
		return usage(error, "build needs --tag, and --push or --output");
	return 0;
}

int options_parse(int argc, char **argv, struct builder_options *options, struct error *error)
{
	int kind, result = 0;

	*options = (struct builder_options){ .credentials_fd = -1 };
	if (argc < 2 || (strcmp(argv[1], "build") != 0 && strcmp(argv[1], "build-args") != 0))
		return usage(error, "the command is missing");
	options->labels_only = strcmp(argv[1], "build-args") == 0;
	opterr = 0;
	optind = 2;
	while (result == 0 && (kind = getopt_long(argc, argv, "+", long_options, NULL)) >= 0)
		result = option_take(kind, options, error);
	if (result < 0)
		return result;
	options->operands = argv + optind;
	options->operand_count = (size_t)(argc - optind);
	return options_check(options, error);
}
