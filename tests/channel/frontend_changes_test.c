/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What clients see: answers from the view, changes through the broker, and what happens when one
 * side goes away. */
#include "frontend_fixture.h"

#include "common/memfd.h"
#include "common/program_type.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct fixture fixture;
static uint8_t request_id[16] = "0123456789abcde";

static int start(void **state)
{
	struct launcher_settings settings = fixture_settings();

	(void)state;
	fixture_start(&fixture, &settings);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fixture_serves(&fixture);
	assert_int_equal(fixture_stop(&fixture), 0);
	return 0;
}

static Bpfd__V1__Request request_new(Bpfd__V1__Request__OperationCase operation)
{
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;

	request.version = 1;
	request.operation_case = operation;
	request.request_id = (ProtobufCBinaryData){ .data = request_id, .len = sizeof(request_id) };
	return request;
}

static void ask_get_program(int fd, uint32_t id, uint64_t program_id)
{
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_GET_PROGRAM);
	Bpfd__V1__GetProgramRequest get = BPFD__V1__GET_PROGRAM_REQUEST__INIT;

	get.program_id = program_id;
	request.get_program = &get;
	client_ask(fd, id, &request);
}

static void ask_unload(int fd, uint32_t id, uint64_t program_id)
{
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_UNLOAD);
	Bpfd__V1__UnloadRequest unload = BPFD__V1__UNLOAD_REQUEST__INIT;

	unload.program_id = program_id;
	request.unload = &unload;
	client_ask(fd, id, &request);
}

static void ask_detach(int fd, uint32_t id, uint64_t link_id)
{
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_DETACH);
	Bpfd__V1__DetachRequest detach = BPFD__V1__DETACH_REQUEST__INIT;

	detach.link_id = link_id;
	request.detach = &detach;
	client_ask(fd, id, &request);
}

static void ask_load(int fd, uint32_t id, size_t object_size)
{
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_LOAD);
	Bpfd__V1__LoadRequest load = BPFD__V1__LOAD_REQUEST__INIT;
	Bpfd__V1__LoadProgram program = BPFD__V1__LOAD_PROGRAM__INIT;
	Bpfd__V1__LoadProgram *programs[] = { &program };
	uint8_t *object = calloc(1, object_size + 1);

	assert_non_null(object);
	program.type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_TRACEPOINT;
	program.function = (char *)(uintptr_t) "trace";
	load.programs = programs;
	load.n_programs = 1;
	load.object = (ProtobufCBinaryData){ .data = object, .len = object_size };
	request.load = &load;
	client_ask(fd, id, &request);
	free(object);
}

static void expect_error(Bpfd__V1__Response *response, int code, const char *text)
{
	assert_int_equal(response->result_case, BPFD__V1__RESPONSE__RESULT_ERROR);
	if (!strstr(response->error->message, text))
		fail_msg("\"%s\" is not in \"%s\"", text, response->error->message);
	assert_int_equal(response->error->code, code);
	answer_free(response);
}

static void expect_link(const Bpfd__V1__Link *link)
{
	assert_int_equal(link->id, 7);
	assert_int_equal(link->program_id, 1);
	assert_string_equal(link->program_name, "count");
	assert_int_equal(link->kernel_program_id, 101);
	assert_string_equal(link->interface, "veth0");
	assert_int_equal(link->state, BPFD__V1__LINK_STATE__LINK_STATE_ATTACHED);
	assert_int_equal(link->mode, BPFD__V1__XDP_MODE__XDP_MODE_NATIVE);
	assert_int_equal(link->position_option_case, BPFD__V1__LINK__POSITION_OPTION_POSITION);
	assert_int_equal(link->position, 1);
	assert_int_equal(link->n_proceed_on, 2);
	assert_int_equal(link->proceed_on[0], 2);
	assert_int_equal(link->proceed_on[1], 31);
}

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
	assert_int_equal(foreign->priority, 10);
	assert_int_equal(foreign->position, 0);
	assert_string_equal(foreign->interface, "veth0");
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
	assert_int_equal(response->status->n_features, 5);
	assert_string_equal(response->status->features[0]->name, "extension_programs");
	assert_false(response->status->features[0]->present);
	assert_non_null(strstr(response->status->features[0]->detail, "Operation not permitted"));
	assert_string_equal(response->status->features[3]->detail, "version 3");
	assert_string_equal(response->status->features[4]->name, "store_copy");
	assert_false(response->status->features[4]->present);
	assert_non_null(strstr(response->status->features[4]->detail, "No space left on device"));
	answer_free(response);
	(void)close(fd);
}

