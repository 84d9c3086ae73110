/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* libbpfd's operations against a server that answers honestly, and the refusals and the arguments
 * it stops itself. */
#include "client/fixture.h"

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint8_t digest_zero[BPFD_DIGEST_SIZE];

static void test_version_asks_and_answers(void **state)
{
	struct fixture *fixture = *state;
	struct bpfd_daemon_version *version = NULL;

	assert_int_equal(bpfd_version(fixture->client, &version, NULL), 0);
	assert_string_equal(version->version, "0.1.0");
	assert_int_equal(version->protocol, 1);
	assert_int_equal(fixture->seen.version, 1);
	assert_int_equal(fixture->seen.request_id_size, 0);
	bpfd_version_free(version);
}

static void test_load_sends_all_and_describes_programs(void **state)
{
	static const struct bpfd_load_program programs[] = {
		{ .type = BPFD_PROGRAM_XDP, .function = "count_packets", .exclusive = true },
		{ .type = BPFD_PROGRAM_TRACEPOINT, .function = "on_switch", .target = "vfs_read" },
	};
	static const struct bpfd_global global = { .name = "limit",
		                                   .value = "\x0a\0\0",
		                                   .size = 4 };
	static const struct bpfd_metadata metadata = { .key = "team", .value = "" };
	struct bpfd_load_request request = {
		.object = "\x7f"
			  "ELF\0\1",
		.object_size = 6,
		.programs = programs,
		.program_count = 2,
		.globals = &global,
		.global_count = 1,
		.metadata = &metadata,
		.metadata_count = 1,
		.application = "firewall",
		.map_owner = 4,
		.source_name = "count.o",
	};
	struct fixture *fixture = *state;
	struct bpfd_programs *loaded = NULL;
	const Bpfd__V1__LoadRequest *load;

	assert_int_equal(bpfd_load(fixture->client, &request, &loaded, NULL), 0);
	load = fixture->seen.request->load;
	assert_int_equal(load->object.len, 6);
	assert_memory_equal(load->object.data, request.object, 6);
	assert_int_equal(load->n_programs, 2);
	assert_string_equal(load->programs[1]->function, "on_switch");
	assert_int_equal(load->programs[0]->exclusive, 1);
	assert_int_equal(load->programs[1]->type, BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_TRACEPOINT);
	assert_string_equal(load->programs[0]->target, "");
	assert_string_equal(load->programs[1]->target, "vfs_read");
	assert_int_equal(load->globals[0]->value.len, 4);
	assert_string_equal(load->metadata[0]->key, "team");
	assert_string_equal(load->application, "firewall");
	assert_int_equal(load->map_owner, 4);
	assert_string_equal(load->source_name, "count.o");
	assert_int_equal(fixture->seen.request_id_size, BPFD_REQUEST_ID_SIZE);

	assert_int_equal(loaded->count, 2);
	assert_int_equal(loaded->items[0].id, 5);
	assert_int_equal(loaded->items[0].map_count, 2);
	assert_string_equal(loaded->items[0].maps[1].name, "limits");
	assert_int_equal(loaded->items[0].kernel.id, 1234);
	assert_int_equal(loaded->items[0].kernel.map_ids[1], 42);
	assert_int_equal(loaded->items[0].globals[0].size, 4);
	assert_int_equal(loaded->items[0].source.digest[0], 0xde);
	assert_memory_not_equal(loaded->items[0].source.digest, digest_zero, BPFD_DIGEST_SIZE);
	assert_string_equal(loaded->items[1].application, "");
	assert_int_equal(loaded->items[0].map_owner, 3);
	assert_int_equal(loaded->items[1].map_owner, 0);
	assert_string_equal(loaded->items[0].maps[0].shared_pin, "");
	assert_string_equal(loaded->items[0].maps[1].shared_pin, "/sys/fs/bpf/bpfd/shared/limits");
	bpfd_programs_free(loaded);
}

