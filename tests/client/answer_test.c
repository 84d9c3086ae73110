/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Answers that are well sent and badly made: each ends in BPFD_ERROR_BAD_ANSWER, none reaches the
 * caller. */
#include "bpfd/bpfd.h"
#include "client/lib/utf8.h"
#include "client/samples.h"

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT(text) ((char *)(uintptr_t)(text))

/* One way to answer `get program 5`. It may change what an honest answer holds, or give raw bytes
 * instead. */
struct answer_case {
	const char *name;
	void (*change)(Bpfd__V1__Response *response);
	const void *bytes;
	size_t size;
	int result;
};

static void wrong_result(Bpfd__V1__Response *response)
{
	static Bpfd__V1__GetLinkResponse link;

	bpfd__v1__get_link_response__init(&link);
	response->result_case = BPFD__V1__RESPONSE__RESULT_GET_LINK;
	response->get_link = &link;
}

static void no_program(Bpfd__V1__Response *response)
{
	response->get_program->program = NULL;
}

static void other_program(Bpfd__V1__Response *response)
{
	response->get_program->program->id = 6;
}

static void unknown_type(Bpfd__V1__Response *response)
{
	response->get_program->program->type = (Bpfd__V1__ProgramType)77;
}

static void no_type(Bpfd__V1__Response *response)
{
	response->get_program->program->type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_UNSPECIFIED;
}

static void bad_text(Bpfd__V1__Response *response)
{
	response->get_program->program->name = TEXT("ca\xff"
	                                            "t");
}

static void bad_text_deep(Bpfd__V1__Response *response)
{
	response->get_program->program->maps[1]->pin = TEXT("\xc0\xaf");
}

static void short_digest(Bpfd__V1__Response *response)
{
	response->get_program->program->source->digest.len = 31;
}

static void no_source(Bpfd__V1__Response *response)
{
	response->get_program->program->source = NULL;
}

static void no_kernel(Bpfd__V1__Response *response)
{
	response->get_program->program->kernel = NULL;
}

static void long_tag(Bpfd__V1__Response *response)
{
	static uint8_t tag[9];

	response->get_program->program->kernel->tag.data = tag;
	response->get_program->program->kernel->tag.len = sizeof(tag);
}

static void huge_link_id(Bpfd__V1__Response *response)
{
	static uint64_t ids[] = { 1, UINT64_MAX };

	response->get_program->program->link_ids = ids;
	response->get_program->program->n_link_ids = 2;
}

static void link_without_state(Bpfd__V1__Response *response)
{
	response->get_program->links[0]->state = BPFD__V1__LINK_STATE__LINK_STATE_UNSPECIFIED;
}

static void link_unknown_mode(Bpfd__V1__Response *response)
{
	response->get_program->links[0]->target->mode = (Bpfd__V1__XdpMode)3;
}

static void link_unknown_direction(Bpfd__V1__Response *response)
{
	response->get_program->links[0]->target->direction = (Bpfd__V1__Direction)3;
}

static void link_bad_text(Bpfd__V1__Response *response)
{
	response->get_program->links[0]->target->function = TEXT("\xc3");
}

static void link_without_target(Bpfd__V1__Response *response)
{
	response->get_program->links[0]->target = NULL;
}

static void error_without_code(Bpfd__V1__Response *response)
{
	static Bpfd__V1__Error error;

	bpfd__v1__error__init(&error);
	error.message = TEXT("no");
	response->result_case = BPFD__V1__RESPONSE__RESULT_ERROR;
	response->error = &error;
}

static void error_unknown_code(Bpfd__V1__Response *response)
{
	error_without_code(response);
	response->error->code = (Bpfd__V1__ErrorCode)500;
}

static void error_honest(Bpfd__V1__Response *response)
{
	error_without_code(response);
	response->error->code = BPFD__V1__ERROR_CODE__ERROR_CODE_BUSY;
}

static void nothing_changed(Bpfd__V1__Response *response)
{
	(void)response;
}

#define BYTES(text) .bytes = (text), .size = sizeof(text) - 1, .result = -EPROTO
#define CHANGE(function) .name = #function, .change = (function), .result = -EPROTO

