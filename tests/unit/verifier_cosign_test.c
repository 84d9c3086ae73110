/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Signatures by real cosign with keys, as tests/unit/cosign/make has left them. */
#include "image/digest.h"
#include "workers/verifier/key.h"
#include "workers/verifier/signature.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIRECTORY BPFD_SOURCE_DIR "/tests/unit/cosign/"

static const char *const names[] = { "p256-2", "p256-3", "p384-2",   "p384-3",
	                             "rsa-2",  "rsa-3",  "ed25519-2" };

#define NAMES (sizeof(names) / sizeof(names[0]))

struct vector {
	json_t *json;
	EVP_PKEY *key;
	struct signed_image image;
};

static void vector_open(const char *name, struct vector *vector)
{
	char path[512];
	struct error error;
	const char *image, *key;

	(void)snprintf(path, sizeof(path), DIRECTORY "%s.json", name);
	*vector = (struct vector){ .json = json_load_file(path, 0, NULL) };
	assert_non_null(vector->json);
	image = json_string_value(json_object_get(vector->json, "image"));
	key = json_string_value(json_object_get(vector->json, "key"));
	vector->image.bytes = image;
	vector->image.size = strlen(image);
	assert_int_equal(digest_of_bytes(image, strlen(image), vector->image.digest), 0);
	assert_int_equal(key_read(key, strlen(key), name, &vector->key, &error), 0);
}

static void vector_close(struct vector *vector)
{
	EVP_PKEY_free(vector->key);
	json_decref(vector->json);
}

static bool vector_read(const struct vector *vector, struct signature *signature,
                        struct reason *reason)
{
	json_t *annotations = json_object_get(vector->json, "annotations");
	const char *text = json_string_value(
		json_object_get(vector->json, annotations ? "payload" : "bundle"));

	*reason = (struct reason){};
	if (annotations)
		return signature_read_simple(text, strlen(text), annotations, &vector->image,
		                             signature, reason);
	return signature_read_bundle(text, strlen(text), &vector->image, signature, reason);
}

static void by_its_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		struct vector vector;
		struct signature signature;
		struct reason reason;

		vector_open(names[i], &vector);
		if (!vector_read(&vector, &signature, &reason) ||
		    !signature_verify_key(&signature, vector.key, &reason))
			fail_msg("%s: %s", names[i], reason.text);
		signature_clear(&signature);
		vector_close(&vector);
	}
}

/* Keys of other kinds, and the other format's key of the same kind. */
static void by_each_key(bool prepared)
{
	struct vector others[NAMES];

	for (size_t i = 0; i < NAMES; i++)
		vector_open(names[i], &others[i]);
	for (size_t i = 0; i < NAMES; i++) {
		struct signature signature;
		struct reason reason;

		assert_true(vector_read(&others[i], &signature, &reason));
		for (size_t j = 0; j < 2 * NAMES; j++) { /* each twice, one after the other */
			EVP_PKEY *key = others[j / 2].key;

			if (prepared && j % 2 == 0)
				key_prepare(key);
			if (signature_verify_key(&signature, key, &reason) != (i == j / 2))
				fail_msg("%s by the key of %s", names[i], names[j / 2]);
		}
		assert_non_null(strstr(reason.text, "it is not by that key"));
		signature_clear(&signature);
	}
	for (size_t i = 0; prepared && i < 20; i++) /* more than there is room for */
		key_prepare(others[0].key);
	for (size_t i = 0; i < NAMES; i++)
		vector_close(&others[i]);
}

static void by_no_other_key(void **state)
{
	(void)state;
	by_each_key(false);
}

/* A verification that was begun ahead of time is the next one by its key, whatever it is of; the
 * others begin anew. */
static void by_a_prepared_key(void **state)
{
	by_each_key(true);
	by_its_key(state);
}

static void of_no_other_image(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		struct vector vector;
		struct signature signature;
		struct reason reason;

		vector_open(names[i], &vector);
		vector.image.digest[DIGEST_SIZE - 1] ^= 1;
		assert_false(vector_read(&vector, &signature, &reason));
		assert_string_equal(reason.text, "it is about another image");
		vector_close(&vector);
	}
}

