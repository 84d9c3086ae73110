/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fetchers that die, lie and dawdle, and clients that go: whatever they do, there is a clear
 * answer, the next fetcher is started, and nobody else notices. */
#include "fetcher_stage.h"

#include "common/memfd.h"
#include "proto/evidence.h"

#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define OPERATION(name) BPFD__V1__REQUEST__OPERATION_##name

static const char reference[] = STAGE_REFERENCE;

typedef void fetcher_act(const struct stage_fetcher *fetcher);

static void says_nothing(const struct stage_fetcher *fetcher)
{
	(void)fetcher;
}

static void says_progress(const struct stage_fetcher *fetcher)
{
	struct fetcher_progress progress = { .stage = FETCHER_STAGE_RESOLVE };

	fetcher_say(fetcher, FETCHER_MESSAGE_PROGRESS, &progress, NULL);
}

static void says_image(const struct stage_fetcher *fetcher)
{
	struct record_image image = image_record(reference);

	says_progress(fetcher);
	fetcher_image(fetcher, &image);
}

static void says_object(const struct stage_fetcher *fetcher)
{
	struct record_image image = image_record(reference);

	says_image(fetcher);
	fetcher_object(fetcher, &image);
}

/* A load whose fetcher does this; the client's connection. */
static int load_acted(struct stage_fetcher *fetcher, fetcher_act *act)
{
	int fd = client_open(&fixture);

	*fetcher = fetcher_open();
	ask_load_image(fd, 1, NULL);
	(void)fetcher_job(fetcher);
	act(fetcher);
	return fd;
}

static void dying_fetchers(void **state)
{
	static fetcher_act *const acts[] = { says_nothing, says_progress, says_image, says_object };

	(void)state;
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		struct stage_fetcher fetcher;
		int fd = load_acted(&fetcher, acts[i]);

		(void)shutdown(fetcher.channel.fd, SHUT_RDWR);
		expect_error(client_answer(fd, 1), ERROR_UNAVAILABLE,
		             "the fetcher ended before its work was done: try again");
		fetcher_killed(&fetcher);
		(void)close(fd);
	}
}

/* ---- lies ---- */

static void wrong_direction(const struct stage_fetcher *fetcher)
{
	struct channel upper = { fetcher->channel.fd, CHANNEL_UPPER, &channel_fetcher };
	static const struct fetcher_job job = { .operation = FETCHER_LIST };

	assert_int_equal(channel_send(&upper, FETCHER_MESSAGE_JOB, 0, &job, NULL), 0);
}

static void warm_twice(const struct stage_fetcher *fetcher)
{
	fetcher_say(fetcher, FETCHER_MESSAGE_WARM, NULL, NULL);
}

static void raw_send(const struct stage_fetcher *fetcher, uint16_t type, size_t length)
{
	static unsigned char bytes[65536];
	struct channel_header header = { .type = type, .length = (uint32_t)length };

	memset(bytes, 0xff, sizeof(bytes));
	memcpy(bytes, &header, sizeof(header));
	assert_true(send(fetcher->channel.fd, bytes, sizeof(header) + length, MSG_NOSIGNAL) > 0);
}

static void unknown_type(const struct stage_fetcher *fetcher)
{
	raw_send(fetcher, 99, 0);
}

static void too_long(const struct stage_fetcher *fetcher)
{
	raw_send(fetcher, FETCHER_MESSAGE_DONE, sizeof(struct fetcher_done) + 1);
}

static void no_descriptors(const struct stage_fetcher *fetcher)
{
	says_image(fetcher);
	raw_send(fetcher, FETCHER_MESSAGE_OBJECT, sizeof(struct fetcher_object));
}

static void lie_behind_the_truth(const struct stage_fetcher *fetcher)
{
	fetcher_packet_begin();
	says_object(fetcher);
	fetcher_done(fetcher, 2, true);
	fetcher_packet_end(fetcher);
}

static void unknown_stage(const struct stage_fetcher *fetcher)
{
	struct fetcher_progress progress = { .stage = FETCHER_STAGE_CHECK + 1 };

	fetcher_say(fetcher, FETCHER_MESSAGE_PROGRESS, &progress, NULL);
}

#define IMAGE_WRONG(name, change)                                    \
	static void name(const struct stage_fetcher *fetcher)        \
	{                                                            \
		struct record_image image = image_record(reference); \
                                                                     \
		change;                                              \
		fetcher_image(fetcher, &image);                      \
	}

IMAGE_WRONG(reference_unterminated, memset(image.reference, 'a', sizeof(image.reference)))
IMAGE_WRONG(reference_missing, memset(image.reference, 0, sizeof(image.reference)))
IMAGE_WRONG(architecture_unterminated, memset(image.architecture, 'a', sizeof(image.architecture)))
IMAGE_WRONG(program_unterminated, memset(image.programs[0].name, 'a', FUNCTION_NAME_SIZE))
IMAGE_WRONG(map_unterminated, memset(image.maps[0].type, 'a', IMAGE_TYPE_SIZE))
IMAGE_WRONG(programs_beyond, image.program_count = LOAD_PROGRAMS_MAX + 1)
IMAGE_WRONG(maps_beyond, image.map_count = LOAD_MAPS_MAX + 1)
IMAGE_WRONG(object_empty, image.object_size = 0)
IMAGE_WRONG(object_huge, image.object_size = OBJECT_SIZE_MAX + 1)
IMAGE_WRONG(names_from_nowhere, image.programs_from = 0)

