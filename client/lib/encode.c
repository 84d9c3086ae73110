/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/encode.h"
#include "client/lib/error.h"

#include <errno.h>

char *text_encode(const char *text)
{
	return text ? (char *)(uintptr_t)text : (char *)(uintptr_t)protobuf_c_empty_string;
}

ProtobufCBinaryData bytes_encode(const void *bytes, size_t size)
{
	return (ProtobufCBinaryData){ .data = (uint8_t *)(uintptr_t)bytes, .len = size };
}

Bpfd__V1__Metadata **metadata_encode(struct arena *arena, const struct bpfd_metadata *metadata,
                                     size_t count)
{
	Bpfd__V1__Metadata **list = arena_alloc(arena, count, sizeof(void *));
	Bpfd__V1__Metadata *messages = arena_alloc(arena, count, sizeof(*messages));

	if (!list || !messages)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		bpfd__v1__metadata__init(&messages[i]);
		messages[i].key = text_encode(metadata[i].key);
		messages[i].value = text_encode(metadata[i].value);
		list[i] = &messages[i];
	}
	return list;
}

int image_source_encode(const struct bpfd_image_source *source, Bpfd__V1__ImageSource *message,
                        struct bpfd_error **error)
{
	bpfd__v1__image_source__init(message);
	if (!source || !source->reference || !*source->reference)
		return error_make(error, -EINVAL, BPFD_ERROR_INVALID_ARGUMENT,
		                  "the image's reference is empty: it is registry/repository with "
		                  ":tag or @sha256:digest");
	message->reference = text_encode(source->reference);
	message->pull_policy = (Bpfd__V1__PullPolicy)source->pull_policy;
	message->username = text_encode(source->username);
	message->password = text_encode(source->password);
	return 0;
}