static const struct answer_case answer_cases[] = {
	{ .name = "honest", .change = nothing_changed, .result = 0 },
	{ .name = "an error", .change = error_honest, .result = -EREMOTEIO },
	{ .name = "empty", BYTES("") },
	{ .name = "garbage", BYTES("\xde\xad\xbe\xef\xff\xff\xff\xff") },
	{ .name = "text", BYTES("HTTP/1.1 400 Bad Request\r\n\r\n") },
	{ .name = "cut", BYTES("\x42\x20\x0a\x1e") },
	{ .name = "only unknown fields", BYTES("\xa0\x06\x01") },
	{ .name = "an empty result", BYTES("\x42\x00") },
	{ CHANGE(wrong_result) },
	{ CHANGE(no_program) },
	{ CHANGE(other_program) },
	{ CHANGE(unknown_type) },
	{ CHANGE(no_type) },
	{ CHANGE(bad_text) },
	{ CHANGE(bad_text_deep) },
	{ CHANGE(short_digest) },
	{ CHANGE(no_source) },
	{ CHANGE(no_kernel) },
	{ CHANGE(long_tag) },
	{ CHANGE(huge_link_id) },
	{ CHANGE(link_without_state) },
	{ CHANGE(link_unknown_mode) },
	{ CHANGE(link_unknown_direction) },
	{ CHANGE(link_bad_text) },
	{ CHANGE(link_without_target) },
	{ CHANGE(error_without_code) },
	{ CHANGE(error_unknown_code) },
};

#define CASE_COUNT (sizeof(answer_cases) / sizeof(answer_cases[0]))

static void reply_case(void *context, const Bpfd__V1__Request *request, unsigned count,
                       struct reply *reply)
{
	const struct answer_case *answer = &answer_cases[count % CASE_COUNT];
	Bpfd__V1__Response response = BPFD__V1__RESPONSE__INIT;
	Bpfd__V1__GetProgramResponse get = BPFD__V1__GET_PROGRAM_RESPONSE__INIT;
	Bpfd__V1__Link *links[1] = { sample_link(1) };

	(void)context;
	(void)request;
	if (!answer->change) {
		reply_bytes(reply, answer->bytes, answer->size);
		return;
	}
	get.program = sample_program(5);
	get.links = links;
	get.n_links = 1;
	response.result_case = BPFD__V1__RESPONSE__RESULT_GET_PROGRAM;
	response.get_program = &get;
	answer->change(&response);
	reply_pack(reply, &response);
}

static void test_answers(void **state)
{
	struct test_server *server = test_server_start(reply_case, NULL, NULL);
	struct bpfd_client *client = NULL;

	(void)state;
	assert_int_equal(bpfd_client_open(test_server_path(server), &client, NULL), 0);
	for (size_t i = 0; i < CASE_COUNT; i++) {
		struct bpfd_program_details *details = NULL;
		struct bpfd_error *error = NULL;
		int result = bpfd_get_program(client, 5, &details, &error);

		if (result != answer_cases[i].result)
			fail_msg("\"%s\": %d instead of %d", answer_cases[i].name, result,
			         answer_cases[i].result);
		if (result == -EPROTO)
			assert_int_equal(error->code, BPFD_ERROR_BAD_ANSWER);
		if (result == 0)
			assert_string_equal(details->program.name, "count_packets");
		else
			assert_null(details);
		bpfd_program_details_free(details);
		bpfd_error_free(error);
	}
	bpfd_client_close(client);
	test_server_free(server);
}

/* Other questions have an answer of their own to mistake. */
static void reply_foreign(void *context, const Bpfd__V1__Request *request, unsigned count,
                          struct reply *reply)
{
	Bpfd__V1__Response response = BPFD__V1__RESPONSE__INIT;
	Bpfd__V1__DetachResponse detach = BPFD__V1__DETACH_RESPONSE__INIT;
	Bpfd__V1__UnloadResponse unload = BPFD__V1__UNLOAD_RESPONSE__INIT;
	Bpfd__V1__AttachResponse attach = BPFD__V1__ATTACH_RESPONSE__INIT;
	Bpfd__V1__GetLinkResponse get_link = BPFD__V1__GET_LINK_RESPONSE__INIT;
	Bpfd__V1__LoadResponse load = BPFD__V1__LOAD_RESPONSE__INIT;

	(void)context;
	(void)count;
	switch (request->operation_case) {
	case BPFD__V1__REQUEST__OPERATION_DETACH:
		detach.link_id = 8;
		response.result_case = BPFD__V1__RESPONSE__RESULT_DETACH;
		response.detach = &detach;
		break;
	case BPFD__V1__REQUEST__OPERATION_UNLOAD:
		unload.program_id = 8;
		response.result_case = BPFD__V1__RESPONSE__RESULT_UNLOAD;
		response.unload = &unload;
		break;
	case BPFD__V1__REQUEST__OPERATION_ATTACH:
		response.result_case = BPFD__V1__RESPONSE__RESULT_ATTACH;
		response.attach = &attach;
		break;
	case BPFD__V1__REQUEST__OPERATION_GET_LINK:
		get_link.link = sample_link(8);
		response.result_case = BPFD__V1__RESPONSE__RESULT_GET_LINK;
		response.get_link = &get_link;
		break;
	default:
		response.result_case = BPFD__V1__RESPONSE__RESULT_LOAD;
		response.load = &load;
	}
	reply_pack(reply, &response);
}

