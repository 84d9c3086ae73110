/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The broker among verifiers that die, hang or lie, and the questions about images. */
#include <cmocka.h>

#include "tests/channel/broker_stage.h"

#include "broker/broker.h"
#include "common/cleanup.h"
#include "common/memfd.h"
#include "proto/evidence.h"

#include <string.h>
#include <sys/socket.h>

#define REFERENCE "registry.example/team/counter:v1"
#define KEY "/etc/bpfd/keys/team.pub"

static struct frontend_load_image request;

static uint64_t image_send(uint16_t type, const void *body)
{
	static const struct evidence_header evidence = { .magic = EVIDENCE_MAGIC };
	_cleanup_close_ int object_fd = stage_object("xdp_counter");
	_cleanup_close_ int evidence_fd = memfd_from_bytes("evidence", &evidence, sizeof(evidence));
	const int descriptors[] = { object_fd, evidence_fd };

	return stage_send(type, body, descriptors);
}

static uint64_t load_send(void)
{
	memset(&request, 0, sizeof(request));
	stage_load_fill(&request.load, "xdp_counter", PROGRAM_TYPE_XDP);
	(void)snprintf(request.image.reference, sizeof(request.image.reference), REFERENCE);
	return image_send(FRONTEND_LOAD_IMAGE, &request);
}

static uint64_t verify_send(uint32_t demand)
{
	struct frontend_verify_image verify = { .peer = { .uid = 1000, .gid = 1000, .pid = 1 },
		                                .image = { .reference = REFERENCE },
		                                .demand = demand };

	return image_send(FRONTEND_VERIFY_IMAGE, &verify);
}

static void rules_start(void)
{
	stage->settings.image_rules = 1;
	stage->settings.log_level = 0; /* it says why; that is not for the test's output */
	stage_start();
}

/* It serves: a load that is not refused. */
static void service_check(void)
{
	const struct verifier_answer none = {};
	uint64_t id = load_send();

	stage_verifier_answer(stage_verifier_asked(), &none);
	assert_done(stage_answer(id));
}

/* ---- wrong answers ---- */

static void lie_none_with_key(struct verifier_answer *answer)
{
	(void)strcpy(answer->verdict.key, KEY);
}

static void lie_verified_by_nobody(struct verifier_answer *answer)
{
	answer->verdict.verdict = IMAGE_VERDICT_VERIFIED;
}

static void lie_verified_by_empty_key(struct verifier_answer *answer)
{
	answer->verdict.verdict = IMAGE_VERDICT_VERIFIED;
	answer->verdict.kind = IMAGE_RULE_KEY;
}

static void lie_identity_without_issuer(struct verifier_answer *answer)
{
	answer->verdict.verdict = IMAGE_VERDICT_VERIFIED;
	answer->verdict.kind = IMAGE_RULE_KEYLESS;
	(void)strcpy(answer->verdict.identity, "x");
}

static void lie_both(struct verifier_answer *answer)
{
	lie_identity_without_issuer(answer);
	(void)strcpy(answer->verdict.issuer, "y");
	(void)strcpy(answer->verdict.key, KEY);
}

static void lie_unknown_verdict(struct verifier_answer *answer)
{
	answer->verdict.verdict = 3;
}

static void lie_unknown_kind(struct verifier_answer *answer)
{
	answer->verdict.verdict = IMAGE_VERDICT_VERIFIED;
	answer->verdict.kind = 3;
	(void)strcpy(answer->verdict.key, KEY);
}

static void lie_endless_key(struct verifier_answer *answer)
{
	answer->verdict.verdict = IMAGE_VERDICT_VERIFIED;
	answer->verdict.kind = IMAGE_RULE_KEY;
	memset(answer->verdict.key, 'k', sizeof(answer->verdict.key));
}

static void lie_refused_without_reason(struct verifier_answer *answer)
{
	answer->verdict.verdict = IMAGE_VERDICT_REFUSED;
	answer->error.code = ERROR_UNTRUSTED;
}

static void lie_unknown_code(struct verifier_answer *answer)
{
	lie_refused_without_reason(answer);
	(void)strcpy(answer->error.message, "no");
	answer->error.code = 4711;
}

static void lie_endless_reason(struct verifier_answer *answer)
{
	lie_refused_without_reason(answer);
	memset(answer->error.message, 'n', sizeof(answer->error.message));
}

