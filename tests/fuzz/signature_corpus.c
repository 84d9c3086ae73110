/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Writes the seeds of signature_fuzz into a directory: one of each kind that it takes. */
#include "tests/unit/keyless_maker.h"
#include "workers/verifier/base64.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *directory;

static void seed_write(const char *name, char part, const void *data, size_t size)
{
	char path[4096];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	if (!file || fputc(part, file) == EOF || fwrite(data, 1, size, file) != size ||
	    fclose(file) != 0)
		exit(EXIT_FAILURE);
}

static void json_write(const char *name, char part, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);

	seed_write(name, part, text, strlen(text));
	free(text);
}

static void bytes_write(const char *name, char part, const char *text)
{
	struct bytes bytes = {};

	if (base64_decode(text, strlen(text), &bytes) < 0)
		exit(EXIT_FAILURE);
	seed_write(name, part, bytes.data, bytes.size);
	bytes_free(&bytes);
}

static void bundle_seeds(const struct made *made)
{
	json_t *material = json_object_get(made->bundle, "verificationMaterial");
	json_t *entry = json_array_get(json_object_get(material, "tlogEntries"), 0);
	json_t *stamps = json_object_get(json_object_get(material, "timestampVerificationData"),
	                                 "rfc3161Timestamps");

	json_write("bundle", '2', made->bundle);
	json_write("entry", '3', entry);
	bytes_write("body", '4', json_string_value(json_object_get(entry, "canonicalizedBody")));
	bytes_write(
		"timestamp", '5',
		json_string_value(json_object_get(json_array_get(stamps, 0), "signedTimestamp")));
	bytes_write("certificate", '6',
	            json_string_value(
			    json_object_get(json_object_get(material, "certificate"), "rawBytes")));
	json_write("root", '7', made->root);
}

int main(int argc, char **argv)
{
	static const struct maker_options simple = { .timestamp = true, .body = MAKER_RECORD_2 };
	static const struct maker_options bundle = { .form = MAKER_BUNDLE,
		                                     .body = MAKER_ENVELOPE_1,
		                                     .timestamp = true };
	struct made made;

	if (argc != 2)
		return EXIT_FAILURE;
	directory = argv[1];
	maker_make(&simple, &made);
	seed_write("payload", '0', made.payload, made.payload_size);
	json_write("annotations", '1', made.annotations);
	made_clear(&made);
	maker_make(&bundle, &made);
	bundle_seeds(&made);
	made_clear(&made);
	return EXIT_SUCCESS;
}