static void test_request_ids(void **state)
{
	static const uint8_t own[BPFD_REQUEST_ID_SIZE] = { 1, 2, 3, [15] = 9 };
	struct fixture *fixture = *state;
	uint8_t first[BPFD_REQUEST_ID_SIZE];

	assert_int_equal(bpfd_detach(fixture->client, 1, own, NULL), 0);
	assert_memory_equal(fixture->seen.request_id, own, sizeof(own));
	assert_int_equal(bpfd_unload(fixture->client, 1, NULL, NULL), 0);
	assert_false(fixture->seen.request->unload->force);
	memcpy(first, fixture->seen.request_id, sizeof(first));
	assert_int_equal(bpfd_unload(fixture->client, 1, NULL, NULL), 0);
	assert_memory_not_equal(fixture->seen.request_id, first, sizeof(first));
	assert_int_equal(bpfd_unload_force(fixture->client, 1, own, NULL), 0);
	assert_true(fixture->seen.request->unload->force);
	assert_memory_equal(fixture->seen.request_id, own, sizeof(own));
}

static void test_lists_and_filters(void **state)
{
	static const struct bpfd_metadata metadata = { .key = "team", .value = "net" };
	static const struct bpfd_program_filter filter = {
		.type = BPFD_PROGRAM_XDP,
		.application = "firewall",
		.metadata = &metadata,
		.metadata_count = 1,
	};
	struct fixture *fixture = *state;
	const Bpfd__V1__ListLinksRequest *list;
	struct bpfd_programs *programs = NULL;
	struct bpfd_links *links = NULL;

	assert_int_equal(bpfd_list_programs(fixture->client, NULL, &programs, NULL), 0);
	assert_int_equal(programs->count, 2);
	assert_int_equal(fixture->seen.request->list_programs->type, 0);
	bpfd_programs_free(programs);
	assert_int_equal(bpfd_list_programs(fixture->client, &filter, &programs, NULL), 0);
	assert_int_equal(fixture->seen.request->list_programs->type, BPFD_PROGRAM_XDP);
	assert_string_equal(fixture->seen.request->list_programs->metadata[0]->value, "net");
	bpfd_programs_free(programs);

	assert_int_equal(bpfd_list_links(fixture->client, 0, &links, NULL), 0);
	assert_int_equal(links->count, 3);
	assert_int_equal(links->items[1].id, 0);
	list = fixture->seen.request->list_links;
	assert_int_equal(list->program_option_case,
	                 BPFD__V1__LIST_LINKS_REQUEST__PROGRAM_OPTION__NOT_SET);
	bpfd_links_free(links);
	assert_int_equal(bpfd_list_links(fixture->client, 5, &links, NULL), 0);
	assert_int_equal(fixture->seen.request->list_links->program_id, 5);
	bpfd_links_free(links);
}

static void test_get_and_status(void **state)
{
	struct fixture *fixture = *state;
	struct bpfd_program_details *details = NULL;
	struct bpfd_daemon_status *status = NULL;
	struct bpfd_link *link = NULL;

	assert_int_equal(bpfd_get_program(fixture->client, 5, &details, NULL), 0);
	assert_int_equal(details->program.id, 5);
	assert_int_equal(details->link_count, 2);
	assert_int_equal(details->links[1].id, 2);
	bpfd_program_details_free(details);
	assert_int_equal(bpfd_get_link(fixture->client, 3, &link, NULL), 0);
	assert_int_equal(link->id, 3);
	bpfd_link_free(link);
	assert_int_equal(bpfd_status(fixture->client, &status, NULL), 0);
	assert_int_equal(status->loads_failed, 4);
	assert_int_equal(status->feature_count, 2);
	assert_false(status->features[0].present);
	bpfd_status_free(status);
}

