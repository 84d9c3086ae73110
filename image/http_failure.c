/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/http_failure.h"

#include <errno.h>
#include <stddef.h>

static const struct {
	CURLcode code;
	int result;
	const char *sentence; /* behind the host */
} failures[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, -EHOSTUNREACH,
	  "has no address: is the name right, and can this host ask its name servers?" },
	{ CURLE_COULDNT_CONNECT, -ECONNREFUSED, "cannot be reached" },
	{ CURLE_SSL_CONNECT_ERROR, -EPROTONOSUPPORT,
	  "does not speak TLS as it must; http is spoken to this machine itself alone, and to "
	  "hosts "
	  "that the administrator lists as insecure" },
	{ CURLE_PEER_FAILED_VERIFICATION, -EKEYREJECTED,
	  "has a certificate that nobody trusted vouches for" },
	{ CURLE_FILESIZE_EXCEEDED, -EMSGSIZE, "announces more bytes than there may be" },
	{ CURLE_PARTIAL_FILE, -EIO, "broke off in the middle of its answer" },
	{ CURLE_RECV_ERROR, -EIO, "broke off in the middle of its answer" },
	{ CURLE_SEND_ERROR, -EIO, "took no more of the request" },
	{ CURLE_GOT_NOTHING, -EIO, "ended the connection without an answer" },
	{ CURLE_UNSUPPORTED_PROTOCOL, -EIO, "answers with something that is not HTTP" },
	{ CURLE_WEIRD_SERVER_REPLY, -EIO, "answers with something that is not HTTP" },
	{ CURLE_OUT_OF_MEMORY, -ENOMEM, "sent more in one piece than is taken" },
};

const char *http_text_tame(const char *text, char *out, size_t size)
{
	size_t length = 0;

	for (; text[length] && length + 1 < size; length++)
		out[length] =
			(char)(text[length] >= ' ' && text[length] < 0x7f ? text[length] : '?');
	out[length] = '\0';
	return out;
}

int http_failure_set(CURLcode code, const char *host, const char *detail, const char *ca_file,
                     struct error *error)
{
	const char *sentence = "cannot be talked to";
	int result = -EIO;
	char tame[160];

	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		if (failures[i].code == code) {
			result = failures[i].result;
			sentence = failures[i].sentence;
		}
	}
	if (!detail[0])
		detail = curl_easy_strerror(code);
	(void)http_text_tame(detail, tame, sizeof(tame));
	if (result == -EKEYREJECTED)
		return error_set(error, result, ERROR_REGISTRY,
		                 "%s %s (%s): whom to trust is in %s", host, sentence, tame,
		                 ca_file);
	return error_set(error, result, ERROR_REGISTRY, "%s %s (%s)", host, sentence, tame);
}
