/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Signatures by identities: each part of what makes one good, and each of them wrong once. */
#include "tests/unit/keyless_maker.h"
#include "workers/verifier/signature.h"

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct row {
	const char *name;
	const char *reason; /* NULL: it is good */
	struct maker_options options;
	const char *identity; /* that is wanted; NULL: MAKER_IDENTITY */
	const char *issuer;
	bool no_stamps_in_root;
};

#define BUNDLE .form = MAKER_BUNDLE, .body = MAKER_ENVELOPE_1

static const struct row rows[] = {
	{ .name = "cosign 2", .reason = NULL, .options = {} },
	{ .name = "cosign 2, record 2", .reason = NULL, .options = { .body = MAKER_RECORD_2 } },
	{ .name = "a bundle", .reason = NULL, .options = { BUNDLE } },
	{ .name = "a bundle, hashedrekord", .reason = NULL, .options = { .form = MAKER_BUNDLE } },
	{ .name = "a bundle, dsse 2",
	  .reason = NULL,
	  .options = { .form = MAKER_BUNDLE, .body = MAKER_ENVELOPE_2 } },
	{ .name = "an address",
	  .reason = NULL,
	  .options = { .email = true },
	  .identity = MAKER_EMAIL },
	{ .name = "the older extension", .reason = NULL, .options = { .old_issuer = true } },
	{ .name = "the promise alone", .reason = NULL, .options = { BUNDLE, .no_proof = true } },
	{ .name = "a proof and a timestamp",
	  .reason = NULL,
	  .options = { BUNDLE, .no_promise = true, .timestamp = true } },
	{ .name = "everything", .reason = NULL, .options = { BUNDLE, .timestamp = true } },
	{ .name = "cosign 2 with a timestamp", .reason = NULL, .options = { .timestamp = true } },
	{ .name = "a timestamp that nobody asks",
	  .reason = NULL,
	  .options = { BUNDLE, .timestamp = true, .other_timestamp_authority = true },
	  .no_stamps_in_root = true },
	{ .name = "another image", .reason = "another image", .options = { .other_image = true } },
	{ .name = "another image, bundle",
	  .reason = "another image",
	  .options = { BUNDLE, .other_image = true } },
	{ .name = "another's signature",
	  .reason = "not by the certificate",
	  .options = { .wrong_signature = true } },
	{ .name = "another's signature, bundle",
	  .reason = "not by the certificate",
	  .options = { BUNDLE, .wrong_signature = true } },
	/* the certificate */
	{ .name = "another authority",
	  .reason = "not good when",
	  .options = { .other_authority = true } },
	{ .name = "not yet valid",
	  .reason = "not good when",
	  .options = { .certificate_start_s = 5 } },
	{ .name = "not valid any more",
	  .reason = "not good when",
	  .options = { .certificate_end_s = -5 } },
	{ .name = "no code signing",
	  .reason = "not one for signing code",
	  .options = { .no_code_signing = true } },
	{ .name = "an authority's own",
	  .reason = "not one for signing code",
	  .options = { .is_authority = true } },
	{ .name = "no SCT", .reason = "holds no log's word", .options = { .no_sct = true } },
	{ .name = "another log's SCT",
	  .reason = "in no log (ctlogs)",
	  .options = { .other_sct_log = true } },
	{ .name = "a wrong SCT",
	  .reason = "(SCT) in its certificate is wrong",
	  .options = { .wrong_sct = true } },
	/* who */
	{ .name = "another identity",
	  .reason = "it is by https://evil",
	  .options = { .identity = "https://evil.example.org" } },
	{ .name = "a longer identity",
	  .reason = "it is by",
	  .options = { .identity = MAKER_IDENTITY "2" } },
	{ .name = "a shorter identity",
	  .reason = "it is by",
	  .options = { .identity = "https://example.org" } },
	{ .name = "an address for a URI", .reason = "it is by", .options = { .email = true } },
	{ .name = "another issuer",
	  .reason = "as that issuer vouches",
	  .options = { .issuer = "https://evil.example.org" } },
	{ .name = "no issuer",
	  .reason = "as that issuer vouches",
	  .options = { .no_issuer = true } },
	{ .name = "another issuer is wanted",
	  .reason = "as that issuer vouches",
	  .options = {},
	  .issuer = "https://issuer.example" },
	/* the transparency log */
	{ .name = "a wrong promise", .reason = "promise", .options = { .wrong_promise = true } },
	{ .name = "a wrong promise, bundle",
	  .reason = "promise",
	  .options = { BUNDLE, .wrong_promise = true } },
	{ .name = "no promise, no proof",
	  .reason = "no promise and no proof",
	  .options = { BUNDLE, .no_promise = true, .no_proof = true } },
	{ .name = "no time",
	  .reason = "nobody says when",
	  .options = { BUNDLE, .no_promise = true } },
	{ .name = "a wrong proof",
	  .reason = "the proof that the log",
	  .options = { BUNDLE, .wrong_proof = true } },
	{ .name = "a wrong checkpoint",
	  .reason = "checkpoint is not",
	  .options = { BUNDLE, .wrong_checkpoint = true } },
	{ .name = "another tree's",
	  .reason = "checkpoint is not",
	  .options = { BUNDLE, .checkpoint_of_another_tree = true } },
	{ .name = "another log",
	  .reason = "does not name (tlogs)",
	  .options = { .other_log = true } },
	{ .name = "another log, bundle",
	  .reason = "does not name (tlogs)",
	  .options = { BUNDLE, .other_log = true } },
	{ .name = "another signature logged",
	  .reason = "another signature",
	  .options = { .other_signature_logged = true } },
	{ .name = "another certificate logged",
	  .reason = "another signature",
	  .options = { BUNDLE, .other_certificate_logged = true } },
	{ .name = "other bytes logged",
	  .reason = "another signature",
	  .options = { BUNDLE, .other_bytes_logged = true } },
	{ .name = "other bytes logged, 2",
	  .reason = "another signature",
	  .options = { .body = MAKER_RECORD_2, .other_bytes_logged = true } },
	{ .name = "other bytes logged, dsse 2",
	  .reason = "another signature",
	  .options = { .form = MAKER_BUNDLE,
	               .body = MAKER_ENVELOPE_2,
	               .other_bytes_logged = true } },
	{ .name = "a kind that is none",
	  .reason = "of a kind that bpfd does not know",
	  .options = { .body_kind = "rpm" } },
	{ .name = "dsse without an envelope",
	  .reason = "another signature",
	  .options = { .body = MAKER_ENVELOPE_1 } },
	/* timestamps */
	{ .name = "another authority's timestamp",
	  .reason = "timestamp is by no authority",
	  .options = { BUNDLE, .timestamp = true, .other_timestamp_authority = true } },
	{ .name = "a timestamp of another",
	  .reason = "timestamp is by no authority",
	  .options = { BUNDLE, .timestamp = true, .timestamp_of_another = true } },
	{ .name = "a timestamp when it was not valid",
	  .reason = "not good when",
	  .options = { BUNDLE, .no_promise = true, .timestamp = true, .timestamp_s = 3600 } },
	{ .name = "one time good, one not",
	  .reason = "not good when",
	  .options = { BUNDLE, .timestamp = true, .timestamp_s = 3600 } },
};

