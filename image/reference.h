/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What names an image: registry/repository[:tag][@sha256:digest]. The registry is always named:
 * what a name without one means differs from tool to tool.
 */
#ifndef BPFD_IMAGE_REFERENCE_H
#define BPFD_IMAGE_REFERENCE_H

#include "common/error.h"
#include "proto/limits.h"

#include <stdbool.h>
#include <stdint.h>

#define REFERENCE_REGISTRY_SIZE 256
#define REFERENCE_REPOSITORY_SIZE 256
#define REFERENCE_TAG_SIZE 129

struct reference {
	char registry[REFERENCE_REGISTRY_SIZE]; /* host[:port], lower case; an IPv6 address in [] */
	char repository[REFERENCE_REPOSITORY_SIZE];
	char tag[REFERENCE_TAG_SIZE]; /* empty only where there is a digest */
	bool has_digest; /* then the digest says which one, and the tag is for people */
	uint8_t digest[DIGEST_SIZE];
};

/*
 * Reads what a user wrote. Without tag and digest the tag is "latest"; docker.io/NAME is
 * docker.io/library/NAME. 0, or -EINVAL and INVALID_ARGUMENT with what is wrong and how it should
 * be; `reference` is then untouched.
 */
int reference_parse(const char *text, struct reference *reference, struct error *error);

/* The normal form: what records, rules and the cache know the image by. What reference_parse() made
 * always fits. */
void reference_format(const struct reference *reference, char text[IMAGE_REFERENCE_SIZE]);

/* "registry/repository": what rules are matched with. */
void reference_format_repository(const struct reference *reference,
                                 char text[IMAGE_REFERENCE_SIZE]);

/* The host[:port] to connect to: the registry, but for docker.io, which is not where its registry
 * is. */
const char *reference_host(const struct reference *reference);

/* Whether host[:port] is this machine itself: localhost, 127.0.0.0/8, [::1]. */
bool reference_host_is_loopback(const char *host);

#endif