/* Each ends its own load, and nothing else. */
static void test_nonsense(void **state)
{
	static void (*const lies[])(struct verifier_answer *) = {
		lie_none_with_key,
		lie_verified_by_nobody,
		lie_verified_by_empty_key,
		lie_both,
		lie_identity_without_issuer,
		lie_unknown_verdict,
		lie_unknown_kind,
		lie_endless_key,
		lie_refused_without_reason,
		lie_unknown_code,
		lie_endless_reason,
	};

	(void)state;
	rules_start();
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct verifier_answer answer = {};
		uint64_t id = load_send();

		lies[i](&answer);
		stage_verifier_answer(stage_verifier_asked(), &answer);
		assert_refused(stage_answer(id), ERROR_INTERNAL,
		               "the verifier's answer made no sense; nothing was loaded");
	}
	assert_int_equal(stage->program_count, 0);
	service_check();
	assert_int_equal(stage_stop(), 0);
}

static void act_garbage(struct stage_verifier *verifier)
{
	assert_int_equal(send(verifier->channel.fd, "xyz", 3, MSG_NOSIGNAL), 3);
}

static void act_long(struct stage_verifier *verifier)
{
	static unsigned char bytes[100000];

	assert_int_equal(send(verifier->channel.fd, bytes, sizeof(bytes), MSG_NOSIGNAL),
	                 sizeof(bytes));
}

static void act_warm_again(struct stage_verifier *verifier)
{
	assert_int_equal(channel_send(&verifier->channel, VERIFIER_WARM, 0, NULL, NULL), 0);
}

/* A message that only the broker may send. */
static void act_wrong_sender(struct stage_verifier *verifier)
{
	const struct channel_header header = { .type = VERIFIER_VERIFY };

	assert_int_equal(send(verifier->channel.fd, &header, sizeof(header), MSG_NOSIGNAL),
	                 sizeof(header));
}

static void act_failed_late(struct stage_verifier *verifier)
{
	const struct verifier_answer answer = {};

	assert_int_equal(channel_send(&verifier->channel, VERIFIER_FAILED, 0, &answer, NULL), 0);
}

static void test_broken(void **state)
{
	static void (*const acts[])(struct stage_verifier *) = {
		act_garbage, act_long, act_warm_again, act_wrong_sender, act_failed_late,
	};

	(void)state;
	rules_start();
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		uint64_t id = load_send();
		struct stage_verifier *verifier = stage_verifier_asked();

		acts[i](verifier);
		assert_refused(stage_answer(id), ERROR_INTERNAL,
		               "the verifier broke its channel's protocol; nothing was loaded");
	}
	assert_int_equal(stage->program_count, 0);
	service_check();
	assert_int_equal(stage_stop(), 0);
}

static void test_dies(void **state)
{
	uint64_t id;

	(void)state;
	rules_start();
	id = load_send();
	stage_verifier_close(stage_verifier_asked());
	assert_refused(stage_answer(id), ERROR_UNAVAILABLE,
	               "the verifier ended before it was done: try again; nothing was loaded");
	service_check();
	assert_int_equal(stage_stop(), 0);
}

static void test_hangs(void **state)
{
	struct stage_verifier *verifier;
	uint64_t id;

	(void)state;
	stage->settings.load_timeout_ms = 1000;
	rules_start();
	id = load_send();
	verifier = stage_verifier_asked();
	assert_refused(stage_answer(id), ERROR_TIMEOUT,
	               "the verifier was not done within load-timeout");
	while (!verifier->killed)
		assert_int_equal(stage_pump(20000), 0);
	service_check();
	assert_int_equal(stage_stop(), 0);
}

/* ---- before they have a question ---- */

/* One that ends while it is warm, or says that it cannot read its rules, is replaced. */
static void test_dies_while_warm(void **state)
{
	const struct verifier_answer failed = { .error = { ERROR_INTERNAL, "no such key" } };
	struct stage_verifier *first, *second, *third;

	(void)state;
	rules_start();
	first = stage_verifier_warm();
	stage_verifier_close(first);
	stage->verifiers_cold = true;
	second = stage_verifier_warm();
	assert_ptr_not_equal(first, second);
	assert_int_equal(channel_send(&second->channel, VERIFIER_FAILED, 0, &failed, NULL), 0);
	while (!second->killed)
		assert_int_equal(stage_pump(20000), 0);
	stage->verifiers_cold = false;
	third = stage_verifier_warm();
	assert_ptr_not_equal(second, third);
	service_check();
	assert_int_equal(stage_stop(), 0);
}

