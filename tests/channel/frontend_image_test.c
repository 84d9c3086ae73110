/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Images through the frontend: what fetchers are asked, what the broker is asked, what clients and
 * those who watch get. */
#include "fetcher_stage.h"

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define OPERATION(name) BPFD__V1__REQUEST__OPERATION_##name
#define RESULT(name) BPFD__V1__RESPONSE__RESULT_##name

static const char reference[] = STAGE_REFERENCE;

static Bpfd__V1__Response *answer_of(int fd, uint32_t id, Bpfd__V1__Response__ResultCase result)
{
	Bpfd__V1__Response *response = client_answer(fd, id);

	if (response->result_case == BPFD__V1__RESPONSE__RESULT_ERROR)
		fail_msg("an error: %s", response->error->message);
	assert_int_equal(response->result_case, result);
	return response;
}

/* The image of image_record(). */
static void expect_image(const Bpfd__V1__Image *image)
{
	const struct record_image record = image_record(reference);

	assert_non_null(image);
	assert_string_equal(image->reference, reference);
	assert_int_equal(image->digest.len, DIGEST_SIZE);
	assert_memory_equal(image->digest.data, record.digest, DIGEST_SIZE);
	assert_memory_equal(image->manifest_digest.data, record.manifest, DIGEST_SIZE);
	assert_memory_equal(image->layer_digest.data, record.layer, DIGEST_SIZE);
	assert_memory_equal(image->object_digest.data, record.object, DIGEST_SIZE);
	assert_int_equal(image->object_size, 1000);
	assert_int_equal(image->stored_size, 2000);
	assert_int_equal(image->pulled_at, 1700000000);
	assert_int_equal(image->used_at, 1700000001);
	assert_int_equal(image->signatures, 1);
	assert_string_equal(image->architecture, "amd64");
	assert_string_equal(image->programs_from, "label");
	assert_int_equal(image->n_programs, 1);
	assert_string_equal(image->programs[0]->name, "count");
	assert_string_equal(image->programs[0]->type, "xdp");
	assert_int_equal(image->n_maps, 1);
	assert_string_equal(image->maps[0]->name, "counters");
	assert_string_equal(image->maps[0]->type, "hash");
}

static void a_pull_is_one_fetchers_work(void **state)
{
	struct stage_fetcher fetcher = fetcher_open();
	struct record_image image = image_record(reference);
	int fd = client_open(&fixture), watcher = watcher_open();
	struct fetcher_progress progress = { FETCHER_STAGE_LAYER, 0, 10, 1000 };

	(void)state;
	ask_pull_as(fd, 1, "me", "secret word");

	struct fetcher_job job = fetcher_job(&fetcher);

	assert_int_equal(job.operation, FETCHER_PULL);
	assert_int_equal(job.pull_policy, IMAGE_PULL_IF_NOT_PRESENT);
	assert_int_equal(job.signatures, 0);
	assert_string_equal(job.reference, reference);
	assert_string_equal(job.username, "me");
	assert_string_equal(job.password, "secret word");
	fetcher_say(&fetcher, FETCHER_MESSAGE_PROGRESS, &progress, NULL);

	Bpfd__V1__Event *event = event_next(watcher, "image-progress");

	assert_string_equal(event->image_reference, reference);
	assert_string_equal(event->stage, "layer");
	assert_int_equal(event->done_bytes, 10);
	assert_int_equal(event->total_bytes, 1000);
	assert_memory_equal(event->request_id.data, request_id, sizeof(request_id));
	event_free(event);
	fetcher_image(&fetcher, &image);
	fetcher_done(&fetcher, 1, false);

	Bpfd__V1__Response *response = answer_of(fd, 1, RESULT(IMAGE_PULL));

	expect_image(response->image_pull->image);
	assert_false(response->image_pull->cached);
	assert_null(response->image_pull->verification);
	answer_free(response);
	event = event_next(watcher, "image-pull");
	assert_string_equal(event->image_reference, reference);
	event_free(event);
	fetcher_let_go(&fetcher);

	struct stage_fetcher next = fetcher_open(); /* for the next one */

	fetcher_end(&fetcher);
	ask_image(fd, 2, OPERATION(IMAGE_PULL));
	(void)fetcher_job(&next);
	fetcher_image(&next, &image);
	fetcher_done(&next, 1, true);
	response = answer_of(fd, 2, RESULT(IMAGE_PULL));
	assert_true(response->image_pull->cached);
	answer_free(response);
	(void)close(watcher);
	(void)close(fd);
}

