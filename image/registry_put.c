/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/registry_ask.h"

#include "common/cleanup.h"

#include <string.h>

#define PATH_SIZE 512
#define WHAT_SIZE 512

/* 1: the registry has it; 0: it has not; -errno. */
static int blob_present(struct registry *registry, const char *digest, const char *what,
                        struct error *error)
{
	const struct http_request request = { .method = HTTP_HEAD, .redirects = true };
	struct http_answer answer;
	char path[PATH_SIZE];

	(void)snprintf(path, sizeof(path), "/blobs/%s", digest);
	int result = registry_ask(registry, &request, path, what, &answer, error);

	if (result < 0)
		return result;
	if (answer.status == 404)
		return 0;
	return answer.status == 200 ? 1 : registry_refusal(registry, &answer, what, error);
}

/* Where to upload to, as a whole URL, with the digest. */
static int upload_begin(struct registry *registry, const char *digest, const char *what,
                        char url[HTTP_URL_SIZE], struct error *error)
{
	const struct http_request request = { .method = HTTP_POST, .answer_max = HTTP_REFUSAL_MAX };
	struct http_answer answer;
	int result = registry_ask(registry, &request, "/blobs/uploads/", what, &answer, error);

	if (result < 0)
		return result;
	if (answer.status != 202 || !answer.location[0])
		return registry_refusal(registry, &answer, what, error);
	if (http_url_join(answer.url, answer.location, url) < 0)
		return error_set(error, -EIO, ERROR_REGISTRY, "%s names no URL to upload %s to",
		                 registry->host, what);
	result = http_step_ok(registry->http, answer.url, url, error);
	if (result < 0)
		return result;
	size_t length = strlen(url);

	if (snprintf(url + length, HTTP_URL_SIZE - length, "%cdigest=%s",
	             strchr(url, '?') ? '&' : '?', digest) >= (int)(HTTP_URL_SIZE - length))
		return error_set(error, -EIO, ERROR_REGISTRY,
		                 "%s names a URL to upload %s to that is too long", registry->host,
		                 what);
	return 0;
}

static int bytes_put(struct registry *registry, const char *path, const char *what,
                     const char *content_type, const void *bytes, size_t size, struct error *error)
{
	const struct http_request request = { .method = HTTP_PUT,
		                              .content_type = content_type,
		                              .body = bytes,
		                              .body_size = size,
		                              .answer_max = HTTP_REFUSAL_MAX };
	struct http_answer answer;
	int result = registry_ask(registry, &request, path, what, &answer, error);

	if (result < 0 || answer.status == 201 || answer.status == 204)
		return result;
	return registry_refusal(registry, &answer, what, error);
}

int registry_blob_put(struct registry *registry, const struct descriptor *descriptor,
                      const void *bytes, bool *uploaded, struct error *error)
{
	char url[HTTP_URL_SIZE], digest[DIGEST_TEXT_SIZE], what[WHAT_SIZE];
	int result;

	digest_format(descriptor->digest, digest);
	(void)snprintf(what, sizeof(what), "blob %s of %s", digest,
	               registry->reference->repository);
	result = blob_present(registry, digest, what, error);
	if (result < 0)
		return result;
	*uploaded = result == 0;
	if (result == 1)
		return 0;
	result = upload_begin(registry, digest, what, url, error);
	if (result < 0)
		return result;
	return bytes_put(registry, url, what, "application/octet-stream", bytes,
	                 (size_t)descriptor->size, error);
}

int registry_manifest_put(struct registry *registry, const char *name,
                          const struct descriptor *descriptor, const void *bytes,
                          struct error *error)
{
	char path[PATH_SIZE], what[WHAT_SIZE];

	(void)snprintf(path, sizeof(path), "/manifests/%s", name);
	(void)snprintf(what, sizeof(what), "%s:%s", registry->reference->repository, name);
	return bytes_put(registry, path, what, descriptor->media_type, bytes,
	                 (size_t)descriptor->size, error);
}