static void root_read(const struct row *row, const struct made *made, struct trusted_root *root)
{
	struct error error = {};
	char *text;

	if (row->no_stamps_in_root)
		assert_int_equal(json_object_del(made->root, "timestampAuthorities"), 0);
	text = json_dumps(made->root, 0);
	assert_int_equal(trusted_root_read(text, strlen(text), root, &error), 0);
	free(text);
}

static bool read(const struct row *row, const struct made *made, struct signature *signature,
                 struct reason *reason)
{
	struct signed_image image = { .bytes = made->image, .size = strlen(made->image) };
	char *text;
	bool good;

	memcpy(image.digest, made->digest, DIGEST_SIZE);
	if (row->options.form == MAKER_ANNOTATIONS)
		return signature_read_simple(made->payload, made->payload_size, made->annotations,
		                             &image, signature, reason);
	text = json_dumps(made->bundle, JSON_COMPACT);
	good = signature_read_bundle(text, strlen(text), &image, signature, reason);
	free(text);
	return good;
}

static void row_check(const struct row *row)
{
	static struct trusted_root root;
	struct signature signature = {};
	struct reason reason = {};
	struct made made;
	bool good;

	maker_make(&row->options, &made);
	root_read(row, &made, &root);
	good = read(row, &made, &signature, &reason) &&
	       signature_verify_identity(&signature, &root,
	                                 row->identity ? row->identity : MAKER_IDENTITY,
	                                 row->issuer ? row->issuer : MAKER_ISSUER, &reason);
	signature_clear(&signature);
	trusted_root_clear(&root);
	made_clear(&made);
	if (good != !row->reason)
		fail_msg("%s: %s", row->name, good ? "is taken" : reason.text);
	if (row->reason && !strstr(reason.text, row->reason))
		fail_msg("%s: refused for another reason: %s", row->name, reason.text);
}

