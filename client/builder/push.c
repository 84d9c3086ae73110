/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/builder/push.h"

#include "common/cleanup.h"
#include "image/digest.h"
#include "image/registry.h"

#include <errno.h>
#include <nss.h>
#include <resolv.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#define CA_FILE "/etc/ssl/certs/ca-certificates.crt"
#define TOTAL_TIMEOUT_MS 600000
#define STALL_TIMEOUT_MS 30000
#define ERASE "\r\033[K"

static int credentials_read(struct pusher *pusher, int fd, struct error *error)
{
	char text[IMAGE_USERNAME_SIZE + IMAGE_PASSWORD_SIZE] = "";
	ssize_t size = pread(fd, text, sizeof(text) - 1, 0);
	size_t name = strlen(text) + 1;
	int result = -EINVAL;

	if (size > 0 && name <= sizeof(pusher->username) && name < (size_t)size &&
	    name + strlen(text + name) + 1 == (size_t)size &&
	    (size_t)size - name <= sizeof(pusher->password)) {
		memcpy(pusher->username, text, name);
		memcpy(pusher->password, text + name, (size_t)size - name);
		result = 0;
	}
	explicit_bzero(text, sizeof(text));
	(void)close(fd);
	if (result < 0)
		return error_set(error, result, ERROR_INTERNAL,
		                 "descriptor %d leads to no credentials", fd);
	return 0;
}

int pusher_open(struct pusher *pusher, int credentials_fd, struct error *error)
{
	const char *ca_file = getenv("SSL_CERT_FILE");
	const struct http_settings settings = {
		.ca_file = ca_file && *ca_file ? ca_file : CA_FILE,
		.total_timeout_ms = TOTAL_TIMEOUT_MS,
		.stall_timeout_ms = STALL_TIMEOUT_MS,
	};

	if (ca_file && *ca_file && access(ca_file, R_OK) < 0)
		return error_set(error, -errno, ERROR_INVALID_ARGUMENT,
		                 "SSL_CERT_FILE names \"%.300s\", which cannot be read: %s",
		                 ca_file, strerror(errno));
	(void)signal(SIGPIPE, SIG_IGN);
	/* other sources of names that the host may have load code into whoever asks them */
	(void)__nss_configure_lookup("hosts", "files dns");
	(void)res_init();
	tzset();
	pusher->progress = isatty(STDERR_FILENO) == 1;
	if (credentials_fd >= 0) {
		int result = credentials_read(pusher, credentials_fd, error);

		if (result < 0)
			return result;
	}
	return http_open(&settings, &pusher->http, error);
}

static void progress_show(const struct pusher *pusher, uint32_t at, const struct pieces *pieces)
{
	if (!pusher->progress)
		return;
	(void)fprintf(stderr, ERASE "pushing %u of %u: %.1f KiB", at + 1, pieces->head.count,
	              (double)pieces->items[at].size / 1024);
	(void)fflush(stderr);
}

static int piece_push(struct registry *registry, const struct piece *piece, bool is_root,
                      bool *uploaded, struct error *error)
{
	struct descriptor descriptor = { .size = piece->size };
	char digest[DIGEST_TEXT_SIZE];

	memcpy(descriptor.digest, piece->digest, DIGEST_SIZE);
	*uploaded = false;
	if (piece->kind == BUILD_BLOB)
		return registry_blob_put(registry, &descriptor, piece->bytes, uploaded, error);
	(void)snprintf(descriptor.media_type, sizeof(descriptor.media_type), "%s",
	               piece_media_type(piece));
	digest_format(piece->digest, digest);
	return registry_manifest_put(registry, is_root ? registry->reference->tag : digest,
	                             &descriptor, piece->bytes, error);
}

static int all_push(const struct pusher *pusher, struct registry *registry,
                    const struct pieces *pieces, uint32_t *uploaded, struct error *error)
{
	int result = 0;

	*uploaded = 0;
	for (uint32_t i = 0; result == 0 && i < pieces->head.count; i++) {
		bool is_new = false;

		progress_show(pusher, i, pieces);
		result = piece_push(registry, &pieces->items[i], i + 1 == pieces->head.count,
		                    &is_new, error);
		*uploaded += is_new;
	}
	if (pusher->progress)
		(void)fputs(ERASE, stderr);
	return result;
}

int pieces_push(struct pusher *pusher, const struct reference *reference,
                const struct pieces *pieces, uint32_t *uploaded, struct error *error)
{
	static struct registry registry;
	int result;

	http_start(pusher->http);
	result = registry_open(pusher->http, reference, pusher->username, pusher->password, true,
	                       &registry, error);
	if (result == 0)
		result = all_push(pusher, &registry, pieces, uploaded, error);
	explicit_bzero(&registry, sizeof(registry));
	return result;
}
