/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/client.h"
#include "client/lib/describe_image.h"
#include "client/lib/encode.h"
#include "client/lib/error.h"
#include "common/cleanup.h"

#include <errno.h>

int bpfd_image_pull(struct bpfd_client *client, const struct bpfd_image_source *source,
                    const uint8_t *request_id, struct bpfd_image_details **details,
                    struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__ImagePullRequest pull = BPFD__V1__IMAGE_PULL_REQUEST__INIT;
	Bpfd__V1__ImageSource image;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;
	int result;

	if (!arena)
		return -ENOMEM;
	result = image_source_encode(source, &image, error);
	if (result < 0)
		return result;
	pull.image = &image;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_IMAGE_PULL;
	request.image_pull = &pull;
	result = client_change(client, &request, request_id, BPFD__V1__RESPONSE__RESULT_IMAGE_PULL,
	                       arena, &response, error);
	if (result < 0)
		return result;
	result = image_give(&arena, response->image_pull->image, response->image_pull->verification,
	                    details, error);
	if (result == 0)
		(*details)->cached = response->image_pull->cached;
	return result;
}

int bpfd_image_verify(struct bpfd_client *client, const struct bpfd_image_source *source,
                      const uint8_t *request_id, struct bpfd_image_details **details,
                      struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__ImageVerifyRequest verify = BPFD__V1__IMAGE_VERIFY_REQUEST__INIT;
	Bpfd__V1__ImageSource image;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;
	int result;

	if (!arena)
		return -ENOMEM;
	result = image_source_encode(source, &image, error);
	if (result < 0)
		return result;
	verify.image = &image;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_IMAGE_VERIFY;
	request.image_verify = &verify;
	result = client_change(client, &request, request_id,
	                       BPFD__V1__RESPONSE__RESULT_IMAGE_VERIFY, arena, &response, error);
	if (result < 0)
		return result;
	return image_give(&arena, response->image_verify->image,
	                  response->image_verify->verification, details, error);
}

int bpfd_image_inspect(struct bpfd_client *client, const char *reference,
                       struct bpfd_image_details **details, struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__ImageInspectRequest inspect = BPFD__V1__IMAGE_INSPECT_REQUEST__INIT;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;
	int result;

	if (!arena)
		return -ENOMEM;
	inspect.reference = text_encode(reference);
	request.operation_case = BPFD__V1__REQUEST__OPERATION_IMAGE_INSPECT;
	request.image_inspect = &inspect;
	result = client_call(client, &request, BPFD__V1__RESPONSE__RESULT_IMAGE_INSPECT, arena,
	                     &response, error);
	if (result < 0)
		return result;
	return image_give(&arena, response->image_inspect->image, NULL, details, error);
}

int bpfd_image_list(struct bpfd_client *client, struct bpfd_images **images,
                    struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__ImageListRequest list = BPFD__V1__IMAGE_LIST_REQUEST__INIT;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;
	int result;

	if (!arena)
		return -ENOMEM;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_IMAGE_LIST;
	request.image_list = &list;
	result = client_call(client, &request, BPFD__V1__RESPONSE__RESULT_IMAGE_LIST, arena,
	                     &response, error);
	if (result < 0)
		return result;
	return images_give(&arena, response->image_list->images, response->image_list->n_images,
	                   images, error);
}

int bpfd_image_remove(struct bpfd_client *client, const char *reference, const uint8_t *request_id,
                      struct bpfd_images **removed, struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__ImageRemoveRequest remove = BPFD__V1__IMAGE_REMOVE_REQUEST__INIT;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;
	int result;

	if (!arena)
		return -ENOMEM;
	remove.reference = text_encode(reference);
	request.operation_case = BPFD__V1__REQUEST__OPERATION_IMAGE_REMOVE;
	request.image_remove = &remove;
	result = client_change(client, &request, request_id,
	                       BPFD__V1__RESPONSE__RESULT_IMAGE_REMOVE, arena, &response, error);
	if (result < 0 || !removed)
		return result;
	return images_give(&arena, response->image_remove->images, response->image_remove->n_images,
	                   removed, error);
}

int bpfd_rules_read(struct bpfd_client *client, uint32_t *demands, int *changed,
                    struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__RulesReadRequest read = BPFD__V1__RULES_READ_REQUEST__INIT;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;
	int result;

	if (!arena)
		return -ENOMEM;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_RULES_READ;
	request.rules_read = &read;
	result = client_call(client, &request, BPFD__V1__RESPONSE__RESULT_RULES_READ, arena,
	                     &response, error);
	if (result < 0)
		return result;
	if (demands)
		*demands = response->rules_read->demands;
	if (changed)
		*changed = response->rules_read->changed ? 1 : 0;
	return 0;
}
