/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/http_trust.h"

#include "common/cleanup.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

static inline void BIO_free_cleanup(BIO **bio)
{
	BIO_free(*bio);
}

static inline void X509_STORE_free_cleanup(X509_STORE **store)
{
	X509_STORE_free(*store);
}

static int file_read(const char *path, char **bytes, size_t *size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *read_bytes = NULL;
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_size <= 0 || status.st_size > HTTP_CA_SIZE_MAX)
		return -EFBIG;
	read_bytes = malloc((size_t)status.st_size);
	if (!read_bytes)
		return -ENOMEM;
	for (size_t done = 0; done < (size_t)status.st_size;) {
		ssize_t got = read(fd, read_bytes + done, (size_t)status.st_size - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		done += (size_t)got;
	}
	*bytes = steal_ptr(&read_bytes);
	*size = (size_t)status.st_size;
	return 0;
}

/* How many certificates were added; -1: one of them is damaged. */
static int certificates_add(X509_STORE *store, const char *bytes, size_t size)
{
	_cleanup_(BIO_free) BIO *bio = BIO_new_mem_buf(bytes, (int)size);
	int count = 0;

	for (; bio; count++) {
		X509 *certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);

		if (!certificate)
			break;
		int added = X509_STORE_add_cert(store, certificate);

		X509_free(certificate);
		if (!added)
			return -1;
	}
	bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;

	ERR_clear_error();
	return at_end ? count : -1;
}

int http_trust_read(const char *ca_file, X509_STORE **store, struct error *error)
{
	_cleanup_(X509_STORE_free) X509_STORE *made = NULL;
	_cleanup_free_ char *bytes = NULL;
	size_t size = 0;
	int result = file_read(ca_file, &bytes, &size);

	if (result == -ENOENT) {
		*store = NULL;
		return 0;
	}
	if (result < 0)
		return error_set(error, result, ERROR_INVALID_ARGUMENT,
		                 "the CA bundle %s cannot be read: %s", ca_file,
		                 result == -EFBIG ? "it is no file of at most 4 MiB"
		                                  : strerror(-result));
	made = X509_STORE_new();
	if (!made)
		return error_set(error, -ENOMEM, ERROR_LIMIT,
		                 "no memory for the certificates of %s", ca_file);
	if (certificates_add(made, bytes, size) <= 0)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "the CA bundle %s holds no certificates in PEM, or damaged ones",
		                 ca_file);
	/* as libcurl does: who is in the bundle is trusted, whether or not a root */
	(void)X509_STORE_set_flags(made, X509_V_FLAG_PARTIAL_CHAIN);
	/* searched by halves from now on: by whom, and when, it is sorted is decided here */
	sk_X509_OBJECT_sort(X509_STORE_get0_objects(made));
	*store = steal_ptr(&made);
	return 0;
}

void http_trust_warm(X509_STORE *store)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *session = context ? SSL_new(context) : NULL;
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

	if (context && store)
		SSL_CTX_set1_cert_store(context, store);
	if (session && in && out) {
		SSL_set_bio(session, in, out); /* which owns them now */
		in = out = NULL;
		SSL_set_connect_state(session);
		(void)SSL_do_handshake(session);
	}
	BIO_free(in);
	BIO_free(out);
	SSL_free(session);
	SSL_CTX_free(context);
	ERR_clear_error();
}
