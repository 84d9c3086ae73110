/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/fetcher/fetcher.h"

#include "common/cleanup.h"
#include "common/memfd.h"
#include "image/json.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void stage_begin(struct job *job, enum fetcher_stage stage, uint64_t total_bytes)
{
	job->fetcher->stage = stage;
	job->fetcher->total_bytes = total_bytes;
}

/* An image named by a digest and a tag is that of the digest. */
int fetch_root(struct job *job, struct fetched *fetched, struct error *error)
{
	char digest[DIGEST_TEXT_SIZE];
	const struct reference *reference = &job->reference;

	stage_begin(job, FETCHER_STAGE_RESOLVE, 0);
	if (!reference->has_digest)
		return registry_manifest_get(fetched->registry, reference->tag, NULL,
		                             JSON_DOCUMENT_MAX, &fetched->root, error);
	digest_format(reference->digest, digest);
	return registry_manifest_get(fetched->registry, digest, reference->digest,
	                             JSON_DOCUMENT_MAX, &fetched->root, error);
}

static const char *type_of(const struct registry_document *document)
{
	return document->content_type[0] ? document->content_type : NULL;
}

/* Each may have megabytes: they are in memory one at a time. */
static void document_drop(struct registry_document *document)
{
	free(document->bytes);
	document->bytes = NULL;
	document->size = 0;
}

/* This machine's manifest, where the root is an index. */
static int child_choose(const struct registry_document *root, const struct descriptor **child,
                        struct error *error)
{
	static struct index index;
	const struct index_entry *entry = NULL;
	int result = index_read(root->bytes, root->size, type_of(root), &index, error);

	if (result == 0)
		result = index_choose(&index, architecture_host(), &entry, error);
	if (result < 0)
		return result;
	assert(entry);
	if (entry->descriptor.size > JSON_DOCUMENT_MAX)
		return error_set(error, -EMSGSIZE, ERROR_REGISTRY,
		                 "the index names a manifest of more than %u bytes",
		                 JSON_DOCUMENT_MAX);
	*child = &entry->descriptor;
	return 0;
}

static int child_fetch(const struct fetched *fetched, const struct descriptor *child,
                       struct registry_document *document, struct error *error)
{
	char digest[DIGEST_TEXT_SIZE];

	digest_format(child->digest, digest);
	return registry_manifest_get(fetched->registry, digest, child->digest, (size_t)child->size,
	                             document, error);
}

static int config_fetch(struct fetched *fetched, const struct manifest *manifest,
                        struct error *error)
{
	struct registry_document document = {};
	int result;

	if (manifest->is_artifact)
		return 0;
	result = registry_blob_read(fetched->registry, &manifest->config, JSON_DOCUMENT_MAX,
	                            &document, error);
	if (result == 0)
		result = config_read(document.bytes, document.size, &fetched->config, error);
	fetched->has_config = result == 0;
	free(document.bytes);
	return result;
}

static int layer_take(void *context, const void *bytes, size_t size, struct error *error)
{
	const int *fd = context;
	int result = cache_file_write(*fd, bytes, size);

	return result < 0 ? error_set(error, result, ERROR_LIMIT,
	                              "the layer cannot be kept while it is looked at: %s",
	                              strerror(-result))
	                  : 0;
}

/* Into memory that belongs to no process's own, not to the disk: nobody has looked at it yet. */
static int layer_fetch(struct job *job, struct fetched *fetched, const struct descriptor *layer,
                       struct error *error)
{
	_cleanup_close_ int fd = memfd_open("bpfd-layer");
	int result;

	if (fd < 0)
		return error_set(error, fd, ERROR_LIMIT, "no memory for a layer: %s",
		                 strerror(-fd));
	stage_begin(job, FETCHER_STAGE_LAYER, layer->size);
	result = registry_blob_get(fetched->registry, layer, layer_take, &fd, error);
	if (result == 0)
		result =
			evidence_add_fd(&fetched->evidence, EVIDENCE_LAYER, fd, layer->size, error);
	return result;
}

static int manifest_follow(struct job *job, struct fetched *fetched,
                           struct registry_document *document, struct error *error)
{
	static struct manifest manifest;
	int result =
		manifest_read(document->bytes, document->size, type_of(document), &manifest, error);

	if (result == 0)
		result = manifest_check_bytecode(&manifest, error);
	if (result == 0)
		result = evidence_add(&fetched->evidence, EVIDENCE_MANIFEST, document->bytes,
		                      document->size, error);
	document_drop(document);
	if (result == 0)
		result = config_fetch(fetched, &manifest, error);
	if (result == 0)
		result = layer_fetch(job, fetched, &manifest.layers[0], error);
	return result;
}

/* The root is an index: it, and what it leads to. */
static int index_follow(struct job *job, struct fetched *fetched, struct error *error)
{
	struct registry_document *root = &fetched->root, manifest = {};
	const struct descriptor *child = NULL;
	int result = child_choose(root, &child, error);

	if (result == 0)
		result = evidence_add(&fetched->evidence, EVIDENCE_INDEX, root->bytes, root->size,
		                      error);
	document_drop(root);
	if (result < 0)
		return result;
	assert(child);
	result = child_fetch(fetched, child, &manifest, error);
	return result < 0 ? result : manifest_follow(job, fetched, &manifest, error);
}

int fetch_image(struct job *job, struct fetched *fetched, struct error *error)
{
	struct registry_document *root = &fetched->root;
	enum manifest_kind kind;
	int result = manifest_kind(root->bytes, root->size, type_of(root), &kind, error);

	if (result < 0)
		return result;
	return kind == MANIFEST_IMAGE ? manifest_follow(job, fetched, root, error)
	                              : index_follow(job, fetched, error);
}

void fetched_close(struct fetched *fetched)
{
	document_drop(&fetched->root);
	evidence_writer_close(&fetched->evidence);
}