static void test_refusal_carries_code_message_and_log(void **state)
{
	static const struct bpfd_load_program bad = { .type = BPFD_PROGRAM_XDP, .function = "bad" };
	struct bpfd_load_request request = {
		.object = "x", .object_size = 1, .programs = &bad, .program_count = 1
	};
	struct fixture *fixture = *state;
	struct bpfd_programs *untouched = (struct bpfd_programs *)&request;
	struct bpfd_error *error = NULL;

	assert_int_equal(bpfd_load(fixture->client, &request, &untouched, &error), -EREMOTEIO);
	assert_ptr_equal(untouched, &request);
	assert_int_equal(error->code, BPFD_ERROR_VERIFIER);
	assert_non_null(strstr(error->message, "verifier refused"));
	assert_non_null(strstr(error->verifier_log, "R1 type=ctx expected=fp"));
	assert_int_equal(error->verifier_log_size, strlen(error->verifier_log));
	bpfd_error_free(error);

	error = NULL;
	assert_int_equal(bpfd_detach(fixture->client, 900, NULL, &error), -EREMOTEIO);
	assert_int_equal(error->code, BPFD_ERROR_NOT_FOUND);
	assert_null(error->verifier_log);
	bpfd_error_free(error);
	assert_int_equal(bpfd_detach(fixture->client, 900, NULL, NULL), -EREMOTEIO);
}

static void test_load_stops_what_cannot_be_sent(void **state)
{
	static const struct bpfd_load_program program = { .type = BPFD_PROGRAM_XDP,
		                                          .function = "f" };
	struct bpfd_load_request request = { .object = "x",
		                             .programs = &program,
		                             .program_count = 1 };
	struct fixture *fixture = *state;
	struct bpfd_programs *programs = NULL;
	struct bpfd_error *error = NULL;

	assert_int_equal(bpfd_load(fixture->client, &request, &programs, NULL), -EINVAL);
	request.object_size = BPFD_OBJECT_SIZE_MAX + 1;
	assert_int_equal(bpfd_load(fixture->client, &request, &programs, &error), -EINVAL);
	assert_non_null(strstr(error->message, "16 MiB"));
	bpfd_error_free(error);
	request.object_size = 1;
	request.program_count = 0;
	assert_int_equal(bpfd_load(fixture->client, &request, &programs, NULL), -EINVAL);
	assert_int_equal(test_server_requests(fixture->server), 0);
}

static void test_load_of_the_largest_object(void **state)
{
	static const struct bpfd_load_program program = { .type = BPFD_PROGRAM_XDP,
		                                          .function = "f" };
	struct bpfd_load_request request = { .programs = &program, .program_count = 1 };
	struct fixture *fixture = *state;
	struct bpfd_programs *programs = NULL;
	uint8_t *object = malloc(BPFD_OBJECT_SIZE_MAX);

	assert_non_null(object);
	memset(object, 0x5a, BPFD_OBJECT_SIZE_MAX);
	request.object = object;
	request.object_size = BPFD_OBJECT_SIZE_MAX;
	assert_int_equal(bpfd_load(fixture->client, &request, &programs, NULL), 0);
	assert_int_equal(fixture->seen.request->load->object.len, BPFD_OBJECT_SIZE_MAX);
	bpfd_programs_free(programs);
	free(object);
}

struct worker {
	struct bpfd_client *client;
	uint64_t first;
	unsigned right;
};

static void *worker_run(void *argument)
{
	struct worker *worker = argument;

	for (uint64_t id = worker->first; id < worker->first + 20; id++) {
		if (bpfd_detach(worker->client, id, NULL, NULL) == 0)
			worker->right++;
	}
	return NULL;
}

static void test_threads_get_their_own_answers(void **state)
{
	struct fixture *fixture = *state;
	struct worker workers[8] = {};
	pthread_t threads[8];

	for (size_t i = 0; i < 8; i++) {
		workers[i].client = fixture->client;
		workers[i].first = 1 + i * 100;
		assert_int_equal(pthread_create(&threads[i], NULL, worker_run, &workers[i]), 0);
	}
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(workers[i].right, 20);
	}
	assert_int_equal(test_server_requests(fixture->server), 160);
}

