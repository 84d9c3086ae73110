/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Everything that the kernel has, as the broker hands it on: in slices, as iterators, and as nobody
 * may. */
#include "frontend_requests.h"

#include "common/memfd.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MANY 2000 /* records: more than one read takes */

static struct kernel_program kernel_program(uint32_t id, const char *name)
{
	struct kernel_program record = { .id = id, .type = 6, .attach_type = KERNEL_UNKNOWN };

	strncpy(record.name, name, sizeof(record.name) - 1);
	return record;
}

static void ask_all(int fd, uint32_t id, uint32_t statistics)
{
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_LIST_PROGRAMS);
	Bpfd__V1__ListProgramsRequest list = BPFD__V1__LIST_PROGRAMS_REQUEST__INIT;

	list.all = 1;
	list.statistics = statistics;
	request.list_programs = &list;
	client_ask(fd, id, &request);
}

static Bpfd__V1__Response *list_answer(int fd, uint32_t id)
{
	Bpfd__V1__Response *response = client_answer(fd, id);

	if (response->result_case != BPFD__V1__RESPONSE__RESULT_LIST_PROGRAMS)
		fail_msg("%s", response->result_case == BPFD__V1__RESPONSE__RESULT_ERROR
		                       ? response->error->message
		                       : "no answer to a list");
	return response;
}

/* The question that the broker gets: its message id. */
static uint64_t question(uint32_t kind, uint32_t after_id)
{
	struct channel_message message = broker_receive_type(&fixture, FRONTEND_KERNEL_LIST);
	const struct frontend_kernel_list *body = message.body;

	assert_int_equal(body->kind, kind);
	assert_int_equal(body->after_id, after_id);
	return message.id;
}

static void slice_send(uint64_t id, const void *bytes, size_t size, uint32_t count, uint32_t more)
{
	const struct frontend_kernel_records records = {
		.form = FRONTEND_KERNEL_SLICE, .count = count, .more = more, .statistics = 1
	};
	int fd = memfd_from_bytes("records", bytes, size);

	assert_true(fd >= 0);
	broker_send(&fixture, FRONTEND_KERNEL_RECORDS, id, &records, fd);
	(void)close(fd);
}

/* A pipe stands for an iterator: what is written comes, then the end. */
static int iterator_send(uint64_t id)
{
	const struct frontend_kernel_records records = { .form = FRONTEND_KERNEL_ITERATOR };
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	broker_send(&fixture, FRONTEND_KERNEL_RECORDS, id, &records, ends[0]);
	(void)close(ends[0]);
	return ends[1];
}

static void pipe_write(int fd, const void *bytes, size_t size)
{
	assert_int_equal(write(fd, bytes, size), size);
}

static void slices_are_put_together(void **state)
{
	struct kernel_program records[3] = { kernel_program(3, "a\x1b"), kernel_program(70, "b"),
		                             kernel_program(71, "c") };
	int fd = client_open(&fixture);

	(void)state;
	records[2].run_count = 9;
	records[2].map_count = 2;
	records[2].map_ids[1] = 55;
	ask_all(fd, 1, 7);
	slice_send(question(KERNEL_KIND_PROGRAM, 0), records, 2 * sizeof(records[0]), 2, 1);
	slice_send(question(KERNEL_KIND_PROGRAM, 70), &records[2], sizeof(records[0]), 1, 0);

	Bpfd__V1__Response *response = list_answer(fd, 1);
	const Bpfd__V1__ListProgramsResponse *list = response->list_programs;

	assert_int_equal(list->n_programs, 5);
	assert_true(list->statistics);
	assert_int_equal(list->programs[0]->id, 1);
	assert_int_equal(list->programs[2]->id, 0);
	assert_string_equal(list->programs[2]->name, "a?");
	assert_int_equal(list->programs[2]->type, BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_XDP);
	assert_string_equal(list->programs[4]->kernel->type, "xdp");
	assert_int_equal(list->programs[4]->kernel->run_count, 9);
	assert_int_equal(list->programs[4]->kernel->n_map_ids, 2);
	assert_int_equal(list->programs[4]->kernel->map_ids[1], 55);
	answer_free(response);
	(void)close(fd);
}

