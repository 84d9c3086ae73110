/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a registry writes into header fields, and where it may send us: pure parts of image/http. */
#include "image/challenge.h"
#include "image/http_fields.h"
#include "image/http_url.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *value;
	int result;
	bool basic;
	bool bearer;
	const char *realm;
	const char *service;
} challenge_rows[] = {
	{ "", 0, false, false, "", "" },
	{ "Basic", 0, true, false, "", "" },
	{ "basic realm=\"x\"", 0, true, false, "", "" },
	{ "Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:x:pull\"", 0, false, true,
	  "https://a/t", "s" },
	{ "BEARER Realm=\"https://a/t\" , SERVICE = s", 0, false, true, "https://a/t", "s" },
	{ "Bearer realm=https, realm2=\"x\"", 0, false, true, "https", "" },
	{ "Basic realm=\"x\", Bearer realm=\"y\"", 0, true, true, "y", "" },
	{ "Bearer realm=\"first\", Bearer realm=\"second\"", 0, false, true, "first", "" },
	{ "Negotiate, Basic", 0, true, false, "", "" },
	{ "Negotiate abc==, Bearer realm=\"y\"", 0, false, true, "y", "" },
	{ "Digest nonce=\"a,b\\\"c\", qop=\"x\", Basic", 0, true, false, "", "" },
	{ ",, Basic ,,", 0, true, false, "", "" },
	{ "Bearer realm=\"a\\\\b\"", 0, false, true, "a\\b", "" },
	{ "Bearer", 0, false, true, "", "" },
	{ "Bearer realm=\"\"", 0, false, true, "", "" },
	{ "Bearer realm=\"unfinished", -EBADMSG, false, false, "", "" },
	{ "Bearer realm=\"a\", realm=\"b\"", -EBADMSG, false, false, "", "" },
	{ "Bearer realm=\"a\nb\"", -EBADMSG, false, false, "", "" },
	{ "Bearer realm=\"a\\", -EBADMSG, false, false, "", "" },
	{ "\"x\"", -EBADMSG, false, false, "", "" },
	{ "=", -EBADMSG, false, false, "", "" },
};

static void challenges_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(challenge_rows) / sizeof(challenge_rows[0]); i++) {
		struct challenges challenges = {};
		const char *value = challenge_rows[i].value;
		int result = challenge_read(value, strlen(value), &challenges);

		if (result != challenge_rows[i].result)
			fail_msg("%s: %d", value, result);
		if (challenges.basic != challenge_rows[i].basic ||
		    challenges.bearer != challenge_rows[i].bearer)
			fail_msg("%s: basic %d, bearer %d", value, challenges.basic,
			         challenges.bearer);
		assert_string_equal(challenges.realm, challenge_rows[i].realm);
		assert_string_equal(challenges.service, challenge_rows[i].service);
	}
}

static void challenges_that_do_not_fit_are_refused(void **state)
{
	struct challenges challenges = {};
	char value[CHALLENGE_REALM_SIZE + 64];

	(void)state;
	for (size_t length = CHALLENGE_REALM_SIZE - 1; length <= CHALLENGE_REALM_SIZE; length++) {
		int size = snprintf(value, sizeof(value), "Bearer realm=\"%0*d\"", (int)length, 0);
		int expected = length < CHALLENGE_REALM_SIZE ? 0 : -EBADMSG;

		challenges = (struct challenges){};
		assert_int_equal(challenge_read(value, (size_t)size, &challenges), expected);
		assert_int_equal(challenges.bearer, expected == 0);
	}
}

/* A later field adds to an earlier one; a bad one changes nothing. */
static void challenges_of_several_fields_add_up(void **state)
{
	static const char one[] = "Basic realm=\"x\"", two[] = "Bearer realm=\"y\"",
			  bad[] = "Basic \"";
	struct challenges challenges = {};

	(void)state;
	assert_int_equal(challenge_read(one, strlen(one), &challenges), 0);
	assert_int_equal(challenge_read(two, strlen(two), &challenges), 0);
	assert_true(challenges.basic && challenges.bearer);
	(void)challenge_read(bad, strlen(bad), &challenges);
	assert_string_equal(challenges.realm, "y");
}

static int line_take(struct http_fields *fields, struct http_answer *answer, const char *line)
{
	return http_field_take(fields, line, strlen(line), answer);
}

