/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * push_tool REFERENCE CA_FILE USER PASSWORD BLOB: uploads a blob, and a manifest under the
 * reference's tag, as bpfd-image does. Prints "blob uploaded" or "blob there", "manifest uploaded",
 * or the error's code and sentence.
 */
#include "image/registry.h"
#include "image/warm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int push(struct registry *registry, const char *tag, const char *blob, struct error *error)
{
	static const char manifest[] = "{\"schemaVersion\": 2}";
	struct descriptor one = { .size = strlen(blob) };
	struct descriptor two = { .media_type = MEDIA_OCI_MANIFEST, .size = strlen(manifest) };
	bool uploaded = false;
	int result = digest_of_bytes(blob, strlen(blob), one.digest);

	if (result == 0)
		result = registry_blob_put(registry, &one, blob, &uploaded, error);
	if (result < 0)
		return result;
	(void)printf("blob %s\n", uploaded ? "uploaded" : "there");
	result = registry_manifest_put(registry, tag, &two, manifest, error);
	if (result == 0)
		(void)printf("manifest uploaded\n");
	return result;
}

int main(int argc, char **argv)
{
	static struct registry registry;
	struct http_settings settings = { .total_timeout_ms = 10000, .stall_timeout_ms = 2000 };
	struct reference reference;
	struct error error = {};
	struct http *http = NULL;

	if (argc != 6)
		return EXIT_FAILURE;
	settings.ca_file = argv[2];
	int result = image_warm();

	if (result == 0)
		result = reference_parse(argv[1], &reference, &error);
	if (result == 0)
		result = http_open(&settings, &http, &error);
	if (result == 0) {
		http_start(http);
		result = registry_open(http, &reference, argv[3], argv[4], true, &registry, &error);
	}
	if (result == 0)
		result = push(&registry, reference.tag, argv[5], &error);
	if (result < 0)
		(void)printf("%u: %s\n", error.code, error.message);
	http_close(http);
	return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
