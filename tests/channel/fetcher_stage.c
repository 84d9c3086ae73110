/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fetcher_stage.h"

#include "common/memfd.h"
#include "proto/evidence.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* WORKER_STARTs that came while a WORKER_KILL was waited for: when the next one is started is
 * nothing that a test knows. */
static struct stage_fetcher early[16];
static size_t early_count;

static int stage_start(const struct launcher_settings *settings)
{
	early_count = 0;
	fixture_start(&fixture, settings);
	return 0;
}

static struct launcher_settings images_settings(void)
{
	struct launcher_settings settings = fixture_settings();

	settings.images = 2;
	settings.image_rules = 0;
	settings.fetch_timeout_ms = 60000;
	return settings;
}

int images_start(void **state)
{
	struct launcher_settings settings = images_settings();

	(void)state;
	return stage_start(&settings);
}

int images_rules_start(void **state)
{
	struct launcher_settings settings = images_settings();

	(void)state;
	settings.image_rules = 2;
	return stage_start(&settings);
}

int images_signed_only_start(void **state)
{
	struct launcher_settings settings = images_settings();

	(void)state;
	settings.signed_only = 1;
	return stage_start(&settings);
}

int images_hasty_start(void **state)
{
	struct launcher_settings settings = images_settings();

	(void)state;
	settings.fetch_timeout_ms = 1;
	return stage_start(&settings);
}

static struct channel_message launcher_next(void)
{
	struct channel_message message;

	assert_int_equal(channel_receive(&fixture.launcher, LAUNCHER_STATE_RUNNING, &fixture.buffer,
	                                 &message),
	                 0);
	return message;
}

static struct stage_fetcher started_take(const struct channel_message *message)
{
	const struct launcher_worker_start *start = message->body;
	struct timeval wait = { .tv_sec = 10 };

	assert_int_equal(message->row->type, LAUNCHER_WORKER_START);

	assert_int_equal(start->kind, WORKER_FETCHER);
	assert_int_equal(
		setsockopt(message->descriptors[0], SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)),
		0);
	return (struct stage_fetcher){
		.channel = { message->descriptors[0], CHANNEL_LOWER, &channel_fetcher },
		.id = message->id,
	};
}

struct stage_fetcher fetcher_start(void)
{
	if (early_count)
		return early[--early_count];

	struct channel_message message = launcher_next();

	return started_take(&message);
}

struct stage_fetcher fetcher_open(void)
{
	struct stage_fetcher fetcher = fetcher_start();

	fetcher_say(&fetcher, FETCHER_MESSAGE_WARM, NULL, NULL);
	return fetcher;
}

void fetcher_gone(const struct stage_fetcher *fetcher, uint32_t pid, int wait_status)
{
	struct launcher_worker_gone gone = { .pid = pid, .wait_status = wait_status };

	assert_int_equal(
		channel_send(&fixture.launcher, LAUNCHER_WORKER_GONE, fetcher->id, &gone, NULL), 0);
}

void fetcher_end(struct stage_fetcher *fetcher)
{
	(void)close(fetcher->channel.fd);
	fetcher_gone(fetcher, 4711, 0);
}

void fetcher_killed(struct stage_fetcher *fetcher)
{
	struct channel_message message = launcher_next();

	while (message.row->type != LAUNCHER_WORKER_KILL) {
		assert_in_range(early_count, 0, 15);
		early[early_count++] = started_take(&message);
		message = launcher_next();
	}
	assert_true(message.id == fetcher->id);
	(void)close(fetcher->channel.fd);
	fetcher_gone(fetcher, 4711, 9);
}

void fetcher_let_go(const struct stage_fetcher *fetcher)
{
	char byte;

	assert_int_equal(recv(fetcher->channel.fd, &byte, 1, 0), 0);
}

struct fetcher_job fetcher_job(const struct stage_fetcher *fetcher)
{
	struct channel_message message;
	struct fetcher_job job;

	assert_int_equal(
		channel_receive(&fetcher->channel, FETCHER_STATE_WARM, &fixture.buffer, &message),
		0);
	assert_int_equal(message.row->type, FETCHER_MESSAGE_JOB);
	memcpy(&job, message.body, sizeof(job));
	return job;
}

static struct channel_outbox packet;
static bool packing;

void fetcher_packet_begin(void)
{
	packing = true;
}

void fetcher_packet_end(const struct stage_fetcher *fetcher)
{
	const size_t count = packet.descriptor_count;

	packing = false;
	assert_int_equal(channel_flush(&fetcher->channel, &packet), 0);
	/* it leaves the numbers where they were */
	for (size_t i = 0; i < count; i++)
		(void)close(packet.descriptors[i]);
}

/* A packet keeps descriptors of its own until it goes. */
static void packet_say(const struct stage_fetcher *fetcher, uint16_t type, const void *body,
                       const int *descriptors)
{
	int kept[CHANNEL_DESCRIPTORS_MAX] = { -1, -1 };

	if (descriptors) { /* OBJECT alone has any: two */
		kept[0] = dup(descriptors[0]);
		kept[1] = dup(descriptors[1]);
	}
	assert_int_equal(
		channel_queue(&fetcher->channel, &packet, type, 0, body, descriptors ? kept : NULL),
		0);
}

void fetcher_say(const struct stage_fetcher *fetcher, uint16_t type, const void *body,
                 const int *descriptors)
{
	if (packing)
		packet_say(fetcher, type, body, descriptors);
	else
		assert_int_equal(channel_send(&fetcher->channel, type, 0, body, descriptors), 0);
}

