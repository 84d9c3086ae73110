/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* libbpfd with images: what is sent, what comes back, what is stopped before it is sent. */
#include "client/fixture.h"

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static const uint8_t own_id[BPFD_REQUEST_ID_SIZE] = { 1, 2, 3, [15] = 9 };

static void test_pull(void **state)
{
	static const struct bpfd_image_source source = { .reference = "r.example/a:v1",
		                                         .pull_policy = BPFD_PULL_ALWAYS,
		                                         .username = "u",
		                                         .password = "p" };
	struct fixture *fixture = *state;
	struct bpfd_image_details *details = NULL;
	const Bpfd__V1__ImageSource *sent;

	assert_int_equal(bpfd_image_pull(fixture->client, &source, own_id, &details, NULL), 0);
	sent = fixture->seen.request->image_pull->image;
	assert_string_equal(sent->reference, "r.example/a:v1");
	assert_int_equal(sent->pull_policy, BPFD_PULL_ALWAYS);
	assert_string_equal(sent->username, "u");
	assert_string_equal(sent->password, "p");
	assert_memory_equal(fixture->seen.request_id, own_id, sizeof(own_id));
	assert_true(details->cached);
	assert_false(details->verification.verified);
	assert_string_equal(details->image.reference, "r.example/team/filter:v1");
	assert_int_equal(details->image.digest[31], 0xff);
	assert_int_equal(details->image.object_digest[0], 0x44);
	assert_int_equal(details->image.program_count, 2);
	assert_string_equal(details->image.programs[0].type, "xdp");
	assert_string_equal(details->image.maps[0].name, "flows");
	bpfd_image_details_free(details);
}

static void test_verify(void **state)
{
	static const struct bpfd_image_source source = { .reference = "r.example/a" };
	static const struct bpfd_image_source untrusted = { .reference = "r.example/untrusted" };
	struct fixture *fixture = *state;
	struct bpfd_image_details *details = NULL;
	struct bpfd_error *error = NULL;

	assert_int_equal(bpfd_image_verify(fixture->client, &source, NULL, &details, NULL), 0);
	assert_string_equal(fixture->seen.request->image_verify->image->username, "");
	assert_true(details->verification.verified);
	assert_string_equal(details->verification.key, "");
	assert_string_equal(details->verification.identity, "release@example.org");
	bpfd_image_details_free(details);
	assert_int_equal(bpfd_image_verify(fixture->client, &untrusted, NULL, &details, &error),
	                 -EREMOTEIO);
	assert_int_equal(error->code, BPFD_ERROR_UNTRUSTED);
	bpfd_error_free(error);
}

static void test_list_inspect_remove(void **state)
{
	struct fixture *fixture = *state;
	struct bpfd_image_details *details = NULL;
	struct bpfd_images *images = NULL;

	assert_int_equal(bpfd_image_list(fixture->client, &images, NULL), 0);
	assert_int_equal(images->count, 2);
	assert_string_equal(images->items[1].architecture, "");
	bpfd_images_free(images);
	assert_int_equal(bpfd_image_inspect(fixture->client, "sha256:11", &details, NULL), 0);
	assert_string_equal(fixture->seen.request->image_inspect->reference, "sha256:11");
	bpfd_image_details_free(details);
	assert_int_equal(bpfd_image_remove(fixture->client, "r.example/a", own_id, &images, NULL),
	                 0);
	assert_memory_equal(fixture->seen.request_id, own_id, sizeof(own_id));
	assert_int_equal(images->count, 1);
	bpfd_images_free(images);
	assert_int_equal(bpfd_image_remove(fixture->client, "r.example/a", NULL, NULL, NULL), 0);
}

static void test_load(void **state)
{
	static const struct bpfd_image_source source = { .reference = "r.example/a" };
	struct bpfd_load_request request = { .image = &source };
	struct fixture *fixture = *state;
	struct bpfd_programs *programs = NULL;

	assert_int_equal(bpfd_load(fixture->client, &request, &programs, NULL), 0);
	assert_int_equal(fixture->seen.request->load->object.len, 0);
	assert_string_equal(fixture->seen.request->load->image->reference, "r.example/a");
	assert_int_equal(programs->count, 2);
	bpfd_programs_free(programs);
}

static void test_program_of_an_image(void **state)
{
	struct fixture *fixture = *state;
	struct bpfd_program_details *details = NULL;

	assert_int_equal(bpfd_get_program(fixture->client, 9, &details, NULL), 0);
	assert_true(details->program.source.image);
	assert_int_equal(details->program.source.image_digest[0], 0x11);
	assert_string_equal(details->program.source.verification.key, "release.pub");
	bpfd_program_details_free(details);
	assert_int_equal(bpfd_get_program(fixture->client, 5, &details, NULL), 0);
	assert_false(details->program.source.image);
	bpfd_program_details_free(details);
}

static void test_policy_words(void **state)
{
	static const char *const wrong[] = {
		"",        "-always",         "if--not-present", "ifnot",
		"always ", "if-not-present-", "i-f-notpresent"
	};
	enum bpfd_pull_policy policy = BPFD_PULL_DEFAULT;

	(void)state;
	assert_true(bpfd_pull_policy_parse("if-not-present", &policy));
	assert_int_equal(policy, BPFD_PULL_IF_NOT_PRESENT);
	assert_true(bpfd_pull_policy_parse("IfNotPresent", &policy));
	assert_true(bpfd_pull_policy_parse("ALWAYS", &policy));
	assert_int_equal(policy, BPFD_PULL_ALWAYS);
	assert_string_equal(bpfd_pull_policy_name(BPFD_PULL_NEVER), "Never");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(bpfd_pull_policy_parse(wrong[i], &policy));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WITH_SERVER(test_pull),
		WITH_SERVER(test_verify),
		WITH_SERVER(test_list_inspect_remove),
		WITH_SERVER(test_load),
		WITH_SERVER(test_program_of_an_image),
		cmocka_unit_test(test_policy_words),
	};

	(void)alarm(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