static void fields_are_taken(void **state)
{
	struct http_fields fields = {};
	struct http_answer answer = {};

	(void)state;
	assert_int_equal(line_take(&fields, &answer, "HTTP/1.1 100 Continue\r\n"), 0);
	assert_int_equal(line_take(&fields, &answer, "Location: /early\r\n"), 0);
	assert_int_equal(line_take(&fields, &answer, "\r\n"), 0);
	assert_int_equal(line_take(&fields, &answer, "HTTP/1.1 307 Elsewhere\r\n"), 0);
	assert_int_equal(answer.status, 307);
	assert_string_equal(answer.location, "");
	assert_int_equal(line_take(&fields, &answer, "LOCATION:\t /there \r\n"), 0);
	assert_int_equal(line_take(&fields, &answer, "content-type: text/html; charset=x\r\n"), 0);
	assert_int_equal(line_take(&fields, &answer, "WWW-Authenticate: Basic\r\n"), 0);
	assert_int_equal(line_take(&fields, &answer, "X-Location: /not\r\n"), 0);
	assert_int_equal(line_take(&fields, &answer, "no field at all\r\n"), 0);
	assert_string_equal(answer.location, "/there");
	assert_string_equal(answer.content_type, "text/html; charset=x");
	assert_true(answer.challenges.basic);
	assert_int_equal(line_take(&fields, &answer, "Location: /again\r\n"), -EBADMSG);
	assert_int_equal(line_take(&fields, &answer, "WWW-Authenticate: \"\r\n"), -EBADMSG);
}

static void fields_have_bounds(void **state)
{
	static char line[HTTP_FIELDS_SIZE_MAX + 64];
	struct http_fields fields = {};
	struct http_answer answer = {};

	(void)state;
	for (int i = 0; i < HTTP_FIELDS_MAX; i++)
		assert_int_equal(line_take(&fields, &answer, "X: y\r\n"), 0);
	assert_int_equal(line_take(&fields, &answer, "X: y\r\n"), -EMSGSIZE);
	fields = (struct http_fields){};
	memset(line, 'x', sizeof(line) - 1);
	assert_int_equal(line_take(&fields, &answer, line), -EMSGSIZE);
	fields = (struct http_fields){};
	memcpy(line, "Location: ", 10);
	line[HTTP_URL_SIZE + 10] = '\0';
	assert_int_equal(line_take(&fields, &answer, line), -EBADMSG);
	assert_int_equal(line_take(&fields, &answer, "Content-Type: a\x01\r\n"), -EBADMSG);
}

static const char listed_hosts[][HTTP_LISTED_SIZE] = { "plain.example", "port.example:5000",
	                                               "[2001:db8::1]:80" };
static const struct http_listed listed = { listed_hosts, 3 };

static struct http_origin origin_of(const char *url)
{
	struct http_origin origin;

	if (http_origin_read(url, &origin) < 0)
		fail_msg("%s is no origin", url);
	return origin;
}

static void origins_are_read(void **state)
{
	static const char *const bad[] = { "",
		                           "x",
		                           "ftp://a/",
		                           "file:///etc/passwd",
		                           "https://user@a/",
		                           "https://u:p@a/",
		                           "https://",
		                           "https://a:99999/",
		                           "https://a b/",
		                           "javascript:x" };
	struct http_origin origin = origin_of("https://A.example/x?y");

	(void)state;
	assert_true(origin.is_https);
	assert_string_equal(origin.port, "443");
	origin = origin_of("http://[::1]:5000/x");
	assert_string_equal(origin.host, "[::1]");
	assert_string_equal(origin.port, "5000");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(http_origin_read(bad[i], &origin), -EINVAL);
	origin = origin_of("https://a/");
	struct http_origin same = origin_of("https://A:443/x"), other = origin_of("https://a:444/");

	assert_true(http_origin_equal(&origin, &same));
	assert_false(http_origin_equal(&origin, &other));
	other = origin_of("http://a:443/");
	assert_false(http_origin_equal(&origin, &other));
}