static void an_unload_goes_through(void **state)
{
	struct frontend_gone gone = { .kind = FRONTEND_GONE_PROGRAM, .id = 2 };
	int fd = client_open(&fixture);
	uint64_t id = 2;

	(void)state;
	ask_unload(fd, 1, id);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_UNLOAD);
	const struct frontend_remove *body = message.body;

	assert_int_equal(body->target_id, 2);
	assert_int_equal(body->peer.uid, 0);
	assert_int_equal(body->peer.pid, getpid());
	assert_memory_equal(body->request_id, request_id, sizeof(request_id));
	broker_send(&fixture, FRONTEND_GONE, 0, &gone, -1);
	broker_done(&fixture, message.id, &id, 1);

	Bpfd__V1__Response *response = client_answer(fd, 1);

	assert_int_equal(response->result_case, BPFD__V1__RESPONSE__RESULT_UNLOAD);
	assert_int_equal(response->unload->program_id, 2);
	answer_free(response);
	ask_get_program(fd, 2, 2);
	expect_error(client_answer(fd, 2), ERROR_NOT_FOUND, "there is no program 2");
	(void)close(fd);
}

static void an_attach_answers_the_link(void **state)
{
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_ATTACH);
	Bpfd__V1__AttachRequest attach = BPFD__V1__ATTACH_REQUEST__INIT;
	Bpfd__V1__XdpAttach xdp = BPFD__V1__XDP_ATTACH__INIT;
	struct record_link link = row_link(8, 1);
	uint32_t proceed_on[] = { 2, 31 };
	int fd = client_open(&fixture);

	(void)state;
	xdp.interface = (char *)(uintptr_t) "veth0";
	xdp.priority_option_case = BPFD__V1__XDP_ATTACH__PRIORITY_OPTION_PRIORITY;
	xdp.proceed_on = proceed_on;
	xdp.n_proceed_on = 2;
	attach.program_id = 1;
	attach.target_case = BPFD__V1__ATTACH_REQUEST__TARGET_XDP;
	attach.xdp = &xdp;
	request.attach = &attach;
	client_ask(fd, 1, &request);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_ATTACH);
	const struct frontend_attach *body = message.body;
	uint64_t gone_link = 99;

	assert_int_equal(body->type, PROGRAM_TYPE_XDP);
	assert_string_equal(body->xdp.interface, "veth0");
	assert_int_equal(body->xdp.proceed_on, 1u << 2 | 1u << 31);
	assert_int_equal(body->xdp.flags, XDP_TARGET_PRIORITY_SET | XDP_TARGET_PROCEED_ON_SET);
	broker_send(&fixture, FRONTEND_LINK, 0, &link, -1);
	broker_done(&fixture, message.id, &link.id, 1);

	Bpfd__V1__Response *response = client_answer(fd, 1);

	assert_int_equal(response->result_case, BPFD__V1__RESPONSE__RESULT_ATTACH);
	assert_int_equal(response->attach->link->id, 8);
	assert_string_equal(response->attach->link->program_name, "count");
	assert_int_equal(response->attach->link->position_option_case,
	                 BPFD__V1__LINK__POSITION_OPTION__NOT_SET);
	answer_free(response);
	client_ask(fd, 2, &request); /* a repeat, of which the link is gone since */
	message = broker_receive_type(&fixture, FRONTEND_ATTACH);
	broker_done(&fixture, message.id, &gone_link, 1);
	response = client_answer(fd, 2);
	assert_int_equal(response->attach->link->id, 99);
	answer_free(response);
	(void)close(fd);
}

