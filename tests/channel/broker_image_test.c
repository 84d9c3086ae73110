/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Images: what a load of one leaves behind, what a ceiling forbids, and what a reboot restores. */
#include <cmocka.h>

#include "tests/channel/broker_stage.h"

#include "broker/broker.h"
#include "common/cleanup.h"
#include "common/memfd.h"
#include "proto/evidence.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define REFERENCE "registry.example/team/counter:v1"
#define KEY "/etc/bpfd/keys/team.pub"

static struct frontend_load_image request;
static const struct evidence_header evidence = { .magic = EVIDENCE_MAGIC };

static void request_fill(void)
{
	memset(&request, 0, sizeof(request));
	stage_load_fill(&request.load, "xdp_counter", PROGRAM_TYPE_XDP);
	(void)snprintf(request.image.reference, sizeof(request.image.reference), REFERENCE);
	memset(request.image.digest, 0xd1, DIGEST_SIZE);
}

static uint64_t request_send(void)
{
	_cleanup_close_ int object_fd = stage_object("xdp_counter");
	_cleanup_close_ int evidence_fd = memfd_from_bytes("evidence", &evidence, sizeof(evidence));
	const int descriptors[] = { object_fd, evidence_fd };

	return stage_send(FRONTEND_LOAD_IMAGE, &request, descriptors);
}

/* The digest that the loader finds, of a load without a verifier. */
static void object_digest(uint8_t digest[DIGEST_SIZE])
{
	const uint32_t rules = stage->settings.image_rules;

	stage->settings.image_rules = 0;
	stage_start();
	memcpy(digest,
	       stage_program(stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP))->digest,
	       DIGEST_SIZE);
	assert_done(stage_remove(FRONTEND_UNLOAD, 1));
	assert_int_equal(stage_stop(), 0);
	stage->settings.image_rules = rules;
}

static struct verifier_answer answer_verified(const uint8_t object[DIGEST_SIZE])
{
	struct verifier_answer answer = {
		.verdict = { .verdict = IMAGE_VERDICT_VERIFIED, .kind = IMAGE_RULE_KEY, .key = KEY }
	};

	memcpy(answer.verdict.object, object, DIGEST_SIZE);
	memset(answer.verdict.image, 0xd1, DIGEST_SIZE);
	return answer;
}

/* Loads it, with that answer. */
static const struct stage_answer *load_with(const struct verifier_answer *answer)
{
	uint64_t id = request_send();

	stage_verifier_answer(stage_verifier_asked(), answer);
	return stage_answer(id);
}

static void record_check(uint64_t id, uint32_t verdict)
{
	const struct record_program *program = stage_program(id);

	assert_non_null(program);
	assert_int_equal(program->state, PROGRAM_STATE_LOADED);
	assert_string_equal(program->image.reference, REFERENCE);
	assert_memory_equal(program->image.digest, request.image.digest, DIGEST_SIZE);
	assert_int_equal(program->verdict.verdict, verdict);
	assert_string_equal(program->verdict.key, verdict == IMAGE_VERDICT_VERIFIED ? KEY : "");
	if (verdict == IMAGE_VERDICT_VERIFIED)
		assert_memory_equal(program->verdict.object, program->digest, DIGEST_SIZE);
}

static void test_without_rules(void **state)
{
	uint64_t id;

	(void)state;
	stage_start();
	request_fill();
	id = assert_done(stage_answer(request_send()));
	record_check(id, IMAGE_VERDICT_NONE);
	assert_int_equal(stage->verifier_count, 0);
	/* a file has no image */
	id = stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP);
	assert_string_equal(stage_program(id)->image.reference, "");
	assert_int_equal(stage_stop(), 0);
}

static void bytes_check(int fd, const void *bytes, size_t size)
{
	char got[64];
	size_t length = 0;

	assert_int_equal(memfd_check(fd, &length), 0);
	assert_true(size <= sizeof(got) && length >= size);
	assert_int_equal(memfd_read(fd, got, size), 0);
	assert_memory_equal(got, bytes, size);
}

