/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/cleanup.h"
#include "image/digest.h"
#include "workers/verifier/key.h"
#include "workers/verifier/log_entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct trusted_log *log_find(const struct bytes *id, const struct trusted_root *root)
{
	for (uint32_t i = 0; i < root->log_count; i++) {
		const struct trusted_log *log = &root->logs[i];

		if (log->id_size == id->size && memcmp(log->id, id->data, id->size) == 0)
			return log;
	}
	return NULL;
}

/* As RFC 8785 writes JSON, which is what a log signs: none of the texts has anything to escape. */
static char *promise_text(const struct log_entry *entry)
{
	char log[2 * LOG_ID_MAX + 1] = "";
	char *text;

	for (size_t i = 0; i < entry->log.size && i < LOG_ID_MAX; i++)
		(void)snprintf(&log[2 * i], 3, "%02x", entry->log.data[i]);
	if (asprintf(&text,
	             "{\"body\":\"%s\",\"integratedTime\":%" PRId64 ",\"logID\":\"%s\","
	             "\"logIndex\":%" PRId64 "}",
	             entry->body_text, entry->time_s, log, entry->index) < 0)
		return NULL;
	return text;
}

static bool promise_verify(const struct log_entry *entry, const struct trusted_log *log,
                           struct reason *reason)
{
	_cleanup_free_ char *text = promise_text(entry);

	if (!text ||
	    !key_verify(log->key, text, strlen(text), entry->promise.data, entry->promise.size))
		return reason_set(
			reason, REASON_LOG,
			"the log's promise (SignedEntryTimestamp) is not by the log of the "
			"trusted root, or about something else");
	if (!time_span_holds(&log->span, entry->time_s))
		return reason_set(reason, REASON_LOG,
		                  "the log's key is not trusted for the time of its entry");
	return true;
}

static int node_digest(const uint8_t *left, const uint8_t *right, uint8_t digest[DIGEST_SIZE])
{
	uint8_t node[1 + 2 * DIGEST_SIZE] = { 1 };

	memcpy(&node[1], left, DIGEST_SIZE);
	memcpy(&node[1 + DIGEST_SIZE], right, DIGEST_SIZE);
	return digest_of_bytes(node, sizeof(node), digest);
}

static int leaf_digest(const struct bytes *leaf, uint8_t digest[DIGEST_SIZE])
{
	static const uint8_t mark = 0;
	struct digest_stream *stream = digest_stream_new();
	int result = stream ? digest_stream_update(stream, &mark, 1) : -ENOMEM;

	if (result == 0)
		result = digest_stream_update(stream, leaf->data, leaf->size);
	if (result == 0)
		result = digest_stream_finish(stream, digest);
	digest_stream_free(stream);
	return result;
}

bool log_proof_verify(const struct log_proof *proof, const struct bytes *leaf)
{
	uint64_t at = (uint64_t)proof->index;
	uint64_t last = (uint64_t)proof->size - 1;
	uint8_t digest[DIGEST_SIZE];
	int result = leaf_digest(leaf, digest);

	if (proof->size <= 0 || proof->index < 0 || at > last || proof->root.size != DIGEST_SIZE)
		return false;
	for (uint32_t i = 0; i < proof->count && result == 0; i++) {
		const uint8_t *hash = proof->hashes[i].data;

		if (last == 0)
			return false;
		if ((at & 1) || at == last) {
			result = node_digest(hash, digest, digest);
			while (at && !(at & 1)) {
				at >>= 1;
				last >>= 1;
			}
		} else {
			result = node_digest(digest, hash, digest);
		}
		at >>= 1;
		last >>= 1;
	}
	return result == 0 && last == 0 && digest_equal(digest, proof->root.data);
}

static bool proof_verify(const struct log_entry *entry, const struct trusted_log *log,
                         struct reason *reason)
{
	const struct log_proof *proof = &entry->proof;

	if (!log_proof_verify(proof, &entry->body))
		return reason_set(reason, REASON_LOG,
		                  "the proof that the log has its entry is wrong");
	if (!checkpoint_verify(proof->checkpoint, log, proof->size, &proof->root))
		return reason_set(reason, REASON_LOG,
		                  "the log's checkpoint is not by the log of the trusted root, or "
		                  "about another tree");
	return true;
}

bool log_entry_verify(const struct log_entry *entry, const struct trusted_root *root,
                      int64_t *time_s, struct reason *reason)
{
	const struct trusted_log *log = log_find(&entry->log, root);
	bool has_promise = entry->promise.size > 0;

	if (!log)
		return reason_set(reason, REASON_LOG,
		                  "it is in a log that the trusted root does not name (tlogs)");
	if (!has_promise && !entry->has_proof)
		return reason_set(reason, REASON_LOG,
		                  "nothing shows that a log has it: no promise and no proof");
	if (has_promise && !promise_verify(entry, log, reason))
		return false;
	if (entry->has_proof && !proof_verify(entry, log, reason))
		return false;
	*time_s = has_promise ? entry->time_s : 0;
	return true;
}
