/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the parts of the registry's protocol share. */
#ifndef BPFD_IMAGE_REGISTRY_ASK_H
#define BPFD_IMAGE_REGISTRY_ASK_H

#include "image/registry.h"

/* Collects a body in memory: http_request.take. */
struct registry_buffer {
	unsigned char *bytes;
	size_t size;
	size_t size_max;
};
int registry_buffer_open(struct registry_buffer *buffer, size_t size_max, struct error *error);
int registry_buffer_take(void *context, const void *bytes, size_t size, struct error *error);

/*
 * One request with the path `path` below the repository, or, where it begins with "https:" or
 * "http:", to that URL, which the registry named; `what` is for sentences. Finds out the scheme,
 * and asks for a token where one is wanted. 0 and *answer with any status but 401.
 */
int registry_ask(struct registry *registry, const struct http_request *request, const char *path,
                 const char *what, struct http_answer *answer, struct error *error);

/* An answer that is none of those wanted: its sentence, and -errno. */
int registry_refusal(const struct registry *registry, const struct http_answer *answer,
                     const char *what, struct error *error);

/* registry_auth.c: after a 401. 0, and registry->authorization is what to try. */
int registry_authorize(struct registry *registry, const struct http_answer *answer,
                       const char *what, struct error *error);

#endif