/* The question, the verdict, the record; the answer again; all of it after a restart. */
static void test_verified(void **state)
{
	struct stage_verifier *verifier;
	struct verifier_answer answer;
	uint8_t digest[DIGEST_SIZE];
	uint64_t id, program;

	(void)state;
	stage->settings.image_rules = 1;
	object_digest(digest);
	answer = answer_verified(digest);
	stage_start();
	request_fill();
	id = request_send();
	verifier = stage_verifier_asked();
	assert_string_equal(verifier->question.image.reference, REFERENCE);
	assert_memory_equal(verifier->question.image.digest, request.image.digest, DIGEST_SIZE);
	assert_int_equal(verifier->question.demand, 0);
	bytes_check(verifier->object_fd, "\177ELF", 4);
	bytes_check(verifier->evidence_fd, &evidence, sizeof(evidence));
	/* nothing is loaded before the verdict */
	assert_int_equal(stage->program_count, 0);
	stage_verifier_answer(verifier, &answer);
	program = assert_done(stage_answer(id));
	record_check(program, IMAGE_VERDICT_VERIFIED);
	while (!verifier->killed)
		assert_int_equal(stage_pump(20000), 0);

	/* the same request: its first answer, and no verifier is asked */
	size_t verifiers = stage->verifier_count;
	const struct stage_answer *again = stage_answer(request_send());

	assert_int_equal(assert_done(again), program);
	assert_int_equal(again->done.repeated, 1);
	assert_true(stage->verifier_count <= verifiers + 1); /* the warm one at most */

	assert_int_equal(stage_stop(), 0);
	stage_start();
	record_check(program, IMAGE_VERDICT_VERIFIED);
	again = stage_answer(request_send());
	assert_int_equal(assert_done(again), program);
	assert_int_equal(again->done.repeated, 1);
	assert_int_equal(stage_stop(), 0);
}

static void test_keyless(void **state)
{
	struct verifier_answer answer = { .verdict = { .verdict = IMAGE_VERDICT_VERIFIED,
		                                       .kind = IMAGE_RULE_KEYLESS,
		                                       .identity = "someone@example.com",
		                                       .issuer = "https://issuer.example" } };
	uint64_t program;

	(void)state;
	stage->settings.image_rules = 1;
	object_digest(answer.verdict.object);
	stage_start();
	request_fill();
	program = assert_done(load_with(&answer));
	assert_string_equal(stage_program(program)->verdict.identity, "someone@example.com");
	assert_string_equal(stage_program(program)->verdict.issuer, "https://issuer.example");
	assert_int_equal(stage_stop(), 0);
}

/* The repository's rule wants none. */
static void test_no_signature_wanted(void **state)
{
	const struct verifier_answer answer = {};

	(void)state;
	stage->settings.image_rules = 1;
	stage_start();
	request_fill();
	record_check(assert_done(load_with(&answer)), IMAGE_VERDICT_NONE);
	assert_int_equal(stage_stop(), 0);
}

static void test_refused(void **state)
{
	const struct verifier_answer answer = {
		.verdict = { .verdict = IMAGE_VERDICT_REFUSED },
		.error = { ERROR_UNTRUSTED, "no signature was made with " KEY },
	};

	(void)state;
	stage->settings.image_rules = 1;
	stage_start();
	request_fill();
	assert_refused(load_with(&answer), ERROR_UNTRUSTED, "no signature was made with " KEY);
	assert_int_equal(stage->program_count, 0);
	assert_int_equal(stage_entries("programs"), 0);
	while (stage->status.loads_failed != 1)
		assert_int_equal(stage_pump(5000), 0);
	/* a refusal is not remembered */
	assert_refused(load_with(&answer), ERROR_UNTRUSTED, "no signature");
	assert_int_equal(stage_stop(), 0);
}

/* The verdict is about other bytes than the loader's. */
static void test_another_object(void **state)
{
	const uint8_t other[DIGEST_SIZE] = { 1 };
	const struct verifier_answer answer = answer_verified(other);

	(void)state;
	stage->settings.image_rules = 1;
	stage_start();
	request_fill();
	assert_refused(load_with(&answer), ERROR_INTERNAL,
	               "it says that it has loaded another object than was verified");
	assert_int_equal(stage->program_count, 0);
	assert_int_equal(stage_entries("programs"), 0);
	assert_int_equal(stage_stop(), 0);
}

/* Copies of a request whose image is being verified are one load. */
static void test_copies_join(void **state)
{
	struct verifier_answer answer;
	uint8_t digest[DIGEST_SIZE];
	uint64_t first, second, third;

	(void)state;
	stage->settings.image_rules = 1;
	object_digest(digest);
	answer = answer_verified(digest);
	stage->verifiers_cold = true; /* the first waits in the queue */
	stage_start();
	request_fill();
	first = request_send();
	second = request_send();

	struct stage_verifier *verifier = stage_verifier_warm();

	assert_int_equal(channel_send(&verifier->channel, VERIFIER_WARM, 0, NULL, NULL), 0);
	verifier = stage_verifier_asked();
	third = request_send();
	stage_pump_for(50);
	stage_verifier_answer(verifier, &answer);
	assert_int_equal(assert_done(stage_answer(first)), 2);
	assert_int_equal(assert_done(stage_answer(second)), 2);
	assert_int_equal(assert_done(stage_answer(third)), 2);
	assert_int_equal(stage->program_count, 1);
	assert_int_equal(stage_stop(), 0);
}

/* ---- the ceiling ---- */