/* Others are served while one is read, and a record may come in two pieces. */
static void iterators_are_read_to_their_end(void **state)
{
	struct kernel_program record = kernel_program(1, "many");
	int fd = client_open(&fixture), end;

	(void)state;
	ask_all(fd, 1, 0);
	end = iterator_send(question(KERNEL_KIND_PROGRAM, 0));
	for (uint32_t i = 1; i <= MANY; i++) {
		record.id = i;
		if (i == MANY / 2) {
			pipe_write(end, &record, 100);
			pipe_write(end, (const char *)&record + 100, sizeof(record) - 100);
		} else {
			pipe_write(end, &record, sizeof(record));
		}
	}
	(void)close(end);

	Bpfd__V1__Response *response = list_answer(fd, 1);

	assert_true(response->list_programs->n_programs >= MANY);
	answer_free(response);
	fixture_serves(&fixture);
	(void)close(fd);
}

static void nothing_is_an_answer(void **state)
{
	int fd = client_open(&fixture);

	(void)state;
	ask_all(fd, 1, 0);
	(void)close(iterator_send(question(KERNEL_KIND_PROGRAM, 0)));

	Bpfd__V1__Response *response = list_answer(fd, 1);

	assert_int_equal(response->list_programs->n_programs, 2);
	answer_free(response);
	(void)close(fd);
}

static void every_kind_is_asked_for(void **state)
{
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_GET_PROGRAM);
	Bpfd__V1__GetProgramRequest get = BPFD__V1__GET_PROGRAM_REQUEST__INIT;
	struct kernel_program program = kernel_program(4711, "theirs");
	struct kernel_map map = { .id = 12, .type = 1, .name = "table" };
	struct kernel_link links[] = { { 1, 6, 4710, 2 }, { 2, 6, 4711, 3 }, { 3, 99, 4711, 0 } };
	int fd = client_open(&fixture);

	(void)state;
	program.map_count = 2;
	program.map_ids[0] = 12;
	program.map_ids[1] = 13; /* gone meanwhile */
	get.kernel_id = 4711;
	request.get_program = &get;
	client_ask(fd, 1, &request);
	slice_send(question(KERNEL_KIND_PROGRAM, 0), &program, sizeof(program), 1, 0);
	slice_send(question(KERNEL_KIND_MAP, 0), &map, sizeof(map), 1, 0);
	slice_send(question(KERNEL_KIND_LINK, 0), links, sizeof(links), 3, 0);

	Bpfd__V1__Response *response = client_answer(fd, 1);

	assert_int_equal(response->result_case, BPFD__V1__RESPONSE__RESULT_GET_PROGRAM);
	assert_int_equal(response->get_program->program->n_maps, 1);
	assert_string_equal(response->get_program->program->maps[0]->type, "hash");
	assert_int_equal(response->get_program->n_links, 2);
	assert_string_equal(response->get_program->links[0]->kernel_type, "xdp");
	assert_int_equal(response->get_program->links[0]->ifindex, 3);
	assert_string_equal(response->get_program->links[1]->kernel_type, "type_99");
	answer_free(response);
	/* one that is not there */
	get.kernel_id = 4712;
	client_ask(fd, 2, &request);
	slice_send(question(KERNEL_KIND_PROGRAM, 0), &program, sizeof(program), 1, 0);
	slice_send(question(KERNEL_KIND_MAP, 0), NULL, 0, 0, 0);
	slice_send(question(KERNEL_KIND_LINK, 0), NULL, 0, 0, 0);
	expect_error(client_answer(fd, 2), ERROR_NOT_FOUND, "the kernel has no program 4712");
	(void)close(fd);
}

static void a_refusal_reaches_the_client(void **state)
{
	struct frontend_refused refused = { .error = { ERROR_UNSUPPORTED, "no list today" } };
	int fd = client_open(&fixture);

	(void)state;
	ask_all(fd, 1, 0);
	broker_send(&fixture, FRONTEND_REFUSED, question(KERNEL_KIND_PROGRAM, 0), &refused, -1);
	expect_error(client_answer(fd, 1), ERROR_UNSUPPORTED, "no list today");
	/* the connection goes on */
	ask_get_program(fd, 2, 99);
	expect_error(client_answer(fd, 2), ERROR_NOT_FOUND, "there is no program 99");
	(void)close(fd);
}

