/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/verifier/verifier.h"

#include "common/log.h"
#include "common/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct channel_buffer buffer;
static struct trust trust;
static struct verifier_answer answer;

static int failed_say(const struct channel *channel, const struct error *error)
{
	log_error("%s", error->message);
	answer.verdict.verdict = IMAGE_VERDICT_REFUSED;
	answer.error = *error;
	(void)channel_send(channel, VERIFIER_FAILED, 0, &answer, NULL);
	return EXIT_FAILURE;
}

/* To tear this process's memory down takes time that the load would have to share. */
static void end_wait(const struct channel *channel)
{
	struct channel_message message;

	(void)channel_receive(channel, 0, &buffer, &message);
}

static int question_answer(const struct channel *channel)
{
	struct channel_message message;
	int result = channel_receive(channel, VERIFIER_STATE_WARM, &buffer, &message);

	/* a broker that ends before it had a question is no failure: bpfd stops */
	if (result == -EPIPE)
		return EXIT_SUCCESS;
	if (result == 0 && !question_ok(message.body))
		result = -EPROTO;
	if (result < 0) {
		log_error("a question that is none: %s", strerror(-result));
		return EXIT_FAILURE;
	}
	verifier_judge(&trust, message.body, message.descriptors[0], message.descriptors[1],
	               &answer);
	channel_message_close(&message);
	if (channel_send(channel, VERIFIER_VERDICT, 0, &answer, NULL) < 0)
		return EXIT_FAILURE;
	end_wait(channel);
	return EXIT_SUCCESS;
}

int verifier_run(const struct channel *channel, int trust_fd)
{
	struct error error = {};
	int result = trust_read(trust_fd, &trust, &error);

	(void)close(trust_fd);
	if (result < 0)
		return failed_say(channel, &error);
	verifier_rehearse(&trust);
	memory_touch(&buffer, sizeof(struct channel_header) + sizeof(struct verifier_question));
	memory_touch(&answer, sizeof(answer));
	if (channel_send(channel, VERIFIER_WARM, 0, NULL, NULL) < 0)
		return EXIT_FAILURE;
	return question_answer(channel);
}
