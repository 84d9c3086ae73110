/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The signatures that the fetcher found beside an image: cosign's manifests, each with its layers
 * behind it. */
#include "workers/verifier/verifier.h"

#include "common/cleanup.h"
#include "image/digest.h"
#include "image/json.h"
#include "image/manifest.h"

#include <string.h>

#define MANIFEST_SIZE_MAX (256u << 10)

struct trial {
	const struct signatures *signatures;
	const struct trust *trust;
	const struct rules_choice *choice;
	struct reason *reason;
};

static bool rule_is_met(const struct trial *trial, const struct signature *signature,
                        uint32_t number)
{
	const struct trust_rule *rule = &trial->trust->rules[number];

	if (rule->kind == IMAGE_RULE_KEY)
		return signature_verify_key(signature, trial->trust->keys[number], trial->reason);
	return signature_verify_identity(signature, &trial->trust->root, rule->identity,
	                                 rule->issuer, trial->reason);
}

static bool signature_try(const struct trial *trial, const struct signature *signature,
                          uint32_t *rule)
{
	for (uint32_t i = 0; i < trial->choice->count; i++) {
		if (rule_is_met(trial, signature, trial->choice->rules[i])) {
			*rule = trial->choice->rules[i];
			return true;
		}
	}
	return false;
}

/* A signature's manifest, and how many of its layers have been seen. */
struct opened {
	json_t *manifest;
	size_t next;
};

/*
 * The manifest's next layer that has these bytes: by their digest, which is hashed here. Several
 * may have the same ones: two keys sign one payload, and what differs is beside it.
 */
static json_t *layer_find(struct opened *opened, const void *bytes, size_t size,
                          struct descriptor *layer)
{
	json_t *list = json_member_array(opened->manifest, "layers");
	uint8_t digest[DIGEST_SIZE];

	if (digest_of_bytes(bytes, size, digest) < 0)
		return NULL;
	for (size_t i = opened->next; i < json_array_size(list); i++) {
		json_t *object = json_array_get(list, i);

		if (descriptor_read(object, layer) == 0 && digest_equal(layer->digest, digest)) {
			opened->next = i + 1;
			return object;
		}
	}
	return NULL;
}

static bool blob_read(const struct trial *trial, struct opened *opened, const void *bytes,
                      size_t size, struct signature *signature)
{
	const struct signed_image *image = &trial->signatures->image;
	struct descriptor layer;
	json_t *object = layer_find(opened, bytes, size, &layer);

	if (!object)
		return reason_set(trial->reason, REASON_FORM,
		                  "its bytes are not those that its manifest names");
	if (strcmp(layer.media_type, MEDIA_SIMPLE_SIGNING) == 0)
		return signature_read_simple(bytes, size, json_member_object(object, "annotations"),
		                             image, signature, trial->reason);
	return signature_read_bundle(bytes, size, image, signature, trial->reason);
}

static bool blob_try(const struct trial *trial, struct opened *opened, uint32_t part,
                     uint32_t *rule)
{
	_cleanup_free_ void *bytes = NULL;
	struct signature signature;
	size_t size = 0;

	if (evidence_read(trial->signatures->evidence, part, SIGNATURE_BUNDLE_MAX, &bytes, &size) <
	    0)
		return reason_set(trial->reason, REASON_FORM, "it is too long to be one");
	if (!blob_read(trial, opened, bytes, size, &signature))
		return false;

	bool met = signature_try(trial, &signature, rule);

	signature_clear(&signature);
	return met;
}

static json_t *manifest_open(const struct trial *trial, uint32_t part)
{
	_cleanup_free_ void *bytes = NULL;
	json_t *manifest = NULL;
	size_t size = 0;

	if (evidence_read(trial->signatures->evidence, part, MANIFEST_SIZE_MAX, &bytes, &size) <
	            0 ||
	    json_read(bytes, size, MANIFEST_SIZE_MAX, "the signature's manifest", ERROR_UNTRUSTED,
	              &manifest, NULL) < 0)
		(void)reason_set(trial->reason, REASON_FORM, "its manifest cannot be read");
	return manifest;
}

bool signatures_judge(const struct signatures *signatures, const struct trust *trust,
                      const struct rules_choice *choice, uint32_t *rule, struct reason *reason)
{
	const struct trial trial = { signatures, trust, choice, reason };
	const struct evidence *evidence = signatures->evidence;
	struct opened opened = {};
	bool met = false;

	for (uint32_t i = signatures->first; i < evidence->count && !met; i++) {
		if (evidence->parts[i].kind == EVIDENCE_SIGNATURE_MANIFEST) {
			json_decref(opened.manifest);
			opened = (struct opened){ .manifest = manifest_open(&trial, i) };
		} else if (evidence->parts[i].kind == EVIDENCE_SIGNATURE_BLOB && opened.manifest) {
			met = blob_try(&trial, &opened, i, rule);
		}
	}
	json_decref(opened.manifest);
	return met;
}
