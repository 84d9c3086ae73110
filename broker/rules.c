/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The rules about signatures are read again, by the launcher: the broker reads no file of others'.
 * What is asked after the answer is judged by the new ones.
 */
#include "broker/broker.h"

#include "common/log.h"

#include <errno.h>

int rules_request(struct broker *broker, struct channel_message *message)
{
	const struct frontend_rules_read *request = message->body;
	struct origin origin = {
		.message_id = message->id,
		.operation = STORE_OPERATION_RULES,
		.peer = request->peer,
	};
	struct error error;

	if (broker->rules_origin.message_id) {
		(void)error_set(&error, -EBUSY, ERROR_UNAVAILABLE,
		                "the rules are being read already: try again");
		answer_refused(broker, &origin, &error, "");
		return 0;
	}
	broker->rules_origin = origin;
	if (channel_send(&broker->launcher, LAUNCHER_RULES_READ, origin.message_id, NULL, NULL) < 0)
		broker->failed = true;
	return 0;
}

int rules_take(struct broker *broker, const struct channel_message *message)
{
	const struct launcher_rules *rules = message->body;
	const struct origin origin = broker->rules_origin;
	struct frontend_rules answer = { rules->demands, rules->changed };

	if (!origin.message_id || message->id != origin.message_id || rules->changed > 1 ||
	    !channel_text_ok(rules->error.message, sizeof(rules->error.message)))
		return -EPROTO;
	broker->rules_origin = (struct origin){};
	if (rules->error.code) {
		answer_refused(broker, &origin, &rules->error, "");
		return 0;
	}
	if (rules->changed) {
		broker->settings.image_rules = broker->status.image_rules = rules->demands;
		view_status(broker);
		verifiers_renew(broker);
	}
	answer_rules(broker, &origin, &answer);
	return 0;
}