static void test_words(void **state)
{
	enum bpfd_program_type type;
	enum bpfd_xdp_mode mode;
	int32_t action;

	(void)state;
	assert_string_equal(bpfd_program_type_name(BPFD_PROGRAM_TRACEPOINT), "tracepoint");
	assert_null(bpfd_program_type_name((enum bpfd_program_type)99));
	assert_string_equal(bpfd_link_state_name(BPFD_LINK_REMOVED), "removed");
	assert_true(bpfd_program_type_parse("xdp", &type) && type == BPFD_PROGRAM_XDP);
	assert_false(bpfd_program_type_parse("XDP", &type));
	assert_true(bpfd_xdp_mode_parse("generic", &mode) && mode == BPFD_XDP_MODE_GENERIC);
	assert_false(bpfd_xdp_mode_parse("", &mode));
	assert_true(bpfd_action_parse(BPFD_PROGRAM_XDP, "dispatcher_return", &action) &&
	            action == 31);
	assert_false(bpfd_action_parse(BPFD_PROGRAM_XDP, "5", &action));
	assert_null(bpfd_action_name(BPFD_PROGRAM_XDP, 5));
	assert_true(bpfd_action_parse(BPFD_PROGRAM_TC, "unspec", &action) && action == -1);
	assert_string_equal(bpfd_action_name(BPFD_PROGRAM_TC, 2), "shot");
	assert_false(bpfd_action_parse(BPFD_PROGRAM_TC, "drop", &action));
	assert_false(bpfd_action_parse(BPFD_PROGRAM_LSM, "pass", &action));
	assert_null(bpfd_action_name(BPFD_PROGRAM_NONE, 0));
	assert_string_equal(bpfd_error_code_name(BPFD_ERROR_LIMIT), "limit reached");
	assert_string_equal(bpfd_error_code_name((enum bpfd_error_code)99), "unknown error");
}

#define WORD_PARSES(word, number, name, parse)                                \
	do {                                                                  \
		typeof(number) parsed = 0;                                    \
		assert_true(parse(word, &parsed) && parsed == (number));      \
		assert_string_equal(name(number), word);                      \
		assert_false(parse("", &parsed) || parse(word " ", &parsed)); \
		assert_int_equal(parsed, number);                             \
		assert_null(name(0));                                         \
		assert_null(name(99));                                        \
	} while (0)

static void test_words_of_targets(void **state)
{
	enum bpfd_direction ingress = BPFD_DIRECTION_INGRESS, egress = BPFD_DIRECTION_EGRESS;
	enum bpfd_netfilter_family ipv6 = BPFD_NETFILTER_IPV6;
	enum bpfd_netfilter_hook input = BPFD_NETFILTER_INPUT;

	(void)state;
	WORD_PARSES("ingress", ingress, bpfd_direction_name, bpfd_direction_parse);
	WORD_PARSES("egress", egress, bpfd_direction_name, bpfd_direction_parse);
	WORD_PARSES("ipv6", ipv6, bpfd_netfilter_family_name, bpfd_netfilter_family_parse);
	WORD_PARSES("input", input, bpfd_netfilter_hook_name, bpfd_netfilter_hook_parse);
}

static void test_freeing_nothing(void **state)
{
	(void)state;
	bpfd_error_free(NULL);
	bpfd_client_close(NULL);
	bpfd_programs_free(NULL);
	bpfd_links_free(NULL);
	bpfd_link_free(NULL);
	bpfd_program_details_free(NULL);
	bpfd_status_free(NULL);
	bpfd_version_free(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WITH_SERVER(test_version_asks_and_answers),
		WITH_SERVER(test_load_sends_all_and_describes_programs),
		WITH_SERVER(test_request_ids),
		WITH_SERVER(test_lists_and_filters),
		WITH_SERVER(test_get_and_status),
		WITH_SERVER(test_refusal_carries_code_message_and_log),
		WITH_SERVER(test_load_stops_what_cannot_be_sent),
		WITH_SERVER(test_load_of_the_largest_object),
		WITH_SERVER(test_threads_get_their_own_answers),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_words_of_targets),
		cmocka_unit_test(test_freeing_nothing),
	};

	(void)alarm(120); /* a client that hangs is a failure, too */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