static void two_images(const struct stage_fetcher *fetcher)
{
	says_image(fetcher);
	says_image(fetcher);
}

static void object_first(const struct stage_fetcher *fetcher)
{
	struct record_image image = image_record(reference);

	fetcher_object(fetcher, &image);
}

static void object_twice(const struct stage_fetcher *fetcher)
{
	struct record_image image = image_record(reference);

	says_object(fetcher);
	fetcher_object(fetcher, &image);
}

static void another_object(const struct stage_fetcher *fetcher)
{
	struct record_image image = image_record(reference);

	says_image(fetcher);
	memset(image.object, 0x11, sizeof(image.object));
	fetcher_object(fetcher, &image);
}

/* An object of 1000 bytes, as it said; these are the memfds. They are closed here. */
static void memfds_send(const struct stage_fetcher *fetcher, int object_fd, int evidence_fd)
{
	const struct record_image image = image_record(reference);
	struct fetcher_object object = { .object_size = image.object_size };
	int descriptors[] = { object_fd, evidence_fd };

	says_image(fetcher);
	memcpy(object.object, image.object, sizeof(object.object));
	fetcher_say(fetcher, FETCHER_MESSAGE_OBJECT, &object, descriptors);
	(void)close(object_fd);
	(void)close(evidence_fd);
}

static int unsealed(size_t size)
{
	int fd = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

static void object_unsealed(const struct stage_fetcher *fetcher)
{
	memfds_send(fetcher, unsealed(1000), zeros_sealed(sizeof(struct evidence_header)));
}

static void evidence_unsealed(const struct stage_fetcher *fetcher)
{
	memfds_send(fetcher, zeros_sealed(1000), unsealed(sizeof(struct evidence_header)));
}

static void object_short(const struct stage_fetcher *fetcher)
{
	memfds_send(fetcher, zeros_sealed(999), zeros_sealed(sizeof(struct evidence_header)));
}

static void evidence_short(const struct stage_fetcher *fetcher)
{
	memfds_send(fetcher, zeros_sealed(1000), zeros_sealed(sizeof(struct evidence_header) - 1));
}

static void object_no_memfd(const struct stage_fetcher *fetcher)
{
	memfds_send(fetcher, dup(STDIN_FILENO), zeros_sealed(sizeof(struct evidence_header)));
}

static void done_at_once(const struct stage_fetcher *fetcher)
{
	fetcher_done(fetcher, 0, false);
}

static void done_without_object(const struct stage_fetcher *fetcher)
{
	says_image(fetcher);
	fetcher_done(fetcher, 1, false);
}

static void done_with_too_few(const struct stage_fetcher *fetcher)
{
	says_object(fetcher);
	fetcher_done(fetcher, 2, false);
}

static void failed_with_nothing(const struct stage_fetcher *fetcher)
{
	fetcher_failed(fetcher, ERROR_REGISTRY, "");
}

static void failed_with_no_code(const struct stage_fetcher *fetcher)
{
	fetcher_failed(fetcher, ERROR_UNTRUSTED + 1, "something");
}

static void failed_unterminated(const struct stage_fetcher *fetcher)
{
	raw_send(fetcher, FETCHER_MESSAGE_FAILED, sizeof(struct fetcher_failed));
}

static fetcher_act *const lies[] = {
	wrong_direction,      warm_twice,
	unknown_type,         too_long,
	no_descriptors,       lie_behind_the_truth,
	unknown_stage,        reference_unterminated,
	reference_missing,    architecture_unterminated,
	program_unterminated, map_unterminated,
	programs_beyond,      maps_beyond,
	object_empty,         object_huge,
	names_from_nowhere,   two_images,
	object_first,         object_twice,
	another_object,       object_unsealed,
	evidence_unsealed,    object_short,
	evidence_short,       object_no_memfd,
	done_at_once,         done_without_object,
	done_with_too_few,    failed_with_nothing,
	failed_with_no_code,  failed_unterminated,
};

static void lying_fetchers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct stage_fetcher fetcher;
		int fd = load_acted(&fetcher, lies[i]);

		expect_error(client_answer(fd, 1), ERROR_UNAVAILABLE,
		             "the fetcher broke its channel's protocol (");
		fetcher_killed(&fetcher);
		(void)close(fd);
	}
	assert_true(fixture_logged(&fixture, "a fetcher breaks its channel's protocol: "));
}

/* ---- what is in its right ---- */

static void failures_are_handed_on(void **state)
{
	struct stage_fetcher fetcher = fetcher_open();
	int fd = client_open(&fixture), watcher = watcher_open();

	(void)state;
	ask_image(fd, 1, OPERATION(IMAGE_PULL));
	(void)fetcher_job(&fetcher);
	fetcher_failed(&fetcher, ERROR_REGISTRY, "registry.example answers \"no\x1b[31m\"");
	expect_error(client_answer(fd, 1), ERROR_REGISTRY, "registry.example answers \"no?[31m\"");

	Bpfd__V1__Event *event = event_next(watcher, "refused");

	assert_string_equal(event->operation, "image_pull");
	assert_string_equal(event->image_reference, reference);
	event_free(event);
	fetcher_let_go(&fetcher);
	(void)close(watcher);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		imaged(dying_fetchers),
		imaged(lying_fetchers),
		imaged(failures_are_handed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