static void what_is_cached_is_listed_shown_and_removed(void **state)
{
	struct stage_fetcher fetcher = fetcher_open();
	struct record_image image = image_record(reference);
	int fd = client_open(&fixture), watcher = watcher_open();
	Bpfd__V1__Response *response;

	(void)state;
	ask_image(fd, 1, OPERATION(IMAGE_LIST));
	assert_int_equal(fetcher_job(&fetcher).operation, FETCHER_LIST);
	for (int i = 0; i < 300; i++) {
		image.program_count = i == 0 ? 1 : LOAD_PROGRAMS_MAX;
		fetcher_image(&fetcher, &image);
	}
	fetcher_done(&fetcher, 300, true);
	response = answer_of(fd, 1, RESULT(IMAGE_LIST));
	assert_int_equal(response->image_list->n_images, 300);
	expect_image(response->image_list->images[0]);
	assert_int_equal(response->image_list->images[299]->n_programs, LOAD_PROGRAMS_MAX);
	assert_string_equal(response->image_list->images[299]->maps[0]->name, "counters");
	answer_free(response);
	fetcher_end(&fetcher);

	image = image_record(reference);
	fetcher = fetcher_open();
	ask_image(fd, 2, OPERATION(IMAGE_INSPECT));
	assert_int_equal(fetcher_job(&fetcher).operation, FETCHER_INSPECT);
	fetcher_image(&fetcher, &image);
	fetcher_done(&fetcher, 1, true);
	response = answer_of(fd, 2, RESULT(IMAGE_INSPECT));
	expect_image(response->image_inspect->image);
	answer_free(response);
	fetcher_end(&fetcher);

	fetcher = fetcher_open();
	ask_image(fd, 3, OPERATION(IMAGE_REMOVE));
	assert_int_equal(fetcher_job(&fetcher).operation, FETCHER_REMOVE);
	fetcher_image(&fetcher, &image);
	fetcher_done(&fetcher, 1, true);
	response = answer_of(fd, 3, RESULT(IMAGE_REMOVE));
	assert_int_equal(response->image_remove->n_images, 1);
	expect_image(response->image_remove->images[0]);
	answer_free(response);

	Bpfd__V1__Event *event = event_next(watcher, "image-remove");

	assert_string_equal(event->image_reference, reference);
	event_free(event);
	(void)close(watcher);
	(void)close(fd);
}

/* Both are sealed, and as long as the fetcher said. */
static void expect_memfds(const struct channel_message *message)
{
	assert_int_equal(lseek(message->descriptors[0], 0, SEEK_END), 1000);
	assert_true(fcntl(message->descriptors[0], F_GET_SEALS) & F_SEAL_WRITE);
	assert_true(fcntl(message->descriptors[1], F_GET_SEALS) & F_SEAL_WRITE);
}

static void object_give(const struct stage_fetcher *fetcher, const struct record_image *image)
{
	fetcher_image(fetcher, image);
	fetcher_object(fetcher, image);
	fetcher_done(fetcher, 1, true);
}

