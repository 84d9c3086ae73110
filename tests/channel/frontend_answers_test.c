/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What clients see of the view: programs, links, lists and the status. */
#include "frontend_requests.h"

#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void get_program_shows_everything(void **state)
{
	int fd = client_open(&fixture);

	(void)state;
	ask_get_program(fd, 1, 1);

	Bpfd__V1__Response *response = client_answer(fd, 1);
	const Bpfd__V1__Program *program = response->get_program->program;

	assert_int_equal(response->result_case, BPFD__V1__RESPONSE__RESULT_GET_PROGRAM);
	assert_string_equal(program->name, "count");
	assert_int_equal(program->type, BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_XDP);
	assert_string_equal(program->application, "shop");
	assert_string_equal(program->source->kind, "file");
	assert_string_equal(program->source->name, "counter.o");
	assert_int_equal(program->source->digest.len, 32);
	assert_string_equal(program->kernel->type, "ext");
	assert_int_equal(program->kernel->id, 101);
	assert_int_equal(program->kernel->tag.len, 8);
	assert_true(program->kernel->gpl_compatible);
	assert_int_equal(program->kernel->n_map_ids, 2);
	assert_int_equal(program->kernel->map_ids[1], 12);
	assert_false(program->exclusive);
	assert_string_equal(program->map_pin_dir, "/sys/fs/bpf/bpfd/maps/1");
	assert_int_equal(program->n_maps, 2);
	assert_string_equal(program->maps[0]->type, "percpu_array");
	assert_string_equal(program->maps[0]->pin, "/sys/fs/bpf/bpfd/maps/1/counters");
	assert_string_equal(program->maps[1]->type, "type_200");
	assert_string_equal(program->maps[1]->pin, "/sys/fs/bpf/bpfd/maps/1/_rodata_str");
	assert_int_equal(program->n_metadata, 1);
	assert_string_equal(program->metadata[0]->value, "net");
	assert_int_equal(program->n_link_ids, 1);
	assert_int_equal(program->link_ids[0], 7);
	assert_int_equal(response->get_program->n_links, 1);
	expect_link(response->get_program->links[0]);
	answer_free(response);
	(void)close(fd);
}

static void unknown_ids_are_named(void **state)
{
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_GET_LINK);
	Bpfd__V1__GetLinkRequest get = BPFD__V1__GET_LINK_REQUEST__INIT;
	int fd = client_open(&fixture);

	(void)state;
	ask_get_program(fd, 1, 4711);
	expect_error(client_answer(fd, 1), ERROR_NOT_FOUND, "there is no program 4711");
	get.link_id = 4712;
	request.get_link = &get;
	client_ask(fd, 2, &request);
	expect_error(client_answer(fd, 2), ERROR_NOT_FOUND, "there is no link 4712");
	get.link_id = 0;
	client_ask(fd, 3, &request);
	expect_error(client_answer(fd, 3), ERROR_INVALID_ARGUMENT, "get_link.link_id is 0");
	(void)close(fd);
}

static size_t list_programs(int fd, Bpfd__V1__ListProgramsRequest *list, uint64_t *first)
{
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_LIST_PROGRAMS);

	request.list_programs = list;
	client_ask(fd, 9, &request);

	Bpfd__V1__Response *response = client_answer(fd, 9);

	assert_int_equal(response->result_case, BPFD__V1__RESPONSE__RESULT_LIST_PROGRAMS);

	size_t count = response->list_programs->n_programs;

	*first = count ? response->list_programs->programs[0]->id : 0;
	answer_free(response);
	return count;
}

static void lists_are_filtered(void **state)
{
	Bpfd__V1__ListProgramsRequest list = BPFD__V1__LIST_PROGRAMS_REQUEST__INIT;
	Bpfd__V1__Metadata metadata = BPFD__V1__METADATA__INIT;
	Bpfd__V1__Metadata *all[] = { &metadata };
	int fd = client_open(&fixture);
	uint64_t first;

	(void)state;
	assert_int_equal(list_programs(fd, &list, &first), 2);
	assert_int_equal(first, 1);
	list.type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_TRACEPOINT;
	assert_int_equal(list_programs(fd, &list, &first), 1);
	assert_int_equal(first, 2);
	list.type = 0;
	list.application = (char *)(uintptr_t) "shop";
	assert_int_equal(list_programs(fd, &list, &first), 1);
	assert_int_equal(first, 1);
	list.application = (char *)(uintptr_t) "";
	metadata.key = (char *)(uintptr_t) "team";
	metadata.value = (char *)(uintptr_t) "net";
	list.metadata = all;
	list.n_metadata = 1;
	assert_int_equal(list_programs(fd, &list, &first), 2);
	metadata.value = (char *)(uintptr_t) "storage";
	assert_int_equal(list_programs(fd, &list, &first), 0);
	(void)close(fd);
}

