/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Manifests, as registries have them and as they must not be; and what tells them from indexes. */
#include "image/manifest.h"

#include "image/json.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define D1 "\"sha256:1111111111111111111111111111111111111111111111111111111111111111\""
#define D2 "\"sha256:2222222222222222222222222222222222222222222222222222222222222222\""
#define DESCRIPTOR(type, digest, size) \
	"{\"mediaType\":\"" type "\",\"digest\":" digest ",\"size\":" size "}"
#define LAYER DESCRIPTOR(MEDIA_OCI_LAYER_GZIP, D2, "100")
#define CONFIG "\"config\":" DESCRIPTOR(MEDIA_OCI_CONFIG, D1, "10")
#define MANIFEST(more) "{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER "]" more "}"
#define ENTRY(more) \
	"{\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"digest\":" D1 ",\"size\":7" more "}"
#define INDEX(entries) "{\"schemaVersion\":2,\"manifests\":[" entries "]}"

static struct manifest manifest;
static struct error error;

static int manifest_of(const char *text, const char *type)
{
	error = (struct error){};
	return manifest_read(text, strlen(text), type, &manifest, &error);
}

static const struct {
	const char *text;
	const char *type;
	int result;
	enum manifest_kind kind;
} kind_rows[] = {
	{ MANIFEST(""), NULL, 0, MANIFEST_IMAGE },
	{ INDEX(""), NULL, 0, MANIFEST_INDEX },
	{ MANIFEST(""), "", 0, MANIFEST_IMAGE },
	{ MANIFEST(""), MEDIA_OCI_MANIFEST, 0, MANIFEST_IMAGE },
	{ MANIFEST(""), MEDIA_DOCKER_MANIFEST "; charset=utf-8", 0, MANIFEST_IMAGE },
	{ MANIFEST(""), "Application/Vnd.OCI.image.manifest.v1+JSON", 0, MANIFEST_IMAGE },
	{ INDEX(""), MEDIA_DOCKER_INDEX, 0, MANIFEST_INDEX },
	{ MANIFEST(",\"mediaType\":\"" MEDIA_OCI_MANIFEST "\""), NULL, 0, MANIFEST_IMAGE },
	{ MANIFEST(",\"mediaType\":\"" MEDIA_OCI_MANIFEST "\""), MEDIA_OCI_MANIFEST, 0,
	  MANIFEST_IMAGE },
	/* the two say different things */
	{ MANIFEST(",\"mediaType\":\"" MEDIA_OCI_MANIFEST "\""), MEDIA_DOCKER_MANIFEST, -EBADMSG,
	  0 },
	{ MANIFEST(",\"mediaType\":\"" MEDIA_OCI_MANIFEST "\""), MEDIA_OCI_INDEX, -EBADMSG, 0 },
	{ MANIFEST(""), MEDIA_OCI_INDEX, -EBADMSG, 0 },
	{ INDEX(""), MEDIA_OCI_MANIFEST, -EBADMSG, 0 },
	{ MANIFEST(",\"mediaType\":\"" MEDIA_OCI_INDEX "\""), NULL, -EBADMSG, 0 },
	/* what may be taken for either */
	{ MANIFEST(",\"manifests\":[]"), NULL, -EBADMSG, 0 },
	{ MANIFEST(",\"manifests\":[]"), MEDIA_OCI_MANIFEST, -EBADMSG, 0 },
	{ MANIFEST(",\"manifests\":null"), MEDIA_OCI_MANIFEST, -EBADMSG, 0 },
	{ "{\"schemaVersion\":2,\"manifests\":[]," CONFIG "}", MEDIA_OCI_INDEX, -EBADMSG, 0 },
	{ "{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", MEDIA_OCI_INDEX, -EBADMSG, 0 },
	{ "{\"schemaVersion\":2}", NULL, -EBADMSG, 0 },
	/* other kinds and versions */
	{ "{\"schemaVersion\":1,\"layers\":[]}", NULL, -EBADMSG, 0 },
	{ "{\"schemaVersion\":\"2\",\"layers\":[]}", NULL, -EBADMSG, 0 },
	{ "{\"layers\":[]}", NULL, -EBADMSG, 0 },
	{ MANIFEST(""), "application/vnd.docker.distribution.manifest.v1+prettyjws", -EBADMSG, 0 },
	{ MANIFEST(""), "text/html", -EBADMSG, 0 },
	{ MANIFEST(",\"mediaType\":7"), NULL, -EBADMSG, 0 },
	{ MANIFEST(",\"mediaType\":\"\x1b[31m\""), NULL, -EBADMSG, 0 },
	{ MANIFEST(",\"mediaType\":\"application/x\""), NULL, -EBADMSG, 0 },
	{ "[]", NULL, -EBADMSG, 0 },
	{ "<html>", MEDIA_OCI_MANIFEST, -EBADMSG, 0 },
};