static void clients_may_go_meanwhile(void **state)
{
	struct kernel_program record = kernel_program(1, "one");
	int fd = client_open(&fixture), end;
	uint64_t id;

	(void)state;
	ask_all(fd, 1, 0);
	id = question(KERNEL_KIND_PROGRAM, 0);
	(void)close(fd);
	fixture_serves(&fixture); /* and has seen it go */
	slice_send(id, &record, sizeof(record), 1, 1);
	fd = client_open(&fixture);
	ask_all(fd, 1, 0);
	end = iterator_send(question(KERNEL_KIND_PROGRAM, 0));
	pipe_write(end, &record, sizeof(record));
	(void)close(fd);
	(void)close(end);
	fixture_serves(&fixture);
}

static void values_that_cannot_be(void **state)
{
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_GET_PROGRAM);
	Bpfd__V1__GetProgramRequest get = BPFD__V1__GET_PROGRAM_REQUEST__INIT;
	int fd = client_open(&fixture);

	(void)state;
	ask_all(fd, 1, STATISTICS_S_MAX + 1);
	expect_error(client_answer(fd, 1), ERROR_INVALID_ARGUMENT, "at most 300 seconds");
	get.program_id = get.kernel_id = 1;
	request.get_program = &get;
	client_ask(fd, 2, &request);
	expect_error(client_answer(fd, 2), ERROR_INVALID_ARGUMENT, "give one of them");
	(void)close(fd);
}

static void descending_ids_end_the_frontend(void **state)
{
	struct kernel_program records[2] = { kernel_program(3, "a"), kernel_program(2, "b") };

	(void)state;
	ask_all(client_open(&fixture), 1, 0);
	slice_send(question(KERNEL_KIND_PROGRAM, 0), records, sizeof(records), 2, 0);
	expect_end("the kernel's list of kind 0 cannot be");
}

static void half_a_record_ends_the_frontend(void **state)
{
	struct kernel_program record = kernel_program(3, "a");
	int end;

	(void)state;
	ask_all(client_open(&fixture), 1, 0);
	end = iterator_send(question(KERNEL_KIND_PROGRAM, 0));
	pipe_write(end, &record, sizeof(record) - 1);
	(void)close(end);
	expect_end("the kernel's list of kind 0 cannot be");
}

static void a_short_slice_ends_the_frontend(void **state)
{
	struct kernel_program record = kernel_program(3, "a");

	(void)state;
	ask_all(client_open(&fixture), 1, 0);
	slice_send(question(KERNEL_KIND_PROGRAM, 0), &record, sizeof(record), 2, 0);
	expect_end("a list that is not as it says");
}

static void too_long_a_slice_ends_the_frontend(void **state)
{
	struct kernel_program record = kernel_program(3, "a");

	(void)state;
	ask_all(client_open(&fixture), 1, 0);
	slice_send(question(KERNEL_KIND_PROGRAM, 0), &record, sizeof(record), 257, 0);
	expect_end("a list in no form that there is");
}

static void done_is_no_list(void **state)
{
	uint64_t id = 5;

	(void)state;
	ask_all(client_open(&fixture), 1, 0);
	broker_done(&fixture, question(KERNEL_KIND_PROGRAM, 0), &id, 1);
	expect_end("the broker answers DONE");
}

static void a_list_is_no_change(void **state)
{
	struct kernel_program record = kernel_program(3, "a");

	(void)state;
	ask_unload(client_open(&fixture), 1, 1);
	slice_send(broker_receive_type(&fixture, FRONTEND_UNLOAD).id, &record, sizeof(record), 1,
	           0);
	expect_end("the broker answers KERNEL_RECORDS");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served(slices_are_put_together),
		served(iterators_are_read_to_their_end),
		served(nothing_is_an_answer),
		served(every_kind_is_asked_for),
		served(a_refusal_reaches_the_client),
		served(clients_may_go_meanwhile),
		served(values_that_cannot_be),
		ended(descending_ids_end_the_frontend),
		ended(half_a_record_ends_the_frontend),
		ended(a_short_slice_ends_the_frontend),
		ended(too_long_a_slice_ends_the_frontend),
		ended(done_is_no_list),
		ended(a_list_is_no_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
