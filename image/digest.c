/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "sha256:"
#define PREFIX_LENGTH (sizeof(PREFIX) - 1)
#define BLOCK_SIZE (64u << 10)

struct digest_stream {
	EVP_MD_CTX *context;
};

static EVP_MD *fetched; /* NULL: OpenSSL looks the algorithm up each time */

static const EVP_MD *algorithm(void)
{
	return fetched ? fetched : EVP_sha256();
}

int digest_warm(void)
{
	static const char nothing[] = "";
	uint8_t digest[DIGEST_SIZE];

	if (!fetched)
		fetched = EVP_MD_fetch(NULL, "SHA256", NULL);
	return fetched ? digest_of_bytes(nothing, 0, digest) : -ENOMEM;
}

static int digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

int digest_parse(const char *text, uint8_t digest[DIGEST_SIZE])
{
	uint8_t parsed[DIGEST_SIZE];

	if (strlen(text) != DIGEST_TEXT_SIZE - 1 || strncmp(text, PREFIX, PREFIX_LENGTH) != 0)
		return -EINVAL;
	text += PREFIX_LENGTH;
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		int high = digit_value(text[2 * i]);
		int low = digit_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		parsed[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(digest, parsed, DIGEST_SIZE);
	return 0;
}

void digest_hex(const uint8_t digest[DIGEST_SIZE], char text[DIGEST_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		text[2 * i] = digits[digest[i] >> 4];
		text[2 * i + 1] = digits[digest[i] & 0xf];
	}
	text[DIGEST_HEX_SIZE - 1] = '\0';
}

void digest_format(const uint8_t digest[DIGEST_SIZE], char text[DIGEST_TEXT_SIZE])
{
	memcpy(text, PREFIX, PREFIX_LENGTH);
	digest_hex(digest, text + PREFIX_LENGTH);
}

bool digest_equal(const uint8_t one[DIGEST_SIZE], const uint8_t other[DIGEST_SIZE])
{
	return memcmp(one, other, DIGEST_SIZE) == 0;
}

struct digest_stream *digest_stream_new(void)
{
	struct digest_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->context = EVP_MD_CTX_new();
	if (!stream->context || EVP_DigestInit_ex(stream->context, algorithm(), NULL) != 1) {
		digest_stream_free(stream);
		return NULL;
	}
	return stream;
}

void digest_stream_free(struct digest_stream *stream)
{
	if (!stream)
		return;
	EVP_MD_CTX_free(stream->context);
	free(stream);
}

int digest_stream_update(struct digest_stream *stream, const void *bytes, size_t size)
{
	return EVP_DigestUpdate(stream->context, bytes, size) == 1 ? 0 : -ENOMEM;
}

int digest_stream_finish(struct digest_stream *stream, uint8_t digest[DIGEST_SIZE])
{
	uint8_t result[EVP_MAX_MD_SIZE];

	if (EVP_DigestFinal_ex(stream->context, result, NULL) != 1 ||
	    EVP_DigestInit_ex(stream->context, algorithm(), NULL) != 1)
		return -ENOMEM;
	memcpy(digest, result, DIGEST_SIZE);
	return 0;
}

int digest_of_bytes(const void *bytes, size_t size, uint8_t digest[DIGEST_SIZE])
{
	uint8_t result[EVP_MAX_MD_SIZE];

	if (EVP_Digest(bytes, size, result, NULL, algorithm(), NULL) != 1)
		return -ENOMEM;
	memcpy(digest, result, DIGEST_SIZE);
	return 0;
}

static int file_update(struct digest_stream *stream, int fd, uint64_t offset, uint64_t size,
                       unsigned char *block)
{
	while (size) {
		size_t wanted = size < BLOCK_SIZE ? (size_t)size : BLOCK_SIZE;
		ssize_t got = pread(fd, block, wanted, (off_t)offset);
		int result;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EPROTO;
		result = digest_stream_update(stream, block, (size_t)got);
		if (result < 0)
			return result;
		offset += (uint64_t)got;
		size -= (uint64_t)got;
	}
	return 0;
}

int digest_of_fd(int fd, uint64_t offset, uint64_t size, uint8_t digest[DIGEST_SIZE])
{
	struct digest_stream *stream = digest_stream_new();
	unsigned char *block = malloc(BLOCK_SIZE);
	int result = stream && block ? file_update(stream, fd, offset, size, block) : -ENOMEM;

	if (result == 0)
		result = digest_stream_finish(stream, digest);
	free(block);
	digest_stream_free(stream);
	return result;
}

int digest_expect(const char *what, const uint8_t got[DIGEST_SIZE],
                  const uint8_t wanted[DIGEST_SIZE], struct error *error)
{
	char got_text[DIGEST_TEXT_SIZE];
	char wanted_text[DIGEST_TEXT_SIZE];

	if (digest_equal(got, wanted))
		return 0;
	digest_format(got, got_text);
	digest_format(wanted, wanted_text);
	return error_set(error, -EBADMSG, ERROR_REGISTRY,
	                 "%s has the digest %s, not %s: it was damaged or exchanged; try again, "
	                 "or ask who runs the registry",
	                 what, got_text, wanted_text);
}
