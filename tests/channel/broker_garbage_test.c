/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The broker among siblings that lie and break their channels: it ends, and what was attached
 * stays. */
#include <cmocka.h>

#include "tests/channel/broker_stage.h"
#include "tests/channel/broker_stage_roles.h"

#include "common/cleanup.h"
#include "common/memfd.h"
#include "common/program_type.h"
#include "proto/evidence.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

static struct frontend_load request;

#define EXIT_STATUS_BROKEN (1 << 8) /* as waitpid(2) gives exit status 1 */

static void garbage_short(void)
{
	assert_int_equal(send(stage->frontend.fd, "xyz", 3, MSG_NOSIGNAL), 3);
}

static void garbage_long(void)
{
	static unsigned char bytes[100000];

	assert_int_equal(send(stage->frontend.fd, bytes, sizeof(bytes), MSG_NOSIGNAL),
	                 sizeof(bytes));
}

static void raw_send(uint16_t type, const void *body, uint32_t size)
{
	static unsigned char bytes[sizeof(struct channel_header) + sizeof(struct frontend_load)];
	struct channel_header header = { .type = type, .length = size, .id = 1 };

	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), body, size);
	assert_true(send(stage->frontend.fd, bytes, sizeof(header) + size, MSG_NOSIGNAL) > 0);
}

/* A message that only the broker may send. */
static void garbage_wrong_sender(void)
{
	struct frontend_done done = { .count = 1 };

	raw_send(FRONTEND_DONE, &done, sizeof(done));
}

static void garbage_unknown_type(void)
{
	raw_send(200, "", 0);
}

static void garbage_too_long(void)
{
	const struct {
		struct frontend_remove remove;
		uint64_t more;
	} longer = { .remove = { .target_id = 1 } };

	raw_send(FRONTEND_DETACH, &longer, sizeof(longer));
}

static void garbage_no_descriptor(void)
{
	stage_load_fill(&request, "f", PROGRAM_TYPE_XDP);
	raw_send(FRONTEND_LOAD, &request, sizeof(request));
}

static void garbage_count(void)
{
	stage_load_fill(&request, "f", PROGRAM_TYPE_XDP);
	request.program_count = UINT32_MAX;
	(void)stage_load_send("xdp_counter", &request);
}

static void garbage_text(void)
{
	struct frontend_attach attach = { .program_id = 1, .type = PROGRAM_TYPE_XDP };

	memset(attach.target.interface, 'x', sizeof(attach.target.interface));
	(void)stage_send(FRONTEND_ATTACH, &attach, NULL);
}

static void garbage_type(void)
{
	struct frontend_attach attach = { .program_id = 1, .type = 4711 };

	(void)stage_send(FRONTEND_ATTACH, &attach, NULL);
}