static void a_refusal_carries_the_whole_log(void **state)
{
	const size_t log_size = 3u << 20;
	struct frontend_refused refused = { .error = { .code = ERROR_VERIFIER },
		                            .log_size = (uint32_t)log_size };
	uint8_t *log = malloc(log_size);
	int fd = client_open(&fixture);

	(void)state;
	assert_non_null(log);
	memset(log, 'v', log_size);
	strcpy(refused.error.message, "the verifier refuses \"trace\"");
	ask_load(fd, 1, 1000);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_LOAD);
	int log_fd = memfd_from_bytes("log", log, log_size);

	assert_true(log_fd >= 0);
	assert_int_equal(fcntl(message.descriptors[0], F_GET_SEALS),
	                 F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	assert_int_equal(lseek(message.descriptors[0], 0, SEEK_END), 1000);
	channel_message_close(&message);
	broker_send(&fixture, FRONTEND_REFUSED_WITH_LOG, message.id, &refused, log_fd);

	Bpfd__V1__Response *response = client_answer(fd, 1);

	assert_int_equal(response->result_case, BPFD__V1__RESPONSE__RESULT_ERROR);
	assert_int_equal(response->error->code, ERROR_VERIFIER);
	assert_string_equal(response->error->message, refused.error.message);
	assert_int_equal(response->error->verifier_log.len, log_size);
	assert_memory_equal(response->error->verifier_log.data, log, log_size);
	answer_free(response);
	free(log);
	(void)close(log_fd);
	(void)close(fd);
}

static void objects_have_a_size(void **state)
{
	int fd = client_open(&fixture);

	(void)state;
	ask_load(fd, 1, 0);
	expect_error(client_answer(fd, 1), ERROR_BAD_OBJECT, "the object is empty");
	ask_load(fd, 2, OBJECT_SIZE_MAX + 1);
	expect_error(client_answer(fd, 2), ERROR_BAD_OBJECT,
	             "the object is 16777217 bytes long: at most 16777216 are allowed");
	(void)close(fd);
}

/* The second request waits for the first one's answer; other clients do not. */
static void order_is_kept_on_a_connection(void **state)
{
	int fd = client_open(&fixture), other = client_open(&fixture);
	struct frontend_refused refused = { .error = { .code = ERROR_BUSY,
		                                       .message = "busy now" } };

	(void)state;
	ask_detach(fd, 1, 7);
	ask_get_program(fd, 2, 1);
	ask_detach(fd, 3, 8);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_DETACH);

	ask_get_program(other, 4, 1);
	answer_free(client_answer(other, 4));
	broker_send(&fixture, FRONTEND_REFUSED, message.id, &refused, -1);
	expect_error(client_answer(fd, 1), ERROR_BUSY, "busy now");
	answer_free(client_answer(fd, 2));
	message = broker_receive_type(&fixture, FRONTEND_DETACH);
	assert_int_equal(((const struct frontend_remove *)message.body)->target_id, 8);
	broker_send(&fixture, FRONTEND_REFUSED, message.id, &refused, -1);
	expect_error(client_answer(fd, 3), ERROR_BUSY, "busy now");
	(void)close(fd);
	(void)close(other);
}

static void a_client_that_goes_is_forgotten(void **state)
{
	struct frontend_refused refused = { .error = { .code = ERROR_BUSY } };
	uint64_t id = 7;

	(void)state;
	for (int i = 0; i < 200; i++) { /* more often than there are slots */
		int fd = client_open(&fixture);

		ask_detach(fd, 1, id);

		struct channel_message message = broker_receive_type(&fixture, FRONTEND_DETACH);

		(void)close(fd);
		fixture_serves(&fixture);
		if (i % 2)
			broker_done(&fixture, message.id, &id, 1);
		else
			broker_send(&fixture, FRONTEND_REFUSED, message.id, &refused, -1);
	}
}

