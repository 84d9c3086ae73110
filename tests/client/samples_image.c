/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/samples_image.h"

#include <string.h>

#define TEXT(text) ((char *)(uintptr_t)(text))

static uint8_t digests[4][32] = { { 0x11, [31] = 0xff }, { 0x22 }, { 0x33 }, { 0x44 } };

static Bpfd__V1__Verification *verification_sample(_Bool keyless)
{
	static Bpfd__V1__Verification verification;

	bpfd__v1__verification__init(&verification);
	verification.verified = 1;
	if (keyless) {
		verification.identity = TEXT("release@example.org");
		verification.issuer = TEXT("https://accounts.example.org");
	} else {
		verification.key = TEXT("release.pub");
	}
	return &verification;
}

void sample_source_image(Bpfd__V1__Source *source)
{
	source->kind = TEXT("image");
	source->name = TEXT("r.example/team/filter:v1");
	source->image_digest.data = digests[0];
	source->image_digest.len = sizeof(digests[0]);
	source->verification = verification_sample(0);
}

static void names_fill(Bpfd__V1__Image *image)
{
	static Bpfd__V1__ImageProgram programs[2],
		*program_list[2] = { &programs[0], &programs[1] };
	static Bpfd__V1__ImageMap map, *map_list[1] = { &map };

	bpfd__v1__image_program__init(&programs[0]);
	bpfd__v1__image_program__init(&programs[1]);
	bpfd__v1__image_map__init(&map);
	programs[0].name = TEXT("filter");
	programs[0].type = TEXT("xdp");
	programs[1].name = TEXT("on_switch\x1b[2J");
	programs[1].type = TEXT("tracepoint");
	map.name = TEXT("flows");
	map.type = TEXT("hash");
	image->programs = program_list;
	image->n_programs = 2;
	image->maps = map_list;
	image->n_maps = 1;
}

static Bpfd__V1__Image *image_sample(unsigned which)
{
	static Bpfd__V1__Image images[2];
	Bpfd__V1__Image *image = &images[which];
	ProtobufCBinaryData *const list[] = { &image->digest, &image->manifest_digest,
		                              &image->layer_digest, &image->object_digest };

	bpfd__v1__image__init(image);
	for (size_t i = 0; i < 4; i++) {
		list[i]->data = digests[i];
		list[i]->len = sizeof(digests[i]);
	}
	image->reference = TEXT(which ? "localhost:5000/small" : "r.example/team/filter:v1");
	image->object_size = which ? 900 : 2 << 20;
	image->stored_size = which ? 1200 : 700000;
	image->pulled_at = 1795348680;
	image->used_at = 1795348690;
	image->programs_from = TEXT(which ? "object" : "label");
	if (which)
		return image;
	image->signatures = 2;
	image->architecture = TEXT("amd64");
	names_fill(image);
	return image;
}

static void answer_list(const Bpfd__V1__Request *request, Bpfd__V1__Response *response)
{
	static Bpfd__V1__Image *images[2];
	static Bpfd__V1__ImageListResponse list;
	static Bpfd__V1__ImageRemoveResponse removed;

	images[0] = image_sample(0);
	images[1] = image_sample(1);
	bpfd__v1__image_list_response__init(&list);
	bpfd__v1__image_remove_response__init(&removed);
	list.images = removed.images = images;
	list.n_images = 2;
	removed.n_images = 1;
	if (request->operation_case == BPFD__V1__REQUEST__OPERATION_IMAGE_LIST) {
		response->result_case = BPFD__V1__RESPONSE__RESULT_IMAGE_LIST;
		response->image_list = &list;
	} else {
		response->result_case = BPFD__V1__RESPONSE__RESULT_IMAGE_REMOVE;
		response->image_remove = &removed;
	}
}

static void answer_one(const Bpfd__V1__Request *request, Bpfd__V1__Response *response)
{
	static Bpfd__V1__ImagePullResponse pull;
	static Bpfd__V1__ImageInspectResponse inspect;
	static Bpfd__V1__ImageVerifyResponse verify;

	bpfd__v1__image_pull_response__init(&pull);
	bpfd__v1__image_inspect_response__init(&inspect);
	bpfd__v1__image_verify_response__init(&verify);
	pull.image = inspect.image = verify.image = image_sample(0);
	switch (request->operation_case) {
	case BPFD__V1__REQUEST__OPERATION_IMAGE_PULL:
		/* the name says who pulls it */
		pull.cached = strcmp(request->image_pull->image->username, "") != 0;
		response->result_case = BPFD__V1__RESPONSE__RESULT_IMAGE_PULL;
		response->image_pull = &pull;
		break;
	case BPFD__V1__REQUEST__OPERATION_IMAGE_INSPECT:
		response->result_case = BPFD__V1__RESPONSE__RESULT_IMAGE_INSPECT;
		response->image_inspect = &inspect;
		break;
	default:
		verify.verification = verification_sample(1);
		response->result_case = BPFD__V1__RESPONSE__RESULT_IMAGE_VERIFY;
		response->image_verify = &verify;
	}
}

static const char *reference_of(const Bpfd__V1__Request *request)
{
	switch (request->operation_case) {
	case BPFD__V1__REQUEST__OPERATION_LOAD:
		return request->load->image ? request->load->image->reference : NULL;
	case BPFD__V1__REQUEST__OPERATION_IMAGE_PULL:
		return request->image_pull->image->reference;
	case BPFD__V1__REQUEST__OPERATION_IMAGE_VERIFY:
		return request->image_verify->image->reference;
	case BPFD__V1__REQUEST__OPERATION_IMAGE_INSPECT:
		return request->image_inspect->reference;
	case BPFD__V1__REQUEST__OPERATION_IMAGE_REMOVE:
		return request->image_remove->reference;
	default:
		return NULL;
	}
}

static _Bool refused(const char *reference, Bpfd__V1__Response *response)
{
	static Bpfd__V1__Error error;
	_Bool untrusted = strcmp(reference, "r.example/untrusted") == 0;

	if (!untrusted && strcmp(reference, "r.example/nosuch") != 0)
		return 0;
	bpfd__v1__error__init(&error);
	error.code = untrusted ? BPFD__V1__ERROR_CODE__ERROR_CODE_UNTRUSTED
	                       : BPFD__V1__ERROR_CODE__ERROR_CODE_REGISTRY;
	error.message = TEXT(untrusted ? "no good signature: sign it" : "no such image: push it");
	response->result_case = BPFD__V1__RESPONSE__RESULT_ERROR;
	response->error = &error;
	return 1;
}

_Bool sample_image_answer(const Bpfd__V1__Request *request, Bpfd__V1__Response *response)
{
	const char *reference = reference_of(request);

	if (reference && refused(reference, response))
		return 1;
	switch (request->operation_case) {
	case BPFD__V1__REQUEST__OPERATION_IMAGE_LIST:
	case BPFD__V1__REQUEST__OPERATION_IMAGE_REMOVE:
		answer_list(request, response);
		return 1;
	case BPFD__V1__REQUEST__OPERATION_IMAGE_PULL:
	case BPFD__V1__REQUEST__OPERATION_IMAGE_INSPECT:
	case BPFD__V1__REQUEST__OPERATION_IMAGE_VERIFY:
		answer_one(request, response);
		return 1;
	default:
		return 0;
	}
}
