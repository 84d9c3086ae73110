/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/image_request.h"

#include "frontend/validate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define refuse(error, ...) error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT, __VA_ARGS__)

/* The image that a request wants to be fetched, and what its field is called; NULL: none. */
static const Bpfd__V1__ImageSource *source_asked(const Bpfd__V1__Request *request,
                                                 const char **field)
{
	switch (request->operation_case) {
	case BPFD__V1__REQUEST__OPERATION_LOAD:
		*field = "load.image";
		return request->load->image;
	case BPFD__V1__REQUEST__OPERATION_IMAGE_PULL:
		*field = "image_pull.image";
		return request->image_pull->image;
	case BPFD__V1__REQUEST__OPERATION_IMAGE_VERIFY:
		*field = "image_verify.image";
		return request->image_verify->image;
	default:
		*field = "image";
		return NULL;
	}
}

bool image_request_is(const Bpfd__V1__Request *request)
{
	switch (request->operation_case) {
	case BPFD__V1__REQUEST__OPERATION_IMAGE_PULL:
	case BPFD__V1__REQUEST__OPERATION_IMAGE_LIST:
	case BPFD__V1__REQUEST__OPERATION_IMAGE_INSPECT:
	case BPFD__V1__REQUEST__OPERATION_IMAGE_VERIFY:
	case BPFD__V1__REQUEST__OPERATION_IMAGE_REMOVE:
		return true;
	case BPFD__V1__REQUEST__OPERATION_LOAD:
		return request->load->image != NULL;
	default:
		return false;
	}
}

static int reference_take(const char *field, const char *reference, struct fetcher_job *out,
                          struct error *error)
{
	return text_take(TEXT_REFERENCE, field, reference, out->reference, sizeof(out->reference),
	                 error);
}

/* Unlike other texts these are never shown. */
static int secret_take(const char *noun, const char *value, char *out, size_t size,
                       struct error *error)
{
	size_t length = strlen(value);

	if (length >= size)
		return refuse(error, "the %s has %zu bytes: at most %zu are allowed", noun, length,
		              size - 1);
	for (const char *at = value; *at; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return refuse(error, "the %s has control characters: a line's end, perhaps",
			              noun);
	}
	memcpy(out, value, length + 1);
	return 0;
}

static int credentials_take(const Bpfd__V1__ImageSource *source, struct fetcher_job *out,
                            struct error *error)
{
	int r = secret_take("registry's user name", source->username, out->username,
	                    sizeof(out->username), error);

	if (r == 0)
		r = secret_take("registry's password", source->password, out->password,
		                sizeof(out->password), error);
	if (r == 0 && source->password[0] && !source->username[0])
		return refuse(error, "a registry's password is given, but no user name: it needs "
		                     "both");
	return r;
}

static int source_take(const Bpfd__V1__Request *request, struct fetcher_job *out,
                       struct error *error)
{
	const char *field;
	const Bpfd__V1__ImageSource *source = source_asked(request, &field);
	char name[64];

	if (!source)
		return refuse(error, "%s is not given: it says which image", field);
	(void)snprintf(name, sizeof(name), "%s.reference", field);

	int r = reference_take(name, source->reference, out, error);

	if (r < 0)
		return r;
	if (source->pull_policy < 0 || (uint32_t)source->pull_policy > IMAGE_PULL_NEVER)
		return refuse(error,
		              "%s.pull_policy is %d: Always is %d, IfNotPresent %d, Never %d",
		              field, (int)source->pull_policy, IMAGE_PULL_ALWAYS,
		              IMAGE_PULL_IF_NOT_PRESENT, IMAGE_PULL_NEVER);
	out->pull_policy =
		source->pull_policy ? (uint32_t)source->pull_policy : IMAGE_PULL_IF_NOT_PRESENT;
	return credentials_take(source, out, error);
}

static int load_source_take(const Bpfd__V1__Request *request, struct fetcher_job *out,
                            struct error *error)
{
	const Bpfd__V1__LoadRequest *load = request->load;

	if (load->object.len)
		return refuse(error, "load has an object and an image: give one of them");
	if (load->source_name[0])
		return refuse(error, "load.source_name names an object's file, and this is an "
		                     "image, which is known by its reference");
	return source_take(request, out, error);
}

int image_job_take(const Bpfd__V1__Request *request, struct fetcher_job *out, struct error *error)
{
	memset(out, 0, sizeof(*out));
	switch (request->operation_case) {
	case BPFD__V1__REQUEST__OPERATION_LOAD:
		out->operation = FETCHER_OBJECT;
		return load_source_take(request, out, error);
	case BPFD__V1__REQUEST__OPERATION_IMAGE_PULL:
		out->operation = FETCHER_PULL;
		return source_take(request, out, error);
	case BPFD__V1__REQUEST__OPERATION_IMAGE_VERIFY:
		out->operation = FETCHER_OBJECT;
		out->signatures = 1;
		return source_take(request, out, error);
	case BPFD__V1__REQUEST__OPERATION_IMAGE_INSPECT:
		out->operation = FETCHER_INSPECT;
		return reference_take("image_inspect.reference", request->image_inspect->reference,
		                      out, error);
	case BPFD__V1__REQUEST__OPERATION_IMAGE_REMOVE:
		out->operation = FETCHER_REMOVE;
		return reference_take("image_remove.reference", request->image_remove->reference,
		                      out, error);
	default:
		out->operation = FETCHER_LIST;
		return 0;
	}
}

const char *image_reference_asked(const Bpfd__V1__Request *request)
{
	const char *field;
	const Bpfd__V1__ImageSource *source = source_asked(request, &field);

	if (source)
		return source->reference;
	if (request->operation_case == BPFD__V1__REQUEST__OPERATION_IMAGE_INSPECT)
		return request->image_inspect->reference;
	if (request->operation_case == BPFD__V1__REQUEST__OPERATION_IMAGE_REMOVE)
		return request->image_remove->reference;
	return "";
}

void image_credentials_wipe(const Bpfd__V1__Request *request)
{
	const char *field;
	const Bpfd__V1__ImageSource *source = source_asked(request, &field);

	/* protobuf-c's default for what is not given is one constant, which is empty */
	if (source && source->username[0])
		explicit_bzero(source->username, strlen(source->username));
	if (source && source->password[0])
		explicit_bzero(source->password, strlen(source->password));
}
