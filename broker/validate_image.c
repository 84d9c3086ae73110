/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What messages about images must look like, from the frontend and from verifiers. */
#include "broker/validate.h"

#include "common/memfd.h"
#include "proto/evidence.h"

#include <errno.h>
#include <string.h>

#define TEXT_OK(array) channel_text_ok((array), sizeof(array))

static bool image_name_ok(const struct record_image_name *image)
{
	return image->reference[0] && TEXT_OK(image->reference);
}

int validate_load_image(const struct frontend_load_image *load)
{
	return image_name_ok(&load->image) ? 0 : -EPROTO;
}

int validate_verify_image(const struct frontend_verify_image *verify)
{
	return image_name_ok(&verify->image) && verify->demand <= 1 && !verify->reserved &&
	                       !verify->peer.reserved
	               ? 0
	               : -EPROTO;
}

int validate_evidence(int fd)
{
	size_t size = 0;
	int result = memfd_check(fd, &size);

	if (result)
		return result;
	return size >= sizeof(struct evidence_header) && size <= EVIDENCE_SIZE_MAX ? 0 : -EPROTO;
}

/* Who has signed: a key, or an identity and its issuer, or nobody. */
static bool signer_ok(const struct record_verdict *verdict)
{
	bool key = verdict->key[0];
	bool identity = verdict->identity[0] && verdict->issuer[0];
	bool nothing = !verdict->identity[0] && !verdict->issuer[0];

	switch (verdict->kind) {
	case IMAGE_RULE_KEY:
		return key && nothing;
	case IMAGE_RULE_KEYLESS:
		return !key && identity;
	default:
		return !key && nothing;
	}
}

bool validate_verdict(const struct record_verdict *verdict)
{
	if (!TEXT_OK(verdict->key) || !TEXT_OK(verdict->identity) || !TEXT_OK(verdict->issuer) ||
	    verdict->kind > IMAGE_RULE_KEYLESS)
		return false;
	switch (verdict->verdict) {
	case IMAGE_VERDICT_VERIFIED:
		return verdict->kind != IMAGE_RULE_NONE && signer_ok(verdict);
	case IMAGE_VERDICT_NONE:
		return verdict->kind == IMAGE_RULE_NONE && signer_ok(verdict);
	default: /* what else a refusal says matters to nobody */
		return verdict->verdict == IMAGE_VERDICT_REFUSED;
	}
}

bool validate_verifier_answer(const struct verifier_answer *answer,
                              const struct verifier_question *question)
{
	const struct error *error = &answer->error;

	if (!validate_verdict(&answer->verdict) || !TEXT_OK(error->message))
		return false;
	switch (answer->verdict.verdict) {
	case IMAGE_VERDICT_NONE:
		return !question->demand;
	case IMAGE_VERDICT_REFUSED:
		return error->message[0] && strcmp(error_code_name(error->code), "UNKNOWN") != 0;
	default:
		return true;
	}
}
