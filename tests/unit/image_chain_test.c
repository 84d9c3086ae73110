/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* From an image's digest to its object: each part has to be the one that the part before it means.
 */
#include "image/chain.h"

#include "image/build.h"
#include "image/digest.h"
#include "tests/unit/image_maker.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define OBJECT BPFD_BUILD_DIR "/bpf/xdp_counter.bpf.o"

static struct error error;

/* Parts of an image for this machine and another one. */
static struct made_bytes index_bytes;
static struct made_bytes manifest;
static struct made_bytes other_manifest;
static struct made_bytes layer;
static struct made_bytes lone; /* index of the other machine alone */
static uint8_t object_digest[DIGEST_SIZE];

static const char *other_architecture(void)
{
	return strcmp(architecture_host(), "arm64") == 0 ? "riscv64" : "arm64";
}

static int piece_keep(void *context, const struct build_piece *piece, struct error *why)
{
	static const char gzip[] = MEDIA_OCI_LAYER_GZIP;
	struct made_bytes *kept = NULL;

	(void)context;
	(void)why;
	if (piece->kind == BUILD_INDEX)
		kept = &index_bytes;
	else if (piece->kind == BUILD_MANIFEST)
		kept = manifest.size ? &other_manifest : &manifest;
	else if (strcmp(piece->descriptor.media_type, gzip) == 0)
		kept = &layer;
	if (kept)
		made_add(kept, piece->bytes, piece->descriptor.size);
	return 0;
}

static void bytes_digest(const struct made_bytes *bytes, uint8_t digest[DIGEST_SIZE])
{
	assert_int_equal(digest_of_bytes(bytes->data, bytes->size, digest), 0);
}

static int image_make(void **state)
{
	struct build_object objects[] = { { architecture_host(), "x.o", open(OBJECT, O_RDONLY) },
		                          { other_architecture(), "x.o", -1 } };
	struct made_bytes object = made_of_file(OBJECT);
	struct descriptor root;
	char digest[DIGEST_TEXT_SIZE], text[1024];
	uint8_t bytes[DIGEST_SIZE];
	int length;

	(void)state;
	objects[1].fd = objects[0].fd;
	if (build_image(objects, 2, 0, piece_keep, NULL, &root, &error) < 0)
		return -1;
	bytes_digest(&object, object_digest);
	made_free(&object);
	(void)close(objects[0].fd);
	bytes_digest(&other_manifest, bytes);
	digest_format(bytes, digest);
	length = snprintf(text, sizeof(text),
	                  "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" MEDIA_OCI_MANIFEST
	                  "\",\"digest\":\"%s\",\"size\":%zu,\"platform\":{\"os\":\"linux\","
	                  "\"architecture\":\"%s\"}}]}",
	                  digest, other_manifest.size, other_architecture());
	made_add(&lone, text, (size_t)length);
	return 0;
}

static int image_free(void **state)
{
	(void)state;
	made_free(&index_bytes);
	made_free(&manifest);
	made_free(&other_manifest);
	made_free(&layer);
	made_free(&lone);
	return 0;
}

struct part {
	enum evidence_kind kind;
	const struct made_bytes *bytes;
};

/* Without the object's bytes: the same in all else. */
static void follow_again(int fd, const uint8_t digest[DIGEST_SIZE], const struct chain *opened,
                         int expected)
{
	struct error again = {};
	struct chain chain = {};

	assert_int_equal(chain_follow(fd, digest, &chain, &again), expected);
	assert_string_equal(again.message, error.message);
	assert_int_equal(again.code, error.code);
	if (expected < 0)
		return;
	assert_int_equal(chain.object.fd, -1);
	assert_int_equal(chain.object.size, opened->object.size);
	assert_memory_equal(chain.object.digest, opened->object.digest, DIGEST_SIZE);
	assert_memory_equal(chain.layer, opened->layer, DIGEST_SIZE);
	assert_int_equal(chain.next, opened->next);
}

