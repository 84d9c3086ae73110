/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/builder/report.h"

#include "client/bpfctl/text.h"
#include "image/digest.h"
#include "image/json.h"

#include <errno.h>
#include <string.h>

static uint32_t blob_count(const struct pieces *pieces)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < pieces->head.count; i++)
		count += pieces->items[i].kind == BUILD_BLOB;
	return count;
}

static int json_show(const struct builder *builder, const struct pieces *pieces,
                     const char *reference, const char *digest)
{
	const struct builder_options *options = &builder->options;
	_cleanup_json_ json_t *architectures = json_array();
	_cleanup_json_ json_t *report = NULL;

	for (size_t i = 0; i < builder->count; i++)
		(void)json_array_append_new(architectures,
		                            json_string(builder->objects[i].architecture));
	report = json_pack("{s:s, s:s, s:O, s:s?, s:b, s:I}", "reference", reference, "digest",
	                   digest, "architectures", architectures, "output", options->output,
	                   "pushed", (int)options->push, "uploaded_blobs",
	                   (json_int_t)pieces->head.uploaded);
	return report && json_dumpf(report, stdout, JSON_INDENT(2)) == 0 && puts("") >= 0 ? 0
	                                                                                  : -ENOMEM;
}

static void text_show(const struct builder *builder, const struct pieces *pieces,
                      const char *reference, const char *digest)
{
	const struct builder_options *options = &builder->options;
	uint32_t blobs = blob_count(pieces);

	(void)printf("built %s\n      %s\n", reference, digest);
	if (options->output) {
		(void)fputs("written to ", stdout);
		text_print(stdout, options->output);
		(void)fputc('\n', stdout);
	}
	if (options->push)
		(void)printf("pushed to %s, which had %u of %u blobs\n",
		             builder->reference.registry, blobs - pieces->head.uploaded, blobs);
}

int report_print(const struct builder *builder, const struct pieces *pieces, struct error *error)
{
	const struct piece *root = &pieces->items[pieces->head.count - 1];
	char reference[IMAGE_REFERENCE_SIZE], digest[DIGEST_TEXT_SIZE];
	int result = 0;

	reference_format(&builder->reference, reference);
	digest_format(root->digest, digest);
	if (builder->options.json)
		result = json_show(builder, pieces, reference, digest);
	else
		text_show(builder, pieces, reference, digest);
	if (result == 0 && fflush(stdout) != 0)
		result = -errno;
	return result < 0 ? error_set(error, result, ERROR_STORE, "cannot write the output: %s",
	                              strerror(-result))
	                  : 0;
}
