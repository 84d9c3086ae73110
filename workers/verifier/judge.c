/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * From a question to its answer. What the frontend and the fetcher said counts only where it can be
 * followed by hashing: the image's digest leads to this very object, and a signature is about that
 * digest.
 */
#include "workers/verifier/verifier.h"

#include "common/cleanup.h"
#include "common/memfd.h"
#include "common/memory.h"
#include "image/chain.h"
#include "image/digest.h"
#include "image/json.h"
#include "image/reference.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How the rules are called in a refusal. */
#define WANTED_SIZE 208

static struct chain followed;

static struct judgement {
	const struct trust *trust;
	const struct verifier_question *question;
	char repository[IMAGE_REFERENCE_SIZE];
	struct rules_choice choice;
	struct verifier_answer *answer;
} current;

void judge_prepare(void)
{
	memory_touch(&followed, sizeof(followed));
	memory_touch(&current, sizeof(current));
}

static int object_read(int object_fd, struct verifier_answer *answer)
{
	size_t size;
	int result = memfd_check(object_fd, &size);

	if (result == 0)
		result = digest_of_fd(object_fd, 0, size, answer->verdict.object);
	return result == 0 ? 0
	                   : error_set(&answer->error, result, ERROR_INTERNAL,
	                               "the object cannot be read (%s): nobody but bpfd's own "
	                               "processes hands it on",
	                               strerror(-result));
}

static int rules_find(struct judgement *judgement)
{
	const struct trust *trust = judgement->trust;
	struct error *error = &judgement->answer->error;
	struct reference reference;
	int result = reference_parse(judgement->question->image.reference, &reference, error);

	if (result < 0)
		return result;
	reference_format_repository(&reference, judgement->repository);
	rules_choose(trust->rules, trust->count, judgement->repository, judgement->question->demand,
	             &judgement->choice);
	if (!judgement->choice.wanted || judgement->choice.count)
		return 0;
	return error_set(error, -ENOKEY, ERROR_UNTRUSTED,
	                 "a signature is wanted, and no rule says whose would do for %s: write one "
	                 "into policy.d, see bpfd-policy.d(5)",
	                 judgement->repository);
}

/* The signer that a rule names, cut: the administrator knows his own rules. */
static void rule_format(const struct trust_rule *rule, char out[WANTED_SIZE])
{
	if (rule->kind == IMAGE_RULE_KEY)
		(void)snprintf(out, WANTED_SIZE, "the key %.150s", rule->key);
	else
		(void)snprintf(out, WANTED_SIZE, "%.100s (issuer %.80s)", rule->identity,
		               rule->issuer);
}

static int signature_refuse(const struct judgement *judgement, const struct reason *reason)
{
	const struct rules_choice *choice = &judgement->choice;
	char wanted[WANTED_SIZE], digest[DIGEST_TEXT_SIZE];
	const char *more = choice->count > 1 ? " or another rule's" : "";

	rule_format(&judgement->trust->rules[choice->rules[0]], wanted);
	digest_format(judgement->question->image.digest, digest);
	if (reason->step == REASON_NOTHING)
		return error_set(
			&judgement->answer->error, -ENOKEY, ERROR_UNTRUSTED,
			"it has no signature, and one by %s%s is wanted: sign %.128s@%s with "
			"cosign",
			wanted, more, judgement->repository, digest);
	return error_set(&judgement->answer->error, -EKEYREJECTED, ERROR_UNTRUSTED,
	                 "none of its signatures will do (%s), and one by %s%s is wanted",
	                 reason->text, wanted, more);
}

static void verified_set(const struct trust_rule *rule, struct record_verdict *verdict)
{
	verdict->verdict = IMAGE_VERDICT_VERIFIED;
	verdict->kind = rule->kind;
	if (rule->kind == IMAGE_RULE_KEY) {
		memcpy(verdict->key, rule->key, sizeof(verdict->key));
		return;
	}
	memcpy(verdict->identity, rule->identity, sizeof(verdict->identity));
	memcpy(verdict->issuer, rule->issuer, sizeof(verdict->issuer));
}

/* Whatever the readers of the parts call it: what does not lead to the object is not trusted. */
static int chain_refuse(struct error *error, const char *why)
{
	struct error read = {};

	(void)snprintf(read.message, sizeof(read.message), "%s", why);
	return error_set(error, -EBADMSG, ERROR_UNTRUSTED,
	                 "its digest, which is what is signed, does not lead to the object: %.300s",
	                 read.message);
}

static int object_follow(const struct judgement *judgement, int evidence_fd, struct chain *chain)
{
	struct error *error = &judgement->answer->error;
	int result = chain_follow(evidence_fd, judgement->question->image.digest, chain, error);

	if (result < 0)
		return chain_refuse(error, error->message);
	if (!digest_equal(chain->object.digest, judgement->answer->verdict.object))
		return chain_refuse(error, "the object in the image is another one");
	return 0;
}

static int signatures_check(const struct judgement *judgement, int evidence_fd)
{
	_cleanup_free_ void *root = NULL;
	struct signatures signatures = { .evidence = &followed.evidence };
	struct record_verdict *verdict = &judgement->answer->verdict;
	struct reason reason = {};
	uint32_t rule = 0;
	int result = object_follow(judgement, evidence_fd, &followed);

	if (result == 0)
		result = evidence_read(&followed.evidence, 0, JSON_DOCUMENT_MAX, &root,
		                       &signatures.image.size);
	if (result < 0)
		return result;
	signatures.first = followed.next;
	signatures.image.bytes = root;
	memcpy(signatures.image.digest, judgement->question->image.digest, DIGEST_SIZE);
	if (!signatures_judge(&signatures, judgement->trust, &judgement->choice, &rule, &reason))
		return signature_refuse(judgement, &reason);
	verified_set(&judgement->trust->rules[rule], verdict);
	return 0;
}

static int question_judge(struct judgement *judgement, int object_fd, int evidence_fd)
{
	struct record_verdict *verdict = &judgement->answer->verdict;
	int result = object_read(object_fd, judgement->answer);

	memcpy(verdict->image, judgement->question->image.digest, DIGEST_SIZE);
	if (result == 0)
		result = rules_find(judgement);
	if (result < 0 || !judgement->choice.wanted)
		return result;
	return signatures_check(judgement, evidence_fd);
}

void verifier_judge(const struct trust *trust, const struct verifier_question *question,
                    int object_fd, int evidence_fd, struct verifier_answer *answer)
{
	*answer = (struct verifier_answer){};
	current = (struct judgement){ .trust = trust, .question = question, .answer = answer };
	if (question_judge(&current, object_fd, evidence_fd) < 0) {
		answer->verdict.verdict = IMAGE_VERDICT_REFUSED;
		if (!answer->error.message[0])
			(void)error_set(&answer->error, -ENOMEM, ERROR_UNAVAILABLE,
			                "the verifier is out of memory");
	}
}
