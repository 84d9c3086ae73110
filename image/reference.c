/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/reference.h"

#include "image/digest.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DOCKER_REGISTRY "docker.io"
#define DOCKER_HOST "registry-1.docker.io"

static int refuse(struct error *error, const char *text, const char *why)
{
	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
	                 "\"%.300s\" is no image's name: %s; write registry/repository, then :tag, "
	                 "@sha256:digest or both",
	                 text, why);
}

static bool is_printable(const char *text)
{
	for (; *text; text++) {
		if (*text <= 0x20 || *text > 0x7e)
			return false;
	}
	return true;
}

static bool is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool port_is_valid(const char *port)
{
	size_t length = strspn(port, "0123456789");
	unsigned int value = 0;

	if (length == 0 || length > 5 || port[length])
		return false;
	for (size_t i = 0; i < length; i++)
		value = value * 10 + (unsigned int)(port[i] - '0');
	return value > 0 && value < 65536;
}

/* A DNS name or an IPv4 address, `length` bytes of `host`: labels of letters, digits and inner "-".
 */
static bool name_is_valid(const char *host, size_t length)
{
	char before = '.';

	for (size_t i = 0; i < length; i++) {
		char c = host[i];
		bool edge = before == '.' || i + 1 == length || host[i + 1] == '.';

		if (c == '.' ? before == '.' || before == '-'
		             : !is_lower_or_digit(c) && !(c == '-' && !edge))
			return false;
		before = c;
	}
	return length > 0 && before != '.';
}

static bool registry_is_valid(const char *registry)
{
	const char *end;

	if (registry[0] == '[') {
		size_t length = strspn(registry + 1, "0123456789abcdef:.");

		end = registry + 1 + length;
		if (length < 2 || *end++ != ']')
			return false;
	} else {
		size_t length = strcspn(registry, ":");

		end = registry + length;
		if (!name_is_valid(registry, length))
			return false;
	}
	return *end == '\0' || (*end == ':' && port_is_valid(end + 1));
}

/* As Docker's tools tell a registry from a first part of a repository. */
static bool looks_like_registry(const char *part, size_t length)
{
	return memchr(part, '.', length) || memchr(part, ':', length) ||
	       (length == strlen("localhost") && strncmp(part, "localhost", length) == 0);
}

/* One of ".", "_", "__" or any number of "-" between letters and digits: how many bytes, 0: none.
 */
static size_t separator_length(const char *text)
{
	if (*text == '.')
		return 1;
	if (*text == '_')
		return text[1] == '_' ? 2 : 1;
	return strspn(text, "-");
}

static bool repository_is_valid(const char *repository)
{
	bool after_letter = false;

	while (*repository) {
		size_t separator;

		if (is_lower_or_digit(*repository)) {
			after_letter = true;
			repository++;
			continue;
		}
		separator = *repository == '/' ? 1 : separator_length(repository);
		if (!after_letter || separator == 0)
			return false;
		after_letter = false;
		repository += separator;
	}
	return after_letter;
}

static bool tag_is_valid(const char *tag)
{
	if (*tag == '.' || *tag == '-')
		return false;
	for (; *tag; tag++) {
		if (!isalnum((unsigned char)*tag) && !strchr("._-", *tag))
			return false;
	}
	return true;
}

/* Cuts "@sha256:..." and ":tag" off the rest. 0 or a refusal. */
static int ends_take(char *rest, struct reference *reference, const char *text, struct error *error)
{
	char *at = strchr(rest, '@');
	char *colon;

	if (at) {
		*at = '\0';
		if (digest_parse(at + 1, reference->digest) < 0)
			return refuse(
				error, text,
				"behind the \"@\" there has to be sha256: and 64 digits of 0-9a-f");
		reference->has_digest = true;
	}
	colon = strchr(rest, ':');
	if (colon) {
		*colon = '\0';
		if (!colon[1] || strlen(colon + 1) >= sizeof(reference->tag) ||
		    !tag_is_valid(colon + 1))
			return refuse(error, text,
			              "a tag has 1 to 128 letters, digits, \".\", \"_\", \"-\" and "
			              "starts "
			              "with a letter, a digit or \"_\"");
		memcpy(reference->tag, colon + 1, strlen(colon + 1) + 1);
	} else if (!at) {
		memcpy(reference->tag, "latest", sizeof("latest"));
	}
	return 0;
}