static void each_part(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		row_check(&rows[i]);
}

/* Every leaf of every tree up to 9. */
static void trees(void **state)
{
	(void)state;
	for (uint32_t leaves = 1; leaves <= 9; leaves++) {
		for (uint32_t leaf = 0; leaf < leaves; leaf++) {
			struct row row = { .name = "a tree", .options = { BUNDLE } };

			row.options.leaves = leaves;
			row.options.leaf = leaf;
			row_check(&row);
			if (leaves < 2)
				continue;
			row.options.wrong_proof = true;
			row.reason = "the proof that the log";
			row_check(&row);
		}
	}
}

/* By an identity, where a key is wanted, and the other way round. */
static void keys_and_identities(void **state)
{
	static struct trusted_root root;
	static const struct row row = { .name = "a key's", .options = { BUNDLE } };
	struct signature signature = {};
	struct reason reason = {};
	struct made made;

	(void)state;
	maker_make(&row.options, &made);
	root_read(&row, &made, &root);
	assert_int_equal(json_object_del(json_object_get(made.bundle, "verificationMaterial"),
	                                 "certificate"),
	                 0);
	assert_true(read(&row, &made, &signature, &reason));
	assert_false(signature_verify_identity(&signature, &root, MAKER_IDENTITY, MAKER_ISSUER,
	                                       &reason));
	assert_non_null(strstr(reason.text, "by a key, not by an identity"));
	assert_false(signature_verify_key(&signature, root.logs[0].key, &reason));
	signature_clear(&signature);
	trusted_root_clear(&root);
	made_clear(&made);
}

/* A root's parts, each left out or broken. */
static void roots(void **state)
{
	static const struct {
		const char *list;
		const char *member;
	} parts[] = {
		{ "tlogs", NULL },
		{ "ctlogs", NULL },
		{ "tlogs", "logId" },
		{ "tlogs", "publicKey" },
		{ "ctlogs", "publicKey" },
		{ "certificateAuthorities", NULL },
		{ "certificateAuthorities", "certChain" },
		{ "certificateAuthorities", "validFor" },
		{ "timestampAuthorities", "validFor" },
	};
	static struct trusted_root root;

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		static const struct maker_options options;
		struct error error = {};
		struct made made;
		char *text;

		maker_make(&options, &made);

		json_t *list = json_object_get(made.root, parts[i].list);

		if (parts[i].member)
			assert_int_equal(json_object_del(json_array_get(list, 0), parts[i].member),
			                 0);
		else
			assert_int_equal(json_array_clear(list), 0);
		text = json_dumps(made.root, 0);
		assert_int_equal(trusted_root_read(text, strlen(text), &root, &error), -EINVAL);
		assert_non_null(strstr(error.message, parts[i].list));
		assert_int_equal(root.log_count, 0);
		free(text);
		made_clear(&made);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_part),
		cmocka_unit_test(trees),
		cmocka_unit_test(keys_and_identities),
		cmocka_unit_test(roots),
	};

	return cmocka_run_group_tests_name("keyless", tests, NULL, NULL);
}