/* Nobody reads the broker's channel: requests wait without holding up other clients, and are sent
 * when it is read. */
static void a_slow_broker_holds_up_nobody(void **state)
{
	int fds[40];

	(void)state;
	for (uint32_t i = 0; i < 40; i++) {
		fds[i] = client_open(&fixture);
		ask_load(fds[i], i, 100);
	}
	fixture_serves(&fixture);
	for (uint32_t i = 0; i < 40; i++) {
		struct channel_message message = broker_receive_type(&fixture, FRONTEND_LOAD);
		uint64_t id = 1000 + i;

		broker_done(&fixture, message.id, &id, 1);
		channel_message_close(&message);
	}
	for (uint32_t i = 0; i < 40; i++) {
		Bpfd__V1__Response *response = client_answer(fds[i], i);

		assert_int_equal(response->load->n_programs, 1);
		assert_int_equal(response->load->programs[0]->id, 1000 + i);
		answer_free(response);
		(void)close(fds[i]);
	}
}

/* One user's objects may take half the budget: four of the largest wait for the broker, the fifth
 * is told so. */
static void objects_have_a_budget(void **state)
{
	int fds[6];
	uint64_t ids[4];
	uint64_t id = 1;

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		fds[i] = client_open(&fixture);
		ask_load(fds[i], i, OBJECT_SIZE_MAX - 65536);

		struct channel_message message = broker_receive_type(&fixture, FRONTEND_LOAD);

		ids[i] = message.id;
		channel_message_close(&message);
	}
	fds[4] = client_open(&fixture);
	ask_load(fds[4], 4, OBJECT_SIZE_MAX - 65536);
	expect_error(client_answer(fds[4], 4), ERROR_LIMIT, "bpfd holds too many bytes");
	for (uint32_t i = 0; i < 4; i++) {
		broker_done(&fixture, ids[i], &id, 1);
		answer_free(client_answer(fds[i], i));
	}
	ask_load(fds[4], 5, OBJECT_SIZE_MAX - 65536);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_LOAD);

	broker_done(&fixture, message.id, &id, 1);
	channel_message_close(&message);
	answer_free(client_answer(fds[4], 5));
	for (uint32_t i = 0; i < 5; i++)
		(void)close(fds[i]);
}

static void half_closed_clients_are_answered(void **state)
{
	int fd = client_open(&fixture);
	uint64_t id = 7;

	(void)state;
	ask_detach(fd, 1, 7);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_DETACH);

	(void)usleep(20000);
	broker_done(&fixture, message.id, &id, 1);
	answer_free(client_answer(fd, 1));
	assert_true(client_closed(fd));
	(void)close(fd);
}

/* The following end the frontend, loudly. */
static void expect_end(const char *text)
{
	assert_true(fixture_logged(&fixture, text));
	assert_int_equal(fixture_wait(&fixture), 1);
}

static void the_brokers_end_is_the_end(void **state)
{
	(void)state;
	assert_int_equal(shutdown(fixture.broker.fd, SHUT_RDWR), 0);
	expect_end("the broker's channel ends");
}

static void the_launchers_end_is_the_end(void **state)
{
	(void)state;
	assert_int_equal(shutdown(fixture.launcher.fd, SHUT_RDWR), 0);
	expect_end("the launcher's channel ends");
}

static void an_answer_to_nothing_is_the_end(void **state)
{
	uint64_t id = 7;

	(void)state;
	broker_done(&fixture, 0x10000, &id, 1);
	expect_end("which nobody asked");
}