static void test_answers_about_something_else(void **state)
{
	static const struct bpfd_load_program program = { .type = BPFD_PROGRAM_XDP,
		                                          .function = "f" };
	static const struct bpfd_load_request load = {
		.object = "x", .object_size = 1, .programs = &program, .program_count = 1
	};
	static const struct bpfd_attach_request attach = { .program_id = 5,
		                                           .type = BPFD_PROGRAM_XDP,
		                                           .target = { .interface = "eth0" } };
	struct test_server *server = test_server_start(reply_foreign, NULL, NULL);
	struct bpfd_programs *programs = NULL;
	struct bpfd_client *client = NULL;
	struct bpfd_link *link = NULL;

	(void)state;
	assert_int_equal(bpfd_client_open(test_server_path(server), &client, NULL), 0);
	assert_int_equal(bpfd_detach(client, 7, NULL, NULL), -EPROTO);
	assert_int_equal(bpfd_unload(client, 7, NULL, NULL), -EPROTO);
	assert_int_equal(bpfd_attach(client, &attach, &link, NULL), -EPROTO);
	assert_int_equal(bpfd_get_link(client, 7, &link, NULL), -EPROTO);
	assert_int_equal(bpfd_load(client, &load, &programs, NULL), -EPROTO);
	assert_null(link);
	assert_null(programs);
	bpfd_client_close(client);
	test_server_free(server);
}

/*
 * Many programs of no bytes each, which take much memory once they are decoded: the budget ends it.
 * list_programs is field 6, programs in it field 1: "0a 00" for each.
 */
static void reply_bomb(void *context, const Bpfd__V1__Request *request, unsigned count,
                       struct reply *reply)
{
	size_t inner = 8u << 20, header = 5;

	(void)context;
	(void)request;
	(void)count;
	reply->size = header + inner;
	reply->bytes = calloc(1, reply->size);
	if (!reply->bytes)
		abort();
	memcpy(reply->bytes, "\x32\x80\x80\x80\x04", header);
	for (size_t i = 0; i < inner; i += 2)
		reply->bytes[header + i] = 0x0a;
}

static void test_memory_of_an_answer_is_bounded(void **state)
{
	struct test_server *server = test_server_start(reply_bomb, NULL, NULL);
	struct bpfd_programs *programs = NULL;
	struct bpfd_client *client = NULL;

	(void)state;
	assert_int_equal(bpfd_client_open(test_server_path(server), &client, NULL), 0);
	assert_int_equal(bpfd_list_programs(client, NULL, &programs, NULL), -EPROTO);
	assert_null(programs);
	bpfd_client_close(client);
	test_server_free(server);
}

/* A newer bpfd may send more: field 100 of the response, and of the program in it. */
static void reply_newer(void *context, const Bpfd__V1__Request *request, unsigned count,
                        struct reply *reply)
{
	static const uint8_t unknown[] = { 0xa0, 0x06, 0x01 };
	uint8_t *grown;

	sample_reply(context, request, count, reply);
	grown = realloc(reply->bytes, reply->size + sizeof(unknown));
	if (!grown)
		abort();
	memcpy(grown + reply->size, unknown, sizeof(unknown));
	reply->bytes = grown;
	reply->size += sizeof(unknown);
}

static void test_unknown_fields_are_let_pass(void **state)
{
	struct test_server *server = test_server_start(reply_newer, NULL, NULL);
	struct bpfd_daemon_version *version = NULL;
	struct bpfd_client *client = NULL;

	(void)state;
	assert_int_equal(bpfd_client_open(test_server_path(server), &client, NULL), 0);
	assert_int_equal(bpfd_version(client, &version, NULL), 0);
	bpfd_version_free(version);
	bpfd_client_close(client);
	test_server_free(server);
}

static void test_utf8(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} rows[] = {
		{ "", true },
		{ "plain", true },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x9d", true },
		{ "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", true },
		{ "\x80", false },
		{ "\xc3", false },
		{ "\xe2\x82", false },
		{ "\xc1\xbf", false },
		{ "\xe0\x9f\xbf", false },
		{ "\xed\xa0\x80", false },
		{ "\xf0\x8f\xbf\xbf", false },
		{ "\xf4\x90\x80\x80", false },
		{ "\xf5\x80\x80\x80", false },
		{ "a\xe2\x28\xa1", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(utf8_ok(rows[i].text, strlen(rows[i].text)), rows[i].ok);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_answers_about_something_else),
		cmocka_unit_test(test_memory_of_an_answer_is_bounded),
		cmocka_unit_test(test_unknown_fields_are_let_pass),
		cmocka_unit_test(test_utf8),
	};

	(void)alarm(120); /* a client that hangs is a failure, too */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