static void http_is_for_listed_hosts(void **state)
{
	static const struct {
		const char *url;
		bool allowed;
	} rows[] = {
		{ "http://127.0.0.1/", true },
		{ "http://localhost:5000/", true },
		{ "http://[::1]/", true },
		{ "http://127.9.9.9/", true },
		{ "http://plain.example:1/", true },
		{ "http://PLAIN.example/", true },
		{ "http://port.example:5000/", true },
		{ "http://port.example/", false },
		{ "http://port.example:50000/", false },
		{ "http://aplain.example/", false },
		{ "http://plain.example.org/", false },
		{ "http://[2001:db8::1]/", true },
		{ "http://10.0.0.1/", false },
		{ "http://127.0.0.1.example/", false },
		{ "http://0x7f.1/", true }, /* libcurl makes it 127.0.0.1 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_origin origin = origin_of(rows[i].url);

		if (http_origin_insecure_ok(&listed, &origin) != rows[i].allowed)
			fail_msg("%s", rows[i].url);
	}
}

static void steps_are_checked(void **state)
{
	static const struct {
		const char *from;
		const char *to;
		bool allowed;
	} rows[] = {
		{ "https://a/", "https://b/", true },
		{ "http://127.0.0.1/", "https://b/", true },
		{ "https://a/", "http://a/", false },
		{ "https://a/", "http://127.0.0.1/", false },
		{ "https://a/", "http://plain.example/", false },
		{ "http://127.0.0.1:1/", "http://localhost:2/", true },
		{ "http://127.0.0.1/", "http://10.0.0.1/", false },
		{ "http://127.0.0.1/", "http://plain.example/", true },
		{ "http://plain.example/", "http://plain.example:99/", true },
		{ "http://plain.example/", "http://127.0.0.1/", false },
		{ "http://plain.example/", "http://169.254.169.254/", false },
		{ "http://plain.example/", "http://port.example:5000/", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_origin from = origin_of(rows[i].from), to = origin_of(rows[i].to);
		struct error error = {};
		int result = http_step_check(&listed, &from, &to, &error);

		if (result != (rows[i].allowed ? 0 : -EACCES))
			fail_msg("%s to %s: %d %s", rows[i].from, rows[i].to, result,
			         error.message);
		assert_int_equal(error.code, rows[i].allowed ? 0 : ERROR_REGISTRY);
	}
}

static void credentials_stay_with_their_owner(void **state)
{
	static const struct {
		const char *from;
		const char *to;
		bool related;
	} rows[] = {
		{ "registry-1.docker.io", "auth.docker.io", true },
		{ "registry.gitlab.com", "gitlab.com", true },
		{ "registry.connect.redhat.com", "sso.redhat.com", true },
		{ "ghcr.io", "GHCR.io", true },
		{ "docker.io.evil.example", "auth.docker.io", false },
		{ "docker.io", "evildocker.io", false },
		{ "a.example", "b.example", false },
		{ "example.com", "com", false },
		{ "a.co.uk", "b.co.uk", false },
		{ "x.a.co.uk", "y.a.co.uk", true },
		{ "gcr.io", "evil.gcr.io", false },
		{ "10.0.0.1", "10.0.0.1", true },
		{ "10.0.0.1", "9.0.0.1", false },
		{ "localhost", "127.0.0.1", true },
		{ "registry", "auth", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_origin from = { .is_https = true }, to = { .is_https = true };

		(void)snprintf(from.host, sizeof(from.host), "%s", rows[i].from);
		(void)snprintf(to.host, sizeof(to.host), "%s", rows[i].to);
		if (http_origin_related(&from, &to) != rows[i].related ||
		    http_origin_related(&to, &from) != rows[i].related)
			fail_msg("%s and %s", rows[i].from, rows[i].to);
	}
}

static void locations_are_joined(void **state)
{
	static const struct {
		const char *location;
		const char *url; /* NULL: refused */
	} rows[] = {
		{ "/other", "https://a:1/other" },
		{ "other?x=y#z", "https://a:1/v2/other?x=y" },
		{ "//b/c", "https://b/c" },
		{ "https://b:2/c", "https://b:2/c" },
		{ "../../../etc", "https://a:1/etc" },
		{ "https://u:p@b/", NULL },
		{ "nothing://b/", NULL },
	};
	char url[HTTP_URL_SIZE], base[] = "https://a:1/v2/x";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int result = http_url_join(base, rows[i].location, url);

		if ((result == 0) != (rows[i].url != NULL))
			fail_msg("%s: %d", rows[i].location, result);
		if (result == 0)
			assert_string_equal(url, rows[i].url);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(challenges_are_read),
		cmocka_unit_test(challenges_that_do_not_fit_are_refused),
		cmocka_unit_test(challenges_of_several_fields_add_up),
		cmocka_unit_test(fields_are_taken),
		cmocka_unit_test(fields_have_bounds),
		cmocka_unit_test(origins_are_read),
		cmocka_unit_test(http_is_for_listed_hosts),
		cmocka_unit_test(steps_are_checked),
		cmocka_unit_test(credentials_stay_with_their_owner),
		cmocka_unit_test(locations_are_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