static void an_impossible_row_is_the_end(void **state)
{
	struct record_program row = row_program(5, PROGRAM_TYPE_XDP, "x");

	(void)state;
	row.map_count = LOAD_MAPS_MAX + 1;
	broker_send(&fixture, FRONTEND_PROGRAM, 0, &row, -1);
	expect_end("the broker's PROGRAM cannot be taken");
}

static void a_second_view_is_the_end(void **state)
{
	(void)state;
	broker_send(&fixture, FRONTEND_VIEW_COMPLETE, 0, NULL, -1);
	expect_end("the broker's channel ends: Protocol error");
}

static void a_log_that_is_none_is_the_end(void **state)
{
	struct frontend_refused refused = { .error = { .code = ERROR_VERIFIER }, .log_size = 100 };
	int fd = client_open(&fixture), log_fd = memfd_from_bytes("log", "short", 5);

	(void)state;
	ask_load(fd, 1, 10);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_LOAD);

	channel_message_close(&message);
	broker_send(&fixture, FRONTEND_REFUSED_WITH_LOG, message.id, &refused, log_fd);
	expect_end("a verifier log that is not as it says");
	(void)close(fd);
	(void)close(log_fd);
}

static void answers_are_finished_after_stop(void **state)
{
	static const unsigned char list[] = { 0x08, 0x01, 0x3a, 0x00 };
	int fd = client_open(&fixture);

	(void)state;
	for (uint64_t id = 100; id < 700; id++) {
		struct record_program row = row_program(id, PROGRAM_TYPE_XDP, "many");

		broker_send(&fixture, FRONTEND_PROGRAM, 0, &row, -1);
	}
	client_ask_raw(fd, 1, list, sizeof(list));
	(void)usleep(200000); /* 600 programs do not fit a socket's buffer: the answer waits */
	assert_int_equal(channel_send(&fixture.launcher, LAUNCHER_STOP, 0, NULL, NULL), 0);
	(void)usleep(50000);

	Bpfd__V1__Response *response = client_answer(fd, 1);

	assert_int_equal(response->list_programs->n_programs, 602);
	answer_free(response);
	assert_true(client_closed(fd));
	(void)close(fd);
	assert_int_equal(fixture_wait(&fixture), 0);
}

/* Who stops first does not matter. */
static void a_broker_that_stops_too_is_no_failure(void **state)
{
	(void)state;
	assert_int_equal(kill(fixture.pid, SIGSTOP), 0);
	assert_int_equal(channel_send(&fixture.launcher, LAUNCHER_STOP, 0, NULL, NULL), 0);
	assert_int_equal(shutdown(fixture.broker.fd, SHUT_RDWR), 0);
	assert_int_equal(kill(fixture.pid, SIGCONT), 0);
	assert_int_equal(fixture_wait(&fixture), 0);
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

#define served(test) cmocka_unit_test_setup_teardown(test, start, stop)
#define ended(test) cmocka_unit_test_setup(test, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		served(get_program_shows_everything),
		served(unknown_ids_are_named),
		served(lists_are_filtered),
		served(foreign_programs_are_listed),
		served(status_tells_what_is_missing),
		served(an_unload_goes_through),
		served(an_attach_answers_the_link),
		served(a_refusal_carries_the_whole_log),
		served(objects_have_a_size),
		served(order_is_kept_on_a_connection),
		served(a_client_that_goes_is_forgotten),
		served(a_slow_broker_holds_up_nobody),
		served(objects_have_a_budget),
		served(half_closed_clients_are_answered),
		ended(the_brokers_end_is_the_end),
		ended(the_launchers_end_is_the_end),
		ended(an_answer_to_nothing_is_the_end),
		ended(an_impossible_row_is_the_end),
		ended(a_second_view_is_the_end),
		ended(a_log_that_is_none_is_the_end),
		ended(answers_are_finished_after_stop),
		ended(a_broker_that_stops_too_is_no_failure),
		cmocka_unit_test(nothing_is_served_before_the_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