static int registry_take(const char *text, size_t length, struct reference *reference,
                         struct error *error)
{
	if (length >= sizeof(reference->registry))
		return refuse(error, text, "the registry's name is too long");
	for (size_t i = 0; i < length; i++)
		reference->registry[i] = (char)tolower((unsigned char)text[i]);
	if (!registry_is_valid(reference->registry))
		return refuse(error, text, "the part before the first \"/\" is no host[:port]");
	return 0;
}

static int repository_take(const char *repository, struct reference *reference, const char *text,
                           struct error *error)
{
	bool official =
		strcmp(reference->registry, DOCKER_REGISTRY) == 0 && !strchr(repository, '/');
	int length = snprintf(reference->repository, sizeof(reference->repository), "%s%s",
	                      official ? "library/" : "", repository);

	if (length < 0 || (size_t)length >= sizeof(reference->repository))
		return refuse(error, text, "the repository's name is longer than 255 bytes");
	if (!repository_is_valid(reference->repository))
		return refuse(error, text,
		              "a repository's name has lower-case letters and digits, with \".\", "
		              "\"_\", \"__\", \"-\" or \"/\" between them");
	return 0;
}

static size_t formatted_length(const struct reference *reference)
{
	return strlen(reference->registry) + 1 + strlen(reference->repository) +
	       (reference->tag[0] ? 1 + strlen(reference->tag) : 0) +
	       (reference->has_digest ? 1 + DIGEST_TEXT_SIZE - 1 : 0);
}

int reference_parse(const char *text, struct reference *reference, struct error *error)
{
	struct reference parsed = {};
	char rest[IMAGE_REFERENCE_SIZE];
	const char *slash = strchr(text, '/');
	int result;

	if (!*text)
		return refuse(error, text, "it is empty");
	if (strlen(text) >= IMAGE_REFERENCE_SIZE)
		return refuse(error, text, "it is longer than 511 bytes");
	if (!is_printable(text))
		return refuse(error, "...", "it holds a blank or a character that is not ASCII");
	if (strstr(text, "://"))
		return refuse(error, text,
		              "it is an address; leave out what is before the \"//\", and it");
	if (!slash || !looks_like_registry(text, (size_t)(slash - text)))
		return refuse(
			error, text,
			"it names no registry, and bpfd assumes none (Docker's is docker.io)");
	result = registry_take(text, (size_t)(slash - text), &parsed, error);
	if (result < 0)
		return result;
	memcpy(rest, slash + 1, strlen(slash + 1) + 1);
	result = ends_take(rest, &parsed, text, error);
	if (result == 0)
		result = repository_take(rest, &parsed, text, error);
	if (result < 0)
		return result;
	if (formatted_length(&parsed) >= IMAGE_REFERENCE_SIZE)
		return refuse(error, text, "it is longer than 511 bytes");
	*reference = parsed;
	return 0;
}

void reference_format(const struct reference *reference, char text[IMAGE_REFERENCE_SIZE])
{
	char digest[DIGEST_TEXT_SIZE] = "";
	int length;

	if (reference->has_digest)
		digest_format(reference->digest, digest);
	length = snprintf(text, IMAGE_REFERENCE_SIZE, "%s/%s%s%s%s%s", reference->registry,
	                  reference->repository, reference->tag[0] ? ":" : "", reference->tag,
	                  digest[0] ? "@" : "", digest);
	if (length >= IMAGE_REFERENCE_SIZE)
		text[0] = '\0'; /* reference_parse() lets none through */
}

void reference_format_repository(const struct reference *reference, char text[IMAGE_REFERENCE_SIZE])
{
	int length = snprintf(text, IMAGE_REFERENCE_SIZE, "%s/%s", reference->registry,
	                      reference->repository);

	if (length >= IMAGE_REFERENCE_SIZE)
		text[0] = '\0'; /* reference_parse() lets none through */
}

const char *reference_host(const struct reference *reference)
{
	return strcmp(reference->registry, DOCKER_REGISTRY) == 0 ? DOCKER_HOST
	                                                         : reference->registry;
}

static bool is_loopback4(const char *host, size_t length)
{
	int dots = 0;

	for (size_t i = 0; i < length; i++) {
		if (host[i] == '.')
			dots++;
		else if (!isdigit((unsigned char)host[i]))
			return false;
	}
	return dots == 3 && strncmp(host, "127.", 4) == 0;
}

bool reference_host_is_loopback(const char *host)
{
	static const char *const names[] = { "localhost", "[::1]" };
	size_t length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i]) == length && strncmp(host, names[i], length) == 0)
			return true;
	}
	return is_loopback4(host, length);
}