static void test_signed_only(void **state)
{
	const struct verifier_answer none = {};
	struct frontend_load file;
	struct verifier_answer answer;
	uint8_t digest[DIGEST_SIZE];
	struct frontend_kernel_list list = { .kind = KERNEL_KIND_PROGRAM };

	(void)state;
	object_digest(digest);
	answer = answer_verified(digest);
	stage->settings.signed_only = 1; /* without a rule: a verifier is asked all the same */
	stage_start();
	stage_load_fill(&file, "xdp_counter", PROGRAM_TYPE_XDP);
	assert_refused(stage_answer(stage_load_send("xdp_counter", &file)), ERROR_UNTRUSTED,
	               "only images that a rule in policy.d has verified are loaded here");
	request_fill();
	/* a verdict that wants no signature is no answer to this question */
	uint64_t id = request_send();
	struct stage_verifier *verifier = stage_verifier_asked();

	assert_int_equal(verifier->question.demand, 1);
	stage_verifier_answer(verifier, &none);
	assert_refused(stage_answer(id), ERROR_INTERNAL, "the verifier's answer made no sense");
	record_check(assert_done(load_with(&answer)), IMAGE_VERDICT_VERIFIED);
	assert_int_equal(stage->program_count, 1);
	/* bpfd's own iterators are not what it is about */
	id = stage_send(FRONTEND_KERNEL_LIST, &list, NULL);
	assert_int_equal(stage_answer(id)->type, FRONTEND_KERNEL_RECORDS);
	assert_int_equal(stage_stop(), 0);
}

/* Without the live store and without the pins, as a reboot leaves it. */
static void reboot(void)
{
	char live[256], command[320];

	stage_live_path(live, "data.mdb");
	assert_int_equal(remove(live), 0);
	(void)snprintf(command, sizeof(command), "rm -rf %.128s/programs/* %.100s/maps/*",
	               stage->settings.bpffs_directory, stage->settings.bpffs_directory);
	stage_command(command);
}

static void restored_wait(uint64_t id)
{
	while (stage_program(id)->state == PROGRAM_STATE_RESTORING)
		assert_int_equal(stage_pump(20000), 0);
}

/* Persistent programs come back with their verdicts, which the ceiling then looks at. No registry,
 * no fetcher and no verifier is needed. */
static void test_restored(void **state)
{
	const struct verifier_answer none = {};
	struct frontend_load file;
	struct verifier_answer answer;
	uint8_t digest[DIGEST_SIZE];
	uint64_t verified, unsigned_image, from_file;

	(void)state;
	stage->settings.image_rules = 1;
	object_digest(digest);
	answer = answer_verified(digest);
	stage_start();
	request_fill();
	request.load.persist = 1;
	verified = assert_done(load_with(&answer));
	request_fill();
	request.load.persist = 1;
	unsigned_image = assert_done(load_with(&none));
	stage_load_fill(&file, "xdp_counter", PROGRAM_TYPE_XDP);
	file.persist = 1;
	from_file = assert_done(stage_answer(stage_load_send("xdp_counter", &file)));
	assert_int_equal(stage_stop(), 0);
	reboot();

	stage->verifiers_cold = true;
	stage_start();
	restored_wait(from_file);
	record_check(verified, IMAGE_VERDICT_VERIFIED);
	record_check(unsigned_image, IMAGE_VERDICT_NONE);
	assert_int_equal(stage_program(from_file)->state, PROGRAM_STATE_LOADED);
	assert_int_equal(stage_stop(), 0);
	reboot();

	stage->settings.signed_only = 1;
	stage_start();
	restored_wait(from_file);
	record_check(verified, IMAGE_VERDICT_VERIFIED);
	for (size_t i = 0; i < 2; i++) {
		const struct record_program *program =
			stage_program(i ? from_file : unsigned_image);

		assert_int_equal(program->state, PROGRAM_STATE_FAILED);
		assert_non_null(strstr(program->reason, "no signature of it was verified when it "
		                                        "was loaded"));
	}
	assert_string_equal(stage_program(unsigned_image)->image.reference, REFERENCE);
	assert_int_equal(stage_stop(), 0);

	/* and again without the ceiling: nothing was lost */
	stage->settings.signed_only = 0;
	reboot();
	stage_start();
	restored_wait(from_file);
	record_check(unsigned_image, IMAGE_VERDICT_NONE);
	assert_int_equal(stage_stop(), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_without_rules),       TEST(test_verified),    TEST(test_keyless),
		TEST(test_no_signature_wanted), TEST(test_refused),     TEST(test_another_object),
		TEST(test_copies_join),         TEST(test_signed_only), TEST(test_restored),
	};

	if (!stage_namespaces()) {
		(void)fprintf(stderr, "SKIP: needs root, for namespaces of its own\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
