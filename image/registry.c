/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/registry.h"

#include "common/cleanup.h"
#include "image/registry_ask.h"

#include <inttypes.h>
#include <string.h>

#define PATH_SIZE 512
#define WHAT_SIZE 512

/* A body that goes into memory, hashed. */
static int document_get(struct registry *registry, const char *path, const char *what,
                        const char *accept, size_t size_max, struct registry_document *document,
                        long *status, struct error *error)
{
	struct registry_buffer body = {};
	struct http_answer answer;
	struct http_request request = { .accept = accept,
		                        .redirects = true,
		                        .answer_max = size_max,
		                        .take = registry_buffer_take,
		                        .context = &body };
	int result = registry_buffer_open(&body, size_max, error);

	if (result == 0)
		result = registry_ask(registry, &request, path, what, &answer, error);
	*status = result == 0 ? answer.status : 0;
	if (result == 0 && answer.status != 200)
		result = registry_refusal(registry, &answer, what, error);
	if (result == 0 && digest_of_bytes(body.bytes, body.size, document->digest) < 0)
		result = error_set(error, -ENOMEM, ERROR_INTERNAL, "no SHA-256 of %s", what);
	if (result < 0) {
		free(body.bytes);
		return result;
	}
	void *fitted = realloc(body.bytes, body.size + 1);

	document->bytes = fitted ? fitted : body.bytes;
	document->size = body.size;
	memcpy(document->content_type, answer.content_type, sizeof(document->content_type));
	return 0;
}

int registry_manifest_get(struct registry *registry, const char *name, const uint8_t *wanted,
                          size_t size_max, struct registry_document *document, struct error *error)
{
	struct registry_document got = {};
	char path[PATH_SIZE], what[WHAT_SIZE];
	long status;
	int result;

	(void)snprintf(path, sizeof(path), "/manifests/%s", name);
	(void)snprintf(what, sizeof(what), "%s%s%s", registry->reference->repository,
	               wanted ? "@" : ":", name);
	result = document_get(registry, path, what, MEDIA_ACCEPT, size_max, &got, &status, error);
	if (result == 0 && wanted)
		result = digest_expect(what, got.digest, wanted, error);
	if (result < 0) {
		free(got.bytes);
		return result;
	}
	*document = got;
	return 0;
}

int registry_referrers_get(struct registry *registry, const uint8_t digest[DIGEST_SIZE],
                           size_t size_max, struct registry_document *document, struct error *error)
{
	char text[DIGEST_TEXT_SIZE], path[PATH_SIZE], what[WHAT_SIZE];
	long status;

	digest_format(digest, text);
	(void)snprintf(path, sizeof(path), "/referrers/%s", text);
	(void)snprintf(what, sizeof(what), "list of what refers to %s@%s",
	               registry->reference->repository, text);
	int result = document_get(registry, path, what, MEDIA_OCI_INDEX, size_max, document,
	                          &status, error);

	/* how older registries say that they do not know what is asked for */
	return status == 400 || status == 405 || status == 501 ? -ENOENT : result;
}

/* A blob on its way. */
struct blob_flow {
	struct digest_stream *stream;
	int (*take)(void *context, const void *bytes, size_t size, struct error *error);
	void *context;
};

static int blob_take(void *context, const void *bytes, size_t size, struct error *error)
{
	struct blob_flow *flow = context;

	if (digest_stream_update(flow->stream, bytes, size) < 0)
		return error_set(error, -ENOMEM, ERROR_INTERNAL, "no SHA-256 of a blob");
	return flow->take(flow->context, bytes, size, error);
}

static int blob_check(const char *what, struct blob_flow *flow, const struct descriptor *descriptor,
                      uint64_t size, struct error *error)
{
	uint8_t digest[DIGEST_SIZE];

	if (size != descriptor->size)
		return error_set(error, -EBADMSG, ERROR_REGISTRY,
		                 "%s has %" PRIu64 " bytes, not the %" PRIu64
		                 " that its manifest says",
		                 what, size, descriptor->size);
	if (digest_stream_finish(flow->stream, digest) < 0)
		return error_set(error, -ENOMEM, ERROR_INTERNAL, "no SHA-256 of %s", what);
	return digest_expect(what, digest, descriptor->digest, error);
}

int registry_blob_get(struct registry *registry, const struct descriptor *descriptor,
                      int (*take)(void *context, const void *bytes, size_t size,
                                  struct error *error),
                      void *context, struct error *error)
{
	struct blob_flow flow = { digest_stream_new(), take, context };
	struct http_answer answer;
	const struct http_request request = { .accept = "*/*",
		                              .redirects = true,
		                              .answer_max = descriptor->size,
		                              .take = blob_take,
		                              .context = &flow };
	char text[DIGEST_TEXT_SIZE], path[PATH_SIZE], what[WHAT_SIZE];
	int result = 0;

	digest_format(descriptor->digest, text);
	(void)snprintf(path, sizeof(path), "/blobs/%s", text);
	(void)snprintf(what, sizeof(what), "blob %s of %s", text, registry->reference->repository);
	if (!flow.stream)
		return error_set(error, -ENOMEM, ERROR_INTERNAL, "no SHA-256 of %s", what);
	result = registry_ask(registry, &request, path, what, &answer, error);
	if (result == 0 && answer.status != 200)
		result = registry_refusal(registry, &answer, what, error);
	if (result == 0)
		result = blob_check(what, &flow, descriptor, answer.size, error);
	digest_stream_free(flow.stream);
	return result;
}

int registry_blob_read(struct registry *registry, const struct descriptor *descriptor,
                       size_t size_max, struct registry_document *document, struct error *error)
{
	struct registry_buffer body = {};
	int result;

	if (descriptor->size > size_max)
		return error_set(error, -EMSGSIZE, ERROR_REGISTRY,
		                 "a blob of %s has %" PRIu64 " bytes: at most %zu are read",
		                 registry->reference->repository, descriptor->size, size_max);
	result = registry_buffer_open(&body, (size_t)descriptor->size, error);
	if (result == 0)
		result =
			registry_blob_get(registry, descriptor, registry_buffer_take, &body, error);
	if (result < 0) {
		free(body.bytes);
		return result;
	}
	*document = (struct registry_document){ .bytes = body.bytes, .size = body.size };
	memcpy(document->digest, descriptor->digest, DIGEST_SIZE);
	return 0;
}