static bool is_taken(const struct vector *vector, const char *text, size_t size)
{
	json_t *annotations = json_object_get(vector->json, "annotations");
	struct reason reason = {};
	struct signature signature;
	bool read = annotations ? signature_read_simple(text, size, annotations, &vector->image,
	                                                &signature, &reason)
	                        : signature_read_bundle(text, size, &vector->image, &signature,
	                                                &reason);
	bool taken = read && signature_verify_key(&signature, vector->key, &reason);

	if (read)
		signature_clear(&signature);
	if (!taken)
		assert_true(reason.text[0]);
	return taken;
}

/* Of a bundle all that is signed, or is the signature; of a payload everything. */
static void part_find(const char *text, const char *key, size_t *start, size_t *end)
{
	const char *at = key ? strstr(text, key) : text;

	assert_non_null(at);
	if (key)
		at += strlen(key);
	*start = (size_t)(at - text);
	*end = key ? *start + strcspn(at, "\"") : strlen(text);
}

static void part_change(const struct vector *vector, const char *name, const char *text,
                        const char *key)
{
	size_t size = strlen(text), start, end;
	char *copy = strdup(text);

	assert_non_null(copy);
	part_find(text, key, &start, &end);
	for (size_t i = start; i < end; i++) {
		copy[i] ^= 1;
		if (is_taken(vector, copy, size))
			fail_msg("%s: taken with byte %zu changed", name, i);
		copy[i] ^= 1;
	}
	for (size_t cut = 0; cut < size; cut++) {
		if (is_taken(vector, copy, cut))
			fail_msg("%s: taken, cut to %zu bytes", name, cut);
	}
	assert_true(is_taken(vector, copy, size));
	free(copy);
}

static void changed_and_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		struct vector vector;
		const char *payload, *bundle;

		vector_open(names[i], &vector);
		payload = json_string_value(json_object_get(vector.json, "payload"));
		bundle = json_string_value(json_object_get(vector.json, "bundle"));
		if (payload) {
			part_change(&vector, names[i], payload, NULL);
		} else {
			part_change(&vector, names[i], bundle, "\"payload\":\"");
			part_change(&vector, names[i], bundle, "\"payloadType\":\"");
			part_change(&vector, names[i], bundle, "\"sig\":\"");
		}
		vector_close(&vector);
	}
}

/* Other annotations than those that are read change nothing; without the signature's it is none. */
static void annotations(void **state)
{
	static const char key[] = "dev.cosignproject.cosign/signature";
	struct vector vector;
	struct signature signature;
	struct reason reason;
	json_t *object;

	(void)state;
	vector_open("p256-2", &vector);
	object = json_object_get(vector.json, "annotations");
	assert_int_equal(json_object_set_new(object, "other", json_integer(1)), 0);
	assert_true(vector_read(&vector, &signature, &reason));
	assert_true(signature_verify_key(&signature, vector.key, &reason));
	signature_clear(&signature);
	assert_int_equal(json_object_del(object, key), 0);
	assert_false(vector_read(&vector, &signature, &reason));
	assert_non_null(strstr(reason.text, key));
	vector_close(&vector);
}

/* cosign 3 prehashes with these keys, OpenSSL 3.0 cannot: refused, and why. */
static void prehashed(void **state)
{
	struct vector vector;
	struct signature signature;
	struct reason reason;

	(void)state;
	vector_open("ed25519-3", &vector);
	assert_true(vector_read(&vector, &signature, &reason));
	assert_false(signature_verify_key(&signature, vector.key, &reason));
	assert_non_null(strstr(reason.text, "Ed25519ph"));
	signature_clear(&signature);
	vector_close(&vector);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_its_key),      cmocka_unit_test(by_a_prepared_key),
		cmocka_unit_test(by_no_other_key), cmocka_unit_test(of_no_other_image),
		cmocka_unit_test(changed_and_cut), cmocka_unit_test(annotations),
		cmocka_unit_test(prehashed),
	};

	return cmocka_run_group_tests_name("cosign", tests, NULL, NULL);
}