static void a_load_goes_on_to_the_broker(void **state)
{
	struct stage_fetcher fetcher = fetcher_open();
	struct record_image image = image_record(reference);
	int fd = client_open(&fixture), watcher = watcher_open();
	uint64_t program_id = 5;
	struct record_program row = row_program(program_id, 1, "count");

	(void)state;
	ask_load_image(fd, 1, NULL);

	struct fetcher_job job = fetcher_job(&fetcher);

	assert_int_equal(job.operation, FETCHER_OBJECT);
	assert_int_equal(job.signatures, 0);
	object_give(&fetcher, &image);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_LOAD_IMAGE);
	const struct frontend_load_image *load = message.body;

	assert_string_equal(load->image.reference, reference);
	assert_memory_equal(load->image.digest, image.digest, DIGEST_SIZE);
	assert_int_equal(load->load.program_count, 1);
	assert_string_equal(load->load.programs[0].function, "count");
	assert_int_equal(load->load.programs[0].type, BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_XDP);
	assert_int_equal(load->load.peer.uid, getuid());
	assert_memory_equal(load->load.request_id, request_id, sizeof(request_id));
	expect_memfds(&message);
	channel_message_close(&message);
	memcpy(row.image.reference, image.reference, sizeof(row.image.reference));
	memcpy(row.image.digest, image.digest, DIGEST_SIZE);
	row.verdict = (struct record_verdict){ .verdict = IMAGE_VERDICT_VERIFIED,
		                               .kind = IMAGE_RULE_KEY,
		                               .key = "/etc/bpfd/our.pub" };
	broker_send(&fixture, FRONTEND_PROGRAM, 0, &row, -1);
	broker_done(&fixture, message.id, &program_id, 1);

	Bpfd__V1__Response *response = answer_of(fd, 1, RESULT(LOAD));
	const Bpfd__V1__Source *source = response->load->programs[0]->source;

	assert_string_equal(source->kind, "image");
	assert_string_equal(source->name, reference);
	assert_memory_equal(source->image_digest.data, image.digest, DIGEST_SIZE);
	assert_true(source->verification->verified);
	assert_string_equal(source->verification->key, "/etc/bpfd/our.pub");
	answer_free(response);
	event_free(event_next(watcher, "load")); /* once, and somebody asked for it */
	ask_get_program(fd, 2, program_id);
	response = answer_of(fd, 2, RESULT(GET_PROGRAM));
	assert_string_equal(response->get_program->program->source->kind, "image");
	answer_free(response);
	(void)close(watcher);
	(void)close(fd);
}

/* As fetchers do it: whatever is said in one packet counts in its order. */
static void a_packet_says_all_of_it(void **state)
{
	struct stage_fetcher fetcher = fetcher_open();
	struct record_image image = image_record(reference);
	int fd = client_open(&fixture);

	(void)state;
	ask_load_image(fd, 1, NULL);

	struct channel_message message = broker_receive(&fixture);

	assert_int_equal(message.row->type, FRONTEND_LOAD_COMING);
	(void)fetcher_job(&fetcher);
	fetcher_packet_begin();
	object_give(&fetcher, &image);
	fetcher_done(&fetcher, 1, true); /* what follows the end is nobody's */
	fetcher_packet_end(&fetcher);
	message = broker_receive(&fixture);
	assert_int_equal(message.row->type, FRONTEND_LOAD_IMAGE);
	expect_memfds(&message);
	channel_message_close(&message);
	fetcher_let_go(&fetcher);
	(void)close(fd);
}

static void programs_that_are_named_are_loaded(void **state)
{
	struct stage_fetcher fetcher = fetcher_open();
	struct record_image image = image_record(reference);
	int fd = client_open(&fixture);

	(void)state;
	ask_load_image(fd, 1, "other");
	(void)fetcher_job(&fetcher);
	object_give(&fetcher, &image);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_LOAD_IMAGE);
	const struct frontend_load_image *load = message.body;

	assert_int_equal(load->load.program_count, 1);
	assert_string_equal(load->load.programs[0].function, "other");
	channel_message_close(&message);
	(void)close(fd);
}

/* What the object's sections are called is no type. */
static void an_objects_sections_say_its_types(void **state)
{
	struct stage_fetcher fetcher = fetcher_open();
	struct record_image image = image_record(reference);
	int fd = client_open(&fixture);

	(void)state;
	image.programs_from = IMAGE_PROGRAMS_FROM_OBJECT;
	ask_load_image(fd, 1, NULL);
	(void)fetcher_job(&fetcher);
	object_give(&fetcher, &image);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_LOAD_IMAGE);
	const struct frontend_load_image *load = message.body;

	assert_string_equal(load->load.programs[0].function, "count");
	assert_int_equal(load->load.programs[0].type, 0);
	channel_message_close(&message);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		imaged(a_pull_is_one_fetchers_work),
		imaged(what_is_cached_is_listed_shown_and_removed),
		imaged(a_load_goes_on_to_the_broker),
		imaged(a_packet_says_all_of_it),
		imaged(programs_that_are_named_are_loaded),
		imaged(an_objects_sections_say_its_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
