/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * cosign's signatures, where they are kept: cosign 2 under the tag sha256-<hex>.sig, a layer for
 * each; cosign 3 as manifests that refer to the image, listed by the referrers interface or, where
 * the registry has none, under the tag sha256-<hex>. Nobody believes any of it here: a verifier
 * does, or not.
 */
#include "workers/fetcher/fetcher.h"

#include "common/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SIGNATURE_MANIFESTS_MAX 16
#define SIGNATURE_MANIFEST_MAX (256u << 10) /* bytes; so below */
#define REFERRERS_MAX (1u << 20)

static const struct {
	const char *media_type; /* its beginning */
	size_t size_max;
} payloads[] = {
	{ "application/vnd.dev.cosign.simplesigning.v1+json", 64u << 10 },
	{ "application/vnd.dev.sigstore.bundle", 256u << 10 },
};

struct search {
	struct job *job;
	struct registry *registry;
	const uint8_t *digest; /* of what is signed */
	struct evidence_writer *evidence;
	uint32_t manifests;
};

/* How long it may be; 0: it is no signature. */
static size_t payload_size_max(const struct descriptor *layer)
{
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		if (strncmp(layer->media_type, payloads[i].media_type,
		            strlen(payloads[i].media_type)) == 0)
			return payloads[i].size_max;
	}
	return 0;
}

static bool has_payload(const struct manifest *manifest)
{
	for (uint32_t i = 0; i < manifest->layer_count; i++) {
		if (payload_size_max(&manifest->layers[i]))
			return true;
	}
	return false;
}

static int payload_fetch(const struct search *search, const struct descriptor *layer,
                         struct error *error)
{
	struct registry_document document = {};
	size_t size_max = payload_size_max(layer);
	int result;

	if (size_max == 0)
		return 0;
	result = registry_blob_read(search->registry, layer, size_max, &document, error);
	if (result == 0)
		result = evidence_add(search->evidence, EVIDENCE_SIGNATURE_BLOB, document.bytes,
		                      document.size, error);
	free(document.bytes);
	return result;
}

/* A manifest that may be a signature's. What is none, or another's, is passed over: anybody who may
 * write there can put it there. */
static int manifest_take(struct search *search, const struct registry_document *document,
                         struct error *error)
{
	static struct manifest manifest;
	struct error ignored;

	if (manifest_read(document->bytes, document->size, NULL, &manifest, &ignored) < 0) {
		log_debug("beside the image there is a manifest that is none: %s", ignored.message);
		return 0;
	}
	if (!has_payload(&manifest) ||
	    (manifest.has_subject && !digest_equal(manifest.subject, search->digest)))
		return 0;
	int result = evidence_add(search->evidence, EVIDENCE_SIGNATURE_MANIFEST, document->bytes,
	                          document->size, error);

	for (uint32_t i = 0; result == 0 && i < manifest.layer_count; i++)
		result = payload_fetch(search, &manifest.layers[i], error);
	return result;
}

/* cosign 2 */
static int tag_search(struct search *search, const char *hex, struct error *error)
{
	struct registry_document document = {};
	char tag[DIGEST_HEX_SIZE + 16];
	int result;

	(void)snprintf(tag, sizeof(tag), "sha256-%s.sig", hex);
	result = registry_manifest_get(search->registry, tag, NULL, SIGNATURE_MANIFEST_MAX,
	                               &document, error);
	if (result == 0) {
		search->manifests++;
		result = manifest_take(search, &document, error);
	}
	free(document.bytes);
	return result == -ENOENT ? 0 : result;
}

static int referrer_fetch(struct search *search, const struct descriptor *referrer,
                          struct error *error)
{
	struct registry_document document = {};
	char digest[DIGEST_TEXT_SIZE];
	int result;

	if (search->manifests == SIGNATURE_MANIFESTS_MAX)
		return 0;
	search->manifests++;
	if (referrer->size > SIGNATURE_MANIFEST_MAX)
		return 0;
	digest_format(referrer->digest, digest);
	result = registry_manifest_get(search->registry, digest, referrer->digest,
	                               SIGNATURE_MANIFEST_MAX, &document, error);
	if (result == 0)
		result = manifest_take(search, &document, error);
	free(document.bytes);
	/* a list may be older than what it lists */
	return result == -ENOENT ? 0 : result;
}

/* What calls itself a signature comes first: only so many are looked at. What a fallback tag's list
 * calls its entries is wrong, so the others follow. */
static int index_search(struct search *search, const struct index *index, struct error *error)
{
	int result = 0;

	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; result == 0 && i < index->count; i++) {
			const struct index_entry *entry = &index->entries[i];
			bool is_bundle = strncmp(entry->artifact_type, payloads[1].media_type,
			                         strlen(payloads[1].media_type)) == 0;

			if (is_bundle == (pass == 0))
				result = referrer_fetch(search, &entry->descriptor, error);
		}
	}
	return result;
}

/* cosign 3 */
static int referrers_search(struct search *search, const char *hex, struct error *error)
{
	static struct index index;
	struct registry_document document = {};
	char tag[DIGEST_HEX_SIZE + 16];
	int result = registry_referrers_get(search->registry, search->digest, REFERRERS_MAX,
	                                    &document, error);

	if (result == -ENOENT) {
		(void)snprintf(tag, sizeof(tag), "sha256-%s", hex);
		result = registry_manifest_get(search->registry, tag, NULL, REFERRERS_MAX,
		                               &document, error);
	}
	if (result == 0)
		result = index_read(document.bytes, document.size, NULL, &index, error);
	free(document.bytes);
	/* -EBADMSG: somebody else's tag */
	if (result == -ENOENT || result == -EBADMSG)
		return 0;
	return result < 0 ? result : index_search(search, &index, error);
}

int fetch_signatures(struct job *job, struct registry *registry, const uint8_t digest[DIGEST_SIZE],
                     struct evidence_writer *evidence, struct error *error)
{
	struct search search = { job, registry, digest, evidence, 0 };
	char hex[DIGEST_HEX_SIZE];
	int result;

	job->fetcher->stage = FETCHER_STAGE_SIGNATURES;
	job->fetcher->total_bytes = 0;
	digest_hex(digest, hex);
	result = tag_search(&search, hex, error);
	if (result == 0)
		result = referrers_search(&search, hex, error);
	return result;
}