static void garbage_unsealed_object(void)
{
	_cleanup_close_ int fd = memfd_create("object", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	stage_load_fill(&request, "f", PROGRAM_TYPE_XDP);
	assert_int_equal(ftruncate(fd, 100), 0);
	(void)stage_send(FRONTEND_LOAD, &request, &fd);
}

static void garbage_object_is_no_memfd(void)
{
	_cleanup_close_ int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	stage_load_fill(&request, "f", PROGRAM_TYPE_XDP);
	(void)stage_send(FRONTEND_LOAD, &request, &fd);
}

static struct frontend_load_image image_request;

static void image_send(int evidence_fd)
{
	_cleanup_close_ int object_fd = stage_object("xdp_counter");
	const int descriptors[] = { object_fd, evidence_fd };

	(void)stage_send(FRONTEND_LOAD_IMAGE, &image_request, descriptors);
}

static void image_fill(void)
{
	memset(&image_request, 0, sizeof(image_request));
	stage_load_fill(&image_request.load, "xdp_counter", PROGRAM_TYPE_XDP);
	(void)strcpy(image_request.image.reference, "r.example/x:v1");
}

static void garbage_evidence_short(void)
{
	_cleanup_close_ int fd = memfd_from_bytes("evidence", "short", 5);

	image_fill();
	image_send(fd);
}

static void garbage_evidence_long(void)
{
	_cleanup_close_ int fd = memfd_open("evidence");

	image_fill();
	assert_int_equal(ftruncate(fd, EVIDENCE_SIZE_MAX + 1), 0);
	assert_int_equal(memfd_seal(fd), 0);
	image_send(fd);
}

static void garbage_evidence_unsealed(void)
{
	_cleanup_close_ int fd = memfd_open("evidence");

	image_fill();
	assert_int_equal(ftruncate(fd, 4096), 0);
	image_send(fd);
}

static void garbage_image_without_name(void)
{
	_cleanup_close_ int fd = memfd_from_bytes("evidence", "sixteen bytes...", 16);

	image_fill();
	image_request.image.reference[0] = '\0';
	image_send(fd);
}

static void garbage_image_name(void)
{
	_cleanup_close_ int fd = memfd_from_bytes("evidence", "sixteen bytes...", 16);

	image_fill();
	memset(image_request.image.reference, 'r', sizeof(image_request.image.reference));
	image_send(fd);
}

static void garbage_verify_demand(void)
{
	const struct frontend_verify_image verify = { .image = { .reference = "r.example/x" },
		                                      .demand = 2 };
	_cleanup_close_ int fd = memfd_from_bytes("evidence", "sixteen bytes...", 16);
	const int descriptors[] = { fd, fd };

	(void)stage_send(FRONTEND_VERIFY_IMAGE, &verify, descriptors);
}

static void garbage_launcher(void)
{
	assert_int_equal(send(stage->launcher.fd, "xyz", 3, MSG_NOSIGNAL), 3);
}

static void garbage_second_settings(void)
{
	assert_int_equal(
		channel_send(&stage->launcher, LAUNCHER_SETTINGS, 0, &stage->settings, NULL), 0);
}

static void end_frontend(void)
{
	(void)close(steal_fd(&stage->frontend.fd));
}

static void end_launcher(void)
{
	(void)close(steal_fd(&stage->launcher.fd));
}

static void end_opener(void)
{
	assert_int_equal(kill(stage->opener, SIGKILL), 0);
}

/* A sibling that breaks the protocol, or ends, ends the service; what is loaded and attached stays.
 */
static void test_broken_siblings(void **state)
{
	static const struct {
		const char *name;
		void (*act)(void);
	} rows[] = {
		{ "three bytes", garbage_short },
		{ "100000 bytes", garbage_long },
		{ "a message of the broker's own", garbage_wrong_sender },
		{ "an unknown type", garbage_unknown_type },
		{ "a message longer than its row", garbage_too_long },
		{ "no descriptor", garbage_no_descriptor },
		{ "a count beyond its array", garbage_count },
		{ "text without end", garbage_text },
		{ "an unknown program type", garbage_type },
		{ "an object that can still be written", garbage_unsealed_object },
		{ "an object that is no memfd", garbage_object_is_no_memfd },
		{ "evidence without a header", garbage_evidence_short },
		{ "evidence that is too long", garbage_evidence_long },
		{ "evidence that can still be written", garbage_evidence_unsealed },
		{ "an image without a name", garbage_image_without_name },
		{ "an image's name without end", garbage_image_name },
		{ "a demand that is none", garbage_verify_demand },
		{ "garbage from the launcher", garbage_launcher },
		{ "settings again", garbage_second_settings },
		{ "the frontend ends", end_frontend },
		{ "the launcher ends", end_launcher },
		{ "the opener ends", end_opener },
	};

	(void)state;
	stage->settings.log_level = 0; /* they say why; that is not for the test's output */
	stage_start();
	(void)stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP);
	assert_done(stage_attach_xdp(1, "v0"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status;

		rows[i].act();
		status = stage_wait_end();
		if (status != EXIT_STATUS_BROKEN)
			fail_msg("%s: status %d", rows[i].name, status);
		stage_start();
		assert_int_equal(stage->program_count, 1);
		assert_int_equal(stage_link(1)->state, LINK_STATE_ATTACHED);
		assert_int_equal(stage_attached("v0"), stage_program(1)->kernel_id);
	}
	assert_int_equal(stage_stop(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_broken_siblings, stage_setup, stage_teardown),
	};

	if (!stage_namespaces()) {
		print_message("SKIP: namespaces of its own need root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