static void kinds_are_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kind_rows) / sizeof(kind_rows[0]); i++) {
		const char *text = kind_rows[i].text;
		enum manifest_kind kind = 0;
		int result;

		error = (struct error){};
		result = manifest_kind(text, strlen(text), kind_rows[i].type, &kind, &error);
		if (result != kind_rows[i].result || kind != kind_rows[i].kind)
			fail_msg("row %zu, %s: %d, kind %d, %s", i, text, result, (int)kind,
			         error.message);
		assert_int_equal(error.code, result ? ERROR_REGISTRY : ERROR_NONE);
		for (const char *at = error.message; *at; at++)
			assert_true(*at >= ' ' && *at <= '~');
	}
}

static void an_image_is_read(void **state)
{
	(void)state;
	assert_int_equal(manifest_of(MANIFEST(""), NULL), 0);
	assert_string_equal(manifest.config.media_type, MEDIA_OCI_CONFIG);
	assert_int_equal(manifest.config.size, 10);
	assert_int_equal(manifest.config.digest[31], 0x11);
	assert_int_equal(manifest.layer_count, 1);
	assert_string_equal(manifest.layers[0].media_type, MEDIA_OCI_LAYER_GZIP);
	assert_int_equal(manifest.layers[0].size, 100);
	assert_int_equal(manifest.layers[0].digest[0], 0x22);
	assert_false(manifest.is_artifact);
	assert_false(manifest.has_subject);
	assert_string_equal(manifest.artifact_type, "");
	assert_int_equal(manifest_check_bytecode(&manifest, &error), 0);
}

/* What oras push registry/x:y object.o sends, but for its digests. */
static void an_artifact_of_oras_is_read(void **state)
{
	static const char text[] =
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST
		"\",\"artifactType\":\"application/"
		"vnd.unknown.artifact.v1\",\"config\":{\"mediaType\":"
		"\"application/vnd.oci.empty.v1+json\",\"digest\":"
		"\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\","
		"\"size\":2,\"data\":\"e30=\"},\"layers\":[{\"mediaType\":"
		"\"application/vnd.oci.image.layer.v1.tar\",\"digest\":" D2
		",\"size\":1000,\"annotations\":{\"org.opencontainers.image.title\":\"x.o\"}}],"
		"\"annotations\":{\"org.opencontainers.image.created\":\"2024-01-01T00:00:00Z\"}}";
	static const char older[] = "{\"schemaVersion\":2,\"config\":" DESCRIPTOR(
		"application/vnd.unknown.config.v1+json", D1, "2") ",\"layers\":[" LAYER "]}";

	(void)state;
	assert_int_equal(manifest_of(text, MEDIA_OCI_MANIFEST), 0);
	assert_true(manifest.is_artifact);
	assert_string_equal(manifest.artifact_type, "application/vnd.unknown.artifact.v1");
	assert_int_equal(manifest.layers[0].size, 1000);
	assert_int_equal(manifest_check_bytecode(&manifest, &error), 0);
	assert_int_equal(manifest_of(older, NULL), 0);
	assert_true(manifest.is_artifact);
}

static void a_subject_is_read(void **state)
{
	(void)state;
	assert_int_equal(manifest_of(MANIFEST(",\"subject\":" ENTRY("")), NULL), 0);
	assert_true(manifest.has_subject);
	assert_int_equal(manifest.subject[5], 0x11);
	assert_int_equal(manifest_of(MANIFEST(",\"subject\":null"), NULL), 0);
	assert_false(manifest.has_subject);
	assert_int_equal(manifest_of(MANIFEST(",\"subject\":{}"), NULL), -EBADMSG);
	assert_int_equal(manifest_of(MANIFEST(",\"subject\":" D1), NULL), -EBADMSG);
}

#define LAYERS(layers) "{\"schemaVersion\":2," CONFIG ",\"layers\":" layers "}"
#define TYPED(type) DESCRIPTOR(type, D2, "1")