/* None ever becomes ready: nothing is loaded without a verdict. */
static void test_none_is_ready(void **state)
{
	uint64_t load, question;

	(void)state;
	stage->settings.load_timeout_ms = 1000;
	stage->verifiers_cold = true;
	rules_start();
	load = load_send();
	question = verify_send(0);
	assert_refused(stage_answer(load), ERROR_UNAVAILABLE,
	               "no verifier was free within 1000 ms");
	assert_refused(stage_answer(question), ERROR_UNAVAILABLE, "no verifier was free");
	assert_int_equal(stage->program_count, 0);
	assert_int_equal(stage_stop(), 0);
}

static void test_queue_is_bounded(void **state)
{
	uint64_t ids[VERIFIER_QUEUE_MAX];
	struct stage_verifier *first;

	(void)state;
	stage->verifiers_cold = true;
	rules_start();
	for (size_t i = 0; i < VERIFIER_QUEUE_MAX; i++)
		ids[i] = verify_send(0);
	assert_refused(stage_answer(verify_send(0)), ERROR_UNAVAILABLE,
	               "16 images are waiting to be verified already");
	assert_refused(stage_answer(load_send()), ERROR_UNAVAILABLE,
	               "16 images are waiting to be verified already");
	/* they are served in order, each by a verifier of its own, never more than there may be */
	first = stage_verifier_warm(); /* which it is not yet */
	stage->verifiers_cold = false;
	act_warm_again(first);
	for (size_t i = 0; i < VERIFIER_QUEUE_MAX; i++) {
		const struct verifier_answer none = {};
		size_t open = 0;

		for (size_t at = 0; at < stage->verifier_count; at++)
			open += !stage->verifiers[at].killed;
		assert_true(open <= VERIFIER_SLOTS);
		stage_verifier_answer(stage_verifier_asked(), &none);
		assert_int_equal(stage_answer(ids[i])->type, FRONTEND_VERDICT);
	}
	assert_int_equal(stage_stop(), 0);
}

/* ---- questions ---- */

static void test_questions(void **state)
{
	const struct verifier_answer refused = {
		.verdict = { .verdict = IMAGE_VERDICT_REFUSED },
		.error = { ERROR_UNTRUSTED, "nobody has signed it" },
	};
	const struct verifier_answer verified = { .verdict = { .verdict = IMAGE_VERDICT_VERIFIED,
		                                               .kind = IMAGE_RULE_KEY,
		                                               .object = { 7 },
		                                               .key = KEY } };
	const struct stage_answer *answer;
	struct stage_verifier *verifier;
	uint64_t id;

	(void)state;
	rules_start();
	id = verify_send(1);
	verifier = stage_verifier_asked();
	assert_int_equal(verifier->question.demand, 1);
	assert_string_equal(verifier->question.image.reference, REFERENCE);
	stage_verifier_answer(verifier, &verified);
	answer = stage_answer(id);
	assert_int_equal(answer->type, FRONTEND_VERDICT);
	assert_memory_equal(&answer->verdict.verdict, &verified.verdict, sizeof(verified.verdict));
	id = verify_send(0);
	verifier = stage_verifier_asked();
	assert_int_equal(verifier->question.demand, 0);
	stage_verifier_answer(verifier, &refused);
	assert_refused(stage_answer(id), ERROR_UNTRUSTED, "nobody has signed it");
	id = verify_send(0);
	stage_verifier_close(stage_verifier_asked());
	assert_refused(stage_answer(id), ERROR_UNAVAILABLE, "the verifier ended");
	assert_int_equal(stage->program_count, 0);
	assert_int_equal(stage_stop(), 0);
}

/* Nobody is asked where no rule could be met. */
static void test_questions_without_rules(void **state)
{
	const struct stage_answer *answer;

	(void)state;
	stage_start();
	answer = stage_answer(verify_send(0));
	assert_int_equal(answer->type, FRONTEND_VERDICT);
	assert_int_equal(answer->verdict.verdict.verdict, IMAGE_VERDICT_NONE);
	assert_refused(stage_answer(verify_send(1)), ERROR_UNTRUSTED,
	               "no rule says whose signatures count");
	assert_int_equal(stage->verifier_count, 0);
	assert_int_equal(stage_stop(), 0);
}

/* The ceiling demands signatures, whatever the frontend asks. */
static void test_questions_under_the_ceiling(void **state)
{
	struct stage_verifier *verifier;

	(void)state;
	stage->settings.signed_only = 1;
	rules_start();
	(void)verify_send(0);
	verifier = stage_verifier_asked();
	assert_int_equal(verifier->question.demand, 1);
	assert_int_equal(stage_stop(), 0);
}

static const struct stage_answer *rules_read(void)
{
	static const struct frontend_rules_read read = { .peer = { .uid = 0, .pid = 1 } };

	return stage_answer(stage_send(FRONTEND_RULES_READ, &read, NULL));
}