static void foreign_programs_are_listed(void **state)
{
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_LIST_LINKS);
	Bpfd__V1__ListLinksRequest list = BPFD__V1__LIST_LINKS_REQUEST__INIT;
	int fd = client_open(&fixture);

	(void)state;
	request.list_links = &list;
	client_ask(fd, 1, &request);

	Bpfd__V1__Response *response = client_answer(fd, 1);

	assert_int_equal(response->list_links->n_links, 2);
	expect_link(response->list_links->links[0]);

	const Bpfd__V1__Link *foreign = response->list_links->links[1];

	assert_int_equal(foreign->id, 0);
	assert_int_equal(foreign->program_id, 0);
	assert_string_equal(foreign->program_name, "foreign");
	assert_int_equal(foreign->kernel_program_id, 555);
	assert_int_equal(foreign->target->priority, 10);
	assert_int_equal(foreign->position, 0);
	assert_string_equal(foreign->target->interface, "veth0");
	answer_free(response);
	list.program_option_case = BPFD__V1__LIST_LINKS_REQUEST__PROGRAM_OPTION_PROGRAM_ID;
	list.program_id = 2;
	client_ask(fd, 2, &request);
	response = client_answer(fd, 2);
	assert_int_equal(response->result_case, BPFD__V1__RESPONSE__RESULT_LIST_LINKS);
	assert_int_equal(response->list_links->n_links, 0);
	answer_free(response);
	list.program_id = 3;
	client_ask(fd, 3, &request);
	expect_error(client_answer(fd, 3), ERROR_NOT_FOUND, "there is no program 3");
	(void)close(fd);
}

static void status_tells_what_is_missing(void **state)
{
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_STATUS);
	Bpfd__V1__StatusRequest status = BPFD__V1__STATUS_REQUEST__INIT;
	int fd = client_open(&fixture);

	(void)state;
	request.status = &status;
	client_ask(fd, 1, &request);

	Bpfd__V1__Response *response = client_answer(fd, 1);

	assert_string_equal(response->status->kernel_release, "6.1.0-test");
	assert_int_equal(response->status->programs, 2);
	assert_int_equal(response->status->links, 1);
	assert_int_equal(response->status->interfaces, 1);
	assert_int_equal(response->status->connections, 1);
	assert_int_equal(response->status->n_features, 10);
	assert_string_equal(response->status->features[0]->name, "extension_programs");
	assert_false(response->status->features[0]->present);
	assert_non_null(strstr(response->status->features[0]->detail, "Operation not permitted"));
	assert_string_equal(response->status->features[3]->detail, "version 3");
	assert_string_equal(response->status->features[4]->name, "store_copy");
	assert_false(response->status->features[4]->present);
	assert_non_null(strstr(response->status->features[4]->detail, "No space left on device"));
	assert_string_equal(response->status->features[6]->name, "images");
	assert_true(response->status->features[6]->present);
	assert_string_equal(response->status->features[6]->detail, "3 rules want signatures");
	assert_string_equal(response->status->features[7]->name, "signed_only");
	assert_false(response->status->features[7]->present);
	answer_free(response);
	(void)close(fd);
}

static void nothing_is_served_before_the_view(void **state)
{
	struct launcher_settings settings = fixture_settings();
	unsigned char byte;
	int fd;

	(void)state;
	fixture_start_bare(&fixture, &settings);
	fd = client_connect(&fixture);
	(void)usleep(100000);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(recv(fixture.launcher.fd, &byte, 1, MSG_DONTWAIT), -1);
	broker_send(&fixture, FRONTEND_VIEW_COMPLETE, 0, NULL, -1);
	client_read(fd, &byte, 1);
	(void)close(fd);
	assert_int_equal(fixture_stop(&fixture), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served(get_program_shows_everything),
		served(unknown_ids_are_named),
		served(lists_are_filtered),
		served(foreign_programs_are_listed),
		served(status_tells_what_is_missing),
		cmocka_unit_test(nothing_is_served_before_the_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
