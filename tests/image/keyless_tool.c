/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * keyless_tool KIND DIGEST: signs the image with this digest (64 hexadecimal digits) as an identity
 * does, and writes one JSON object: the trusted root, and the payload and annotations, or the
 * bundle. Keys and authorities are made anew.
 */
#include "image/digest.h"
#include "tests/unit/keyless_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	struct maker_options options;
} kinds[] = {
	{ "annotations", {} },
	{ "annotations-timestamp", { .body = MAKER_RECORD_2, .timestamp = true } },
	{ "annotations-promise", { .wrong_promise = true } },
	{ "bundle", { .form = MAKER_BUNDLE, .body = MAKER_ENVELOPE_1 } },
	{ "bundle-timestamp",
	  { .form = MAKER_BUNDLE,
	    .body = MAKER_ENVELOPE_2,
	    .no_promise = true,
	    .timestamp = true } },
	{ "bundle-expired",
	  { .form = MAKER_BUNDLE, .body = MAKER_ENVELOPE_1, .certificate_end_s = -5 } },
	{ "bundle-authority",
	  { .form = MAKER_BUNDLE, .body = MAKER_ENVELOPE_1, .other_authority = true } },
};

static const struct maker_options *options_find(const char *kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, kind) == 0)
			return &kinds[i].options;
	}
	return NULL;
}

static int made_write(const struct made *made)
{
	json_t *out =
		json_pack("{s:O, s:O*, s:O*, s:s*}", "root", made->root, "annotations",
	                  made->annotations, "bundle", made->bundle, "payload", made->payload);
	int result = out ? json_dumpf(out, stdout, 0) : -1;

	json_decref(out);
	return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const struct maker_options *found = argc == 3 ? options_find(argv[1]) : NULL;
	struct maker_options options;
	uint8_t digest[DIGEST_SIZE];
	char text[DIGEST_TEXT_SIZE];
	struct made made;
	int status;

	if (!found)
		return EXIT_FAILURE;
	(void)snprintf(text, sizeof(text), "sha256:%s", argv[2]);
	if (digest_parse(text, digest) < 0)
		return EXIT_FAILURE;
	options = *found;
	options.digest = digest;
	maker_make(&options, &made);
	status = made_write(&made);
	made_clear(&made);
	return status;
}