/* Who is warm has the old rules, and never sees an image that is asked for afterwards. Who is at
 * work goes on. */
static void test_rules_change(void **state)
{
	const struct verifier_answer none = {};
	struct stage_verifier *working, *warm, *fresh;
	const struct stage_answer *answer;
	uint64_t id;

	(void)state;
	rules_start();
	id = load_send();
	working = stage_verifier_asked();
	warm = stage_verifier_warm();
	stage->rules = (struct launcher_rules){ .demands = 4, .changed = 1 };
	answer = rules_read();
	assert_int_equal(answer->type, FRONTEND_RULES);
	assert_int_equal(answer->rules.demands, 4);
	assert_int_equal(answer->rules.changed, 1);
	assert_int_equal(stage->status.image_rules, 4); /* the row came before */
	while (!warm->killed)
		assert_return_code(stage_pump(-1), 0);
	assert_false(working->killed);
	stage_verifier_answer(working, &none);
	assert_done(stage_answer(id));
	id = load_send();
	fresh = stage_verifier_asked();
	assert_true(fresh->id > warm->id);
	stage_verifier_answer(fresh, &none);
	assert_done(stage_answer(id));
	assert_int_equal(stage_stop(), 0);
}

static void test_rules_unchanged(void **state)
{
	const struct stage_answer *answer;
	struct stage_verifier *warm;

	(void)state;
	rules_start();
	warm = stage_verifier_warm();
	stage->rules = (struct launcher_rules){ .demands = 1 };
	answer = rules_read();
	assert_int_equal(answer->type, FRONTEND_RULES);
	assert_int_equal(answer->rules.changed, 0);
	assert_false(warm->killed);
	stage->rules = (struct launcher_rules){ .error = { ERROR_INVALID_ARGUMENT,
		                                           "/etc/bpfd/policy.d/a.conf:3: no" } };
	answer = rules_read();
	assert_int_equal(answer->type, FRONTEND_REFUSED);
	assert_string_equal(answer->refused.error.message, "/etc/bpfd/policy.d/a.conf:3: no");
	assert_int_equal(stage->status.image_rules, 1);
	assert_false(warm->killed);
	assert_int_equal(stage_stop(), 0);
}

/* The first rule, and the last. */
static void test_rules_come_and_go(void **state)
{
	const struct verifier_answer none = {};
	struct stage_verifier *verifier;
	uint64_t id;

	(void)state;
	stage->settings.log_level = 0;
	stage_start();
	assert_done(stage_answer(load_send()));
	assert_int_equal(stage->verifier_count, 0);
	stage->rules = (struct launcher_rules){ .demands = 1, .changed = 1 };
	assert_int_equal(rules_read()->type, FRONTEND_RULES);
	id = load_send();
	stage->rules.demands = 0;
	assert_int_equal(rules_read()->type, FRONTEND_RULES);
	verifier = stage_verifier_asked(); /* it was asked when there was one */
	stage_verifier_answer(verifier, &none);
	assert_done(stage_answer(id));
	assert_done(stage_answer(load_send()));
	assert_int_equal(stage_stop(), 0);
}

/* The launcher answers what was not asked, or makes no sense. */
static void test_rules_broken(void **state)
{
	(void)state;
	for (int row = 0; row < 3; row++) {
		static const struct frontend_rules_read read;
		const struct launcher_rules rules = { .changed = row == 1 ? 2 : 0 };

		rules_start();
		stage->rules = rules;
		stage->rules_id_wrong = row == 0;
		if (row == 2)
			assert_int_equal(
				channel_send(&stage->launcher, LAUNCHER_RULES, 1, &rules, NULL), 0);
		else
			assert_null(stage_answer(stage_send(FRONTEND_RULES_READ, &read, NULL)));
		assert_int_equal(stage_wait_end(), 1 << 8);
		stage_kill();
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nonsense),
		TEST(test_broken),
		TEST(test_dies),
		TEST(test_hangs),
		TEST(test_dies_while_warm),
		TEST(test_none_is_ready),
		TEST(test_queue_is_bounded),
		TEST(test_questions),
		TEST(test_questions_without_rules),
		TEST(test_questions_under_the_ceiling),
		TEST(test_rules_change),
		TEST(test_rules_unchanged),
		TEST(test_rules_come_and_go),
		TEST(test_rules_broken),
	};

	if (!stage_namespaces()) {
		(void)fprintf(stderr, "SKIP: needs root, for namespaces of its own\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
