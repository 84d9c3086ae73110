/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Verifiers that say what the test wants them to. */
#include <cmocka.h>

#include "tests/channel/broker_stage.h"
#include "tests/channel/broker_stage_verifier.h"

#include "common/cleanup.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define WAIT_STEPS 2000
#define STEP_MS 10

void stage_verifier_start(uint64_t id, int *fd)
{
	struct stage_verifier *verifier = &stage->verifiers[stage->verifier_count++];

	assert_true(stage->verifier_count < STAGE_MOST);
	*verifier = (struct stage_verifier){
		.id = id,
		.channel = { steal_fd(fd), CHANNEL_LOWER, &channel_verifier },
		.object_fd = -1,
		.evidence_fd = -1,
	};
	if (stage->verifiers_cold)
		return;
	/* the broker may have given it up already, for other rules */
	int result = channel_send(&verifier->channel, VERIFIER_WARM, 0, NULL, NULL);

	assert_true(result == 0 || result == -EPIPE);
}

void stage_verifier_kill(uint64_t id)
{
	for (size_t i = 0; i < stage->verifier_count; i++)
		stage->verifiers[i].killed |= stage->verifiers[i].id == id;
}

void stage_verifier_close(struct stage_verifier *verifier)
{
	close_cleanup(&verifier->channel.fd);
	close_cleanup(&verifier->object_fd);
	close_cleanup(&verifier->evidence_fd);
	verifier->channel.fd = verifier->object_fd = verifier->evidence_fd = -1;
}

void stage_verifiers_end(void)
{
	for (size_t i = 0; i < stage->verifier_count; i++)
		stage_verifier_close(&stage->verifiers[i]);
	stage->verifier_count = 0;
}

static bool question_take(struct stage_verifier *verifier)
{
	static struct channel_buffer buffer;
	struct pollfd polled = { .fd = verifier->channel.fd, .events = POLLIN };
	struct channel_message message;

	if (verifier->channel.fd < 0 || verifier->asked || poll(&polled, 1, 0) <= 0 ||
	    channel_receive(&verifier->channel, VERIFIER_STATE_WARM, &buffer, &message) != 0)
		return false;
	memcpy(&verifier->question, message.body, sizeof(verifier->question));
	verifier->object_fd = message.descriptors[0];
	verifier->evidence_fd = message.descriptors[1];
	return verifier->asked = true;
}

struct stage_verifier *stage_verifier_asked(void)
{
	for (int step = 0; step < WAIT_STEPS; step++) {
		for (size_t i = 0; i < stage->verifier_count; i++) {
			if (question_take(&stage->verifiers[i]))
				return &stage->verifiers[i];
		}
		(void)stage_pump(STEP_MS);
	}
	fail_msg("no verifier was asked");
	return NULL;
}

struct stage_verifier *stage_verifier_warm(void)
{
	for (int step = 0; step < WAIT_STEPS; step++) {
		for (size_t i = 0; i < stage->verifier_count; i++) {
			struct stage_verifier *verifier = &stage->verifiers[i];

			if (verifier->channel.fd >= 0 && !verifier->asked && !verifier->killed)
				return verifier;
		}
		(void)stage_pump(STEP_MS);
	}
	fail_msg("no verifier was started");
	return NULL;
}

void stage_verifier_answer(struct stage_verifier *verifier, const struct verifier_answer *answer)
{
	assert_int_equal(channel_send(&verifier->channel, VERIFIER_VERDICT, 0, answer, NULL), 0);
}