static void manifests_that_are_none_change_nothing(void **state)
{
	static const char *const bad[] = {
		INDEX(""),
		"{\"schemaVersion\":2,\"layers\":[" LAYER "]}",
		"{\"schemaVersion\":2,\"config\":[],\"layers\":[" LAYER "]}",
		"{\"schemaVersion\":2," CONFIG "}",
		LAYERS("{}"),
		LAYERS("null"),
		LAYERS("[null]"),
		LAYERS("[{}]"),
		LAYERS("[[]]"),
		LAYERS("[\"x\"]"),
		LAYERS("[{\"digest\":" D2 ",\"size\":1}]"),
		LAYERS("[{\"mediaType\":\"a/b\",\"size\":1}]"),
		LAYERS("[{\"mediaType\":\"a/b\",\"digest\":" D2 "}]"),
		LAYERS("[" DESCRIPTOR("a/b", D2, "-1") "]"),
		LAYERS("[" DESCRIPTOR("a/b", D2, "1.5") "]"),
		LAYERS("[" DESCRIPTOR("a/b", D2, "\"1\"") "]"),
		LAYERS("[" DESCRIPTOR("a/b", D2, "18446744073709551615") "]"),
		LAYERS("[" DESCRIPTOR("a/b", "\"sha256:12\"", "1") "]"),
		LAYERS("[" DESCRIPTOR("a/b", "\"sha512:11\"", "1") "]"),
		LAYERS("[" DESCRIPTOR("a/b", "1", "1") "]"),
		LAYERS("[" TYPED("") "]"),
		LAYERS("[" TYPED("a b") "]"),
		LAYERS("[" TYPED("a\\nb") "]"),
		LAYERS("[" TYPED("\\u001b[31m") "]"),
		LAYERS("[" LAYER "," TYPED("") "]"),
		MANIFEST(",\"artifactType\":1"),
	};
	struct manifest before;

	(void)state;
	assert_int_equal(manifest_of(MANIFEST(""), NULL), 0);
	before = manifest;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (manifest_of(bad[i], NULL) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(error.code, ERROR_REGISTRY);
		assert_memory_equal(&manifest, &before, sizeof(before));
	}
}

static char *many(const char *start, const char *part, size_t count, const char *end)
{
	char *text = malloc(strlen(start) + count * (strlen(part) + 1) + strlen(end) + 1), *at;

	at = stpcpy(text, start);
	for (size_t i = 0; i < count; i++)
		at = stpcpy(stpcpy(at, i ? "," : ""), part);
	(void)stpcpy(at, end);
	return text;
}

static int layers_of(size_t count)
{
	char *text = many("{\"schemaVersion\":2," CONFIG ",\"layers\":[", LAYER, count, "]}");
	int result = manifest_of(text, NULL);

	free(text);
	return result;
}

static void a_bytecode_image_has_one_layer(void **state)
{
	(void)state;
	assert_int_equal(layers_of(0), 0);
	assert_int_equal(manifest_check_bytecode(&manifest, &error), -EBADMSG);
	assert_non_null(strstr(error.message, "has 0 layers"));
	assert_int_equal(layers_of(MANIFEST_LAYERS_MAX), 0);
	assert_int_equal(manifest.layer_count, MANIFEST_LAYERS_MAX);
	assert_int_equal(manifest_check_bytecode(&manifest, &error), -EBADMSG);
	assert_int_equal(error.code, ERROR_REGISTRY);
	assert_int_equal(layers_of(MANIFEST_LAYERS_MAX + 1), -EMSGSIZE);
	assert_non_null(strstr(error.message, "65 layers"));
}

static void a_bytecode_image_is_not_too_large(void **state)
{
	(void)state;
	assert_int_equal(manifest_of(MANIFEST(""), NULL), 0);
	manifest.layers[0].size = LAYER_SIZE_MAX;
	manifest.config.size = JSON_DOCUMENT_MAX;
	assert_int_equal(manifest_check_bytecode(&manifest, &error), 0);
	manifest.layers[0].size++;
	assert_int_equal(manifest_check_bytecode(&manifest, &error), -EFBIG);
	assert_int_equal(error.code, ERROR_LIMIT);
	manifest.layers[0].size--;
	manifest.config.size++;
	assert_int_equal(manifest_check_bytecode(&manifest, &error), -EFBIG);
	/* nobody fetches an artifact's */
	manifest.is_artifact = true;
	assert_int_equal(manifest_check_bytecode(&manifest, &error), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_are_told_apart),
		cmocka_unit_test(an_image_is_read),
		cmocka_unit_test(an_artifact_of_oras_is_read),
		cmocka_unit_test(a_subject_is_read),
		cmocka_unit_test(manifests_that_are_none_change_nothing),
		cmocka_unit_test(a_bytecode_image_has_one_layer),
		cmocka_unit_test(a_bytecode_image_is_not_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