static int follow(const struct part *parts, size_t count, const uint8_t digest[DIGEST_SIZE],
                  struct chain *chain)
{
	struct evidence_writer writer = EVIDENCE_WRITER_INIT;
	int fd, result;

	for (size_t i = 0; i < count; i++)
		assert_int_equal(evidence_add(&writer, parts[i].kind, parts[i].bytes->data,
		                              parts[i].bytes->size, &error),
		                 0);
	fd = evidence_finish(&writer, &error);
	assert_true(fd >= 0);
	error = (struct error){};
	result = chain_open(fd, digest, chain, &error);
	if (result < 0)
		assert_true(error.code != ERROR_NONE && error.message[0]);
	follow_again(fd, digest, chain, result);
	(void)close(fd);
	return result;
}

static void chain_is_the_images(const struct chain *chain, uint32_t next)
{
	uint8_t digest[DIGEST_SIZE];

	bytes_digest(&manifest, digest);
	assert_memory_equal(chain->manifest, digest, sizeof(digest));
	bytes_digest(&layer, digest);
	assert_memory_equal(chain->layer, digest, sizeof(digest));
	assert_memory_equal(chain->object.digest, object_digest, sizeof(digest));
	assert_int_equal(chain->next, next);
	(void)close(chain->object.fd);
}

static void an_index_leads_to_the_object(void **state)
{
	const struct part parts[] = { { EVIDENCE_INDEX, &index_bytes },
		                      { EVIDENCE_MANIFEST, &manifest },
		                      { EVIDENCE_LAYER, &layer },
		                      { EVIDENCE_SIGNATURE_BLOB, &lone } };
	struct chain chain = {};
	uint8_t digest[DIGEST_SIZE];

	(void)state;
	bytes_digest(&index_bytes, digest);
	assert_int_equal(follow(parts, 4, digest, &chain), 0);
	chain_is_the_images(&chain, 3);
}

static void a_manifest_leads_to_the_object(void **state)
{
	const struct part parts[] = { { EVIDENCE_MANIFEST, &manifest },
		                      { EVIDENCE_LAYER, &layer } };
	struct chain chain = {};
	uint8_t digest[DIGEST_SIZE];

	(void)state;
	bytes_digest(&manifest, digest);
	assert_int_equal(follow(parts, 2, digest, &chain), 0);
	chain_is_the_images(&chain, 2);
}

/* A copy in which one byte is another. */
static struct made_bytes changed(const struct made_bytes *bytes)
{
	struct made_bytes copy = {};

	made_add(&copy, bytes->data, bytes->size);
	copy.data[copy.size / 2] ^= 1;
	return copy;
}

static void a_changed_part_ends_it(void **state)
{
	static const char *const names[] = { "the index", "the manifest", "the layer" };
	const struct made_bytes *const parts[] = { &index_bytes, &manifest, &layer };
	uint8_t digest[DIGEST_SIZE];

	(void)state;
	bytes_digest(&index_bytes, digest);
	for (int i = 0; i < 3; i++) {
		struct made_bytes bad = changed(parts[i]);
		struct part evidence[] = { { EVIDENCE_INDEX, &index_bytes },
			                   { EVIDENCE_MANIFEST, &manifest },
			                   { EVIDENCE_LAYER, &layer } };
		struct chain chain = {};

		evidence[i].bytes = &bad;
		assert_int_equal(follow(evidence, 3, digest, &chain), -EBADMSG);
		assert_int_equal(strncmp(error.message, names[i], strlen(names[i])), 0);
		assert_non_null(strstr(error.message, "has the digest sha256:"));
		made_free(&bad);
	}
	/* and another digest than any of theirs */
	digest[0] ^= 1;
	for (uint32_t first = 0; first < 2; first++) {
		const struct part evidence[] = { { EVIDENCE_INDEX, &index_bytes },
			                         { EVIDENCE_MANIFEST, &manifest },
			                         { EVIDENCE_LAYER, &layer } };
		struct chain chain = {};

		assert_int_equal(follow(evidence + first, 3 - first, digest, &chain), -EBADMSG);
	}
}