struct record_image image_record(const char *reference)
{
	struct record_image image = { .object_size = 1000,
		                      .stored_size = 2000,
		                      .pulled_at_s = 1700000000,
		                      .used_at_s = 1700000001,
		                      .signature_count = 1,
		                      .programs_from = IMAGE_PROGRAMS_FROM_LABEL,
		                      .program_count = 1,
		                      .map_count = 1,
		                      .architecture = "amd64",
		                      .programs = { { "count", "xdp" } },
		                      .maps = { { "counters", "hash" } } };

	(void)snprintf(image.reference, sizeof(image.reference), "%s", reference);
	memset(image.digest, 0xd1, sizeof(image.digest));
	memset(image.manifest, 0xd2, sizeof(image.manifest));
	memset(image.layer, 0xd3, sizeof(image.layer));
	memset(image.object, 0xd4, sizeof(image.object));
	return image;
}

void fetcher_image(const struct stage_fetcher *fetcher, const struct record_image *image)
{
	fetcher_say(fetcher, FETCHER_MESSAGE_IMAGE, image, NULL);
}

int zeros_sealed(size_t size)
{
	void *bytes = calloc(1, size + 1);
	int fd = bytes ? memfd_from_bytes("zeros", bytes, size) : -1;

	free(bytes);
	assert_true(fd >= 0);
	return fd;
}

void fetcher_object(const struct stage_fetcher *fetcher, const struct record_image *image)
{
	struct fetcher_object object = { .object_size = image->object_size };
	int descriptors[] = { zeros_sealed(image->object_size),
		              zeros_sealed(sizeof(struct evidence_header)) };

	memcpy(object.object, image->object, sizeof(object.object));
	fetcher_say(fetcher, FETCHER_MESSAGE_OBJECT, &object, descriptors);
	(void)close(descriptors[0]);
	(void)close(descriptors[1]);
}

void fetcher_done(const struct stage_fetcher *fetcher, uint32_t count, bool cached)
{
	struct fetcher_done done = { .count = count, .cached = cached };

	fetcher_say(fetcher, FETCHER_MESSAGE_DONE, &done, NULL);
}

void fetcher_failed(const struct stage_fetcher *fetcher, uint32_t code, const char *message)
{
	struct fetcher_failed failed = { .error = { .code = code } };

	(void)snprintf(failed.error.message, sizeof(failed.error.message), "%s", message);
	fetcher_say(fetcher, FETCHER_MESSAGE_FAILED, &failed, NULL);
}

/* ---- requests ---- */

static char *text(const char *constant)
{
	return (char *)(uintptr_t)constant;
}

static Bpfd__V1__ImageSource source_new(void)
{
	Bpfd__V1__ImageSource source = BPFD__V1__IMAGE_SOURCE__INIT;

	source.reference = text(STAGE_REFERENCE);
	return source;
}

void ask_image(int fd, uint32_t id, Bpfd__V1__Request__OperationCase operation)
{
	Bpfd__V1__Request request = request_new(operation);
	Bpfd__V1__ImageSource source = source_new();
	Bpfd__V1__ImagePullRequest pull = BPFD__V1__IMAGE_PULL_REQUEST__INIT;
	Bpfd__V1__ImageListRequest list = BPFD__V1__IMAGE_LIST_REQUEST__INIT;
	Bpfd__V1__ImageInspectRequest inspect = BPFD__V1__IMAGE_INSPECT_REQUEST__INIT;
	Bpfd__V1__ImageVerifyRequest verify = BPFD__V1__IMAGE_VERIFY_REQUEST__INIT;
	Bpfd__V1__ImageRemoveRequest remove = BPFD__V1__IMAGE_REMOVE_REQUEST__INIT;

	pull.image = verify.image = &source;
	inspect.reference = remove.reference = source.reference;
	switch (operation) {
	case BPFD__V1__REQUEST__OPERATION_IMAGE_PULL:
		request.image_pull = &pull;
		break;
	case BPFD__V1__REQUEST__OPERATION_IMAGE_LIST:
		request.image_list = &list;
		break;
	case BPFD__V1__REQUEST__OPERATION_IMAGE_INSPECT:
		request.image_inspect = &inspect;
		break;
	case BPFD__V1__REQUEST__OPERATION_IMAGE_VERIFY:
		request.image_verify = &verify;
		break;
	default:
		request.image_remove = &remove;
	}
	client_ask(fd, id, &request);
}

void ask_pull_as(int fd, uint32_t id, const char *user, const char *password)
{
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_IMAGE_PULL);
	Bpfd__V1__ImageSource source = source_new();
	Bpfd__V1__ImagePullRequest pull = BPFD__V1__IMAGE_PULL_REQUEST__INIT;

	source.username = text(user ? user : "");
	source.password = text(password);
	pull.image = &source;
	request.image_pull = &pull;
	client_ask(fd, id, &request);
}

void ask_load_image(int fd, uint32_t id, const char *function)
{
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_LOAD);
	Bpfd__V1__LoadRequest load = BPFD__V1__LOAD_REQUEST__INIT;
	Bpfd__V1__LoadProgram program = BPFD__V1__LOAD_PROGRAM__INIT;
	Bpfd__V1__LoadProgram *programs[] = { &program };
	Bpfd__V1__ImageSource source = source_new();

	program.function = text(function ? function : "");
	load.programs = programs;
	load.n_programs = function ? 1 : 0;
	load.image = &source;
	request.load = &load;
	client_ask(fd, id, &request);
}
