/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/verifier/log_entry.h"

#include "image/json.h"
#include "workers/verifier/member.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int hashes_read(const json_t *list, struct log_proof *proof)
{
	const json_t *hash;
	size_t i;

	if (json_array_size(list) > LOG_HASHES_MAX)
		return -EBADMSG;
	json_array_foreach(list, i, hash)
	{
		int result = json_is_string(hash)
		                     ? base64_decode(json_string_value(hash),
		                                     json_string_length(hash), &proof->hashes[i])
		                     : -EBADMSG;

		if (result < 0)
			return result;
		proof->count = (uint32_t)i + 1;
		if (proof->hashes[i].size != DIGEST_SIZE)
			return -EBADMSG;
	}
	return 0;
}

/* Numbers that are 0 are left out by those who write protocol buffers. */
static int number_read(const json_t *object, const char *key, int64_t *number)
{
	if (!json_object_get(object, key)) {
		*number = 0;
		return 0;
	}
	return member_number(object, key, number);
}

static int proof_read(const json_t *object, struct log_proof *proof)
{
	int result = number_read(object, "logIndex", &proof->index);

	proof->checkpoint = member_text(json_member_object(object, "checkpoint"), "envelope");
	if (result == 0 && !proof->checkpoint)
		result = -EBADMSG;
	if (result == 0)
		result = member_number(object, "treeSize", &proof->size);
	if (result == 0)
		result = member_bytes(object, "rootHash", &proof->root);
	if (result == 0)
		result = hashes_read(json_object_get(object, "hashes"), proof);
	return result;
}

static int body_read(const json_t *object, const char *key, struct log_entry *entry)
{
	entry->body_text = member_text(object, key);
	return member_bytes(object, key, &entry->body);
}

static int promise_read(const json_t *object, struct log_entry *entry)
{
	return object ? member_bytes(object, "signedEntryTimestamp", &entry->promise) : 0;
}

int log_entry_of_bundle(const json_t *object, struct log_entry *entry)
{
	const json_t *proof = json_member_object(object, "inclusionProof");
	int result = body_read(object, "canonicalizedBody", entry);

	if (result == 0)
		result = member_bytes(json_member_object(object, "logId"), "keyId", &entry->log);
	if (result == 0)
		result = number_read(object, "logIndex", &entry->index);
	if (result == 0)
		result = number_read(object, "integratedTime", &entry->time_s);
	if (result == 0)
		result = promise_read(json_member_object(object, "inclusionPromise"), entry);
	if (result == 0 && proof) {
		entry->has_proof = true;
		result = proof_read(proof, &entry->proof);
	}
	return result;
}

static int hex_digit(char digit)
{
	return digit >= '0' && digit <= '9'   ? digit - '0'
	       : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
	                                      : -1;
}

static int hex_read(const char *text, struct bytes *bytes)
{
	size_t size = text ? strlen(text) / 2 : 0;

	if (size != LOG_ID_MAX || text[2 * size])
		return -EBADMSG;
	bytes->data = malloc(size);
	if (!bytes->data)
		return -ENOMEM;
	bytes->size = size;
	for (size_t i = 0; i < size; i++) {
		int high = hex_digit(text[2 * i]);
		int low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EBADMSG;
		bytes->data[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

int log_entry_of_annotation(const json_t *object, struct log_entry *entry)
{
	const json_t *payload = json_member_object(object, "Payload");
	int result = body_read(payload, "body", entry);

	if (result == 0)
		result = hex_read(member_text(payload, "logID"), &entry->log);
	if (result == 0)
		result = member_number(payload, "logIndex", &entry->index);
	if (result == 0)
		result = member_number(payload, "integratedTime", &entry->time_s);
	if (result == 0)
		result = member_bytes(object, "SignedEntryTimestamp", &entry->promise);
	return result;
}

void log_entry_clear(struct log_entry *entry)
{
	bytes_free(&entry->body);
	bytes_free(&entry->log);
	bytes_free(&entry->promise);
	bytes_free(&entry->proof.root);
	for (uint32_t i = 0; i < LOG_HASHES_MAX; i++)
		bytes_free(&entry->proof.hashes[i]);
	*entry = (struct log_entry){};
}