static void another_machines_manifest_does_not_do(void **state)
{
	const struct part exchanged[] = { { EVIDENCE_INDEX, &index_bytes },
		                          { EVIDENCE_MANIFEST, &other_manifest },
		                          { EVIDENCE_LAYER, &layer } };
	const struct part alone[] = { { EVIDENCE_INDEX, &lone },
		                      { EVIDENCE_MANIFEST, &other_manifest },
		                      { EVIDENCE_LAYER, &layer } };
	struct chain chain = {};
	uint8_t digest[DIGEST_SIZE];

	(void)state;
	bytes_digest(&index_bytes, digest);
	assert_int_equal(follow(exchanged, 3, digest, &chain), -EBADMSG);
	bytes_digest(&lone, digest);
	assert_int_equal(follow(alone, 3, digest, &chain), -ENOENT);
	assert_int_equal(error.code, ERROR_UNSUPPORTED);
}

/* What is missing, in the wrong place or of a kind that it is not. */
static void parts_have_their_places(void **state)
{
	const struct part rows[][3] = {
		{},
		{ { EVIDENCE_INDEX, &index_bytes } },
		{ { EVIDENCE_INDEX, &index_bytes }, { EVIDENCE_MANIFEST, &manifest } },
		{ { EVIDENCE_INDEX, &index_bytes }, { EVIDENCE_LAYER, &layer } },
		{ { EVIDENCE_INDEX, &index_bytes },
		  { EVIDENCE_LAYER, &layer },
		  { EVIDENCE_MANIFEST, &manifest } },
		{ { EVIDENCE_INDEX, &index_bytes },
		  { EVIDENCE_MANIFEST, &manifest },
		  { EVIDENCE_SIGNATURE_BLOB, &layer } },
		{ { EVIDENCE_MANIFEST, &index_bytes },
		  { EVIDENCE_MANIFEST, &manifest },
		  { EVIDENCE_LAYER, &layer } },
	};
	uint8_t digest[DIGEST_SIZE];

	(void)state;
	bytes_digest(&index_bytes, digest);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct chain chain = {};
		size_t count = 0;

		while (count < 3 && rows[i][count].bytes)
			count++;
		if (follow(rows[i], count, digest, &chain) != -EBADMSG)
			fail_msg("row %zu is taken, or: %s", i, error.message);
	}
}

static void a_layer_that_is_longer_does_not_do(void **state)
{
	struct made_bytes longer = {};
	const struct part parts[] = { { EVIDENCE_MANIFEST, &manifest },
		                      { EVIDENCE_LAYER, &longer } };
	struct chain chain = {};
	uint8_t digest[DIGEST_SIZE];

	(void)state;
	made_add(&longer, layer.data, layer.size);
	made_fill(&longer, 0, 1);
	bytes_digest(&manifest, digest);
	assert_int_equal(follow(parts, 2, digest, &chain), -EBADMSG);
	made_free(&longer);
}

static void what_is_no_evidence_leads_nowhere(void **state)
{
	struct chain chain = {};
	uint8_t digest[DIGEST_SIZE] = {};
	int fd = memfd_create("evidence", 0);

	(void)state;
	assert_int_equal(chain_follow(fd, digest, &chain, &error), -EPROTO);
	assert_int_equal(error.code, ERROR_INTERNAL);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_index_leads_to_the_object),
		cmocka_unit_test(a_manifest_leads_to_the_object),
		cmocka_unit_test(a_changed_part_ends_it),
		cmocka_unit_test(another_machines_manifest_does_not_do),
		cmocka_unit_test(parts_have_their_places),
		cmocka_unit_test(a_layer_that_is_longer_does_not_do),
		cmocka_unit_test(what_is_no_evidence_leads_nowhere),
	};

	return cmocka_run_group_tests(tests, image_make, image_free);
}
