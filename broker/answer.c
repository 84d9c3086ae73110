/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/broker.h"

#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const operation_names[] = {
	[STORE_OPERATION_LOAD] = "load",
	[STORE_OPERATION_ATTACH] = "attach",
	[STORE_OPERATION_DETACH] = "detach",
	[STORE_OPERATION_UNLOAD] = "unload",
	[STORE_OPERATION_UPDATE] = "update",
	[STORE_OPERATION_MAP_SET] = "map_set",
	[STORE_OPERATION_MAP_DELETE] = "map_delete",
	[STORE_OPERATION_VERIFY] = "verify",
	[STORE_OPERATION_RULES] = "rules",
};

static void audit(const struct origin *origin, const char *result, const char *detail)
{
	char request[2 * REQUEST_ID_SIZE + 1];

	for (size_t i = 0; i < REQUEST_ID_SIZE; i++)
		(void)snprintf(request + 2 * i, 3, "%02x", origin->request_id[i]);
	log_info("audit operation=%s result=%s uid=%u gid=%u pid=%u request=%s %s",
	         operation_names[origin->operation], result, origin->peer.uid, origin->peer.gid,
	         origin->peer.pid, request, detail);
}

void answer_done_tell(struct broker *broker, const struct origin *origin,
                      const struct store_answer *answer)
{
	struct frontend_done body = { .count = answer->count };

	memcpy(body.ids, answer->ids, answer->count * sizeof(body.ids[0]));
	tell_now(broker, FRONTEND_DONE, origin->message_id, &body, NULL);
}

void answer_done_audit(const struct origin *origin, const char *detail)
{
	audit(origin, "done", detail);
}

void answer_done(struct broker *broker, const struct origin *origin,
                 const struct store_answer *answer, const char *detail)
{
	answer_done_tell(broker, origin, answer);
	answer_done_audit(origin, detail); /* after it: the client waits for the answer */
}

void answer_refused_with_log(struct broker *broker, const struct origin *origin,
                             const struct error *error, int log_fd, uint32_t log_size,
                             const char *detail)
{
	struct frontend_refused body = { .error = { .code = error->code }, .log_size = log_size };
	char reason[ERROR_MESSAGE_MAX];
	char line[IMAGE_DETAIL_SIZE + 1152];

	(void)snprintf(body.error.message, sizeof(body.error.message), "%s", error->message);
	(void)snprintf(line, sizeof(line), "%s%scode=%s reason=\"%s\"", detail,
	               detail[0] ? " " : "", error_code_name(error->code),
	               log_escape(body.error.message, reason, sizeof(reason)));
	audit(origin, "refused", line);
	if (log_fd >= 0)
		tell_now(broker, FRONTEND_REFUSED_WITH_LOG, origin->message_id, &body, &log_fd);
	else
		tell_now(broker, FRONTEND_REFUSED, origin->message_id, &body, NULL);
}

void answer_refused(struct broker *broker, const struct origin *origin, const struct error *error,
                    const char *detail)
{
	answer_refused_with_log(broker, origin, error, -1, 0, detail);
}

void answer_verdict(struct broker *broker, const struct origin *origin,
                    const struct record_verdict *verdict, const char *detail)
{
	struct frontend_verdict body = { .verdict = *verdict };

	tell_now(broker, FRONTEND_VERDICT, origin->message_id, &body, NULL);
	audit(origin, "done", detail);
}

void answer_rules(struct broker *broker, const struct origin *origin,
                  const struct frontend_rules *rules)
{
	char detail[64];

	(void)snprintf(detail, sizeof(detail), "demands=%u changed=%u", rules->demands,
	               rules->changed);
	tell_now(broker, FRONTEND_RULES, origin->message_id, rules, NULL);
	audit(origin, "done", detail);
}

void answer_map(struct broker *broker, uint64_t message_id, const struct frontend_map_data *data,
                int fd)
{
	tell_now(broker, FRONTEND_MAP_DATA, message_id, data, &fd);
}

void answer_question_refused(struct broker *broker, uint64_t message_id, const struct error *error)
{
	struct frontend_refused body = { .error = { .code = error->code } };

	(void)snprintf(body.error.message, sizeof(body.error.message), "%s", error->message);
	tell_now(broker, FRONTEND_REFUSED, message_id, &body, NULL);
}

static void repeat_answer(struct broker *broker, const struct origin *origin,
                          const struct store_answer *answer)
{
	struct frontend_done body = { .count = answer->count, .repeated = 1 };

	memcpy(body.ids, answer->ids, answer->count * sizeof(body.ids[0]));
	tell_now(broker, FRONTEND_DONE, origin->message_id, &body, NULL);
}

bool answer_repeated(struct broker *broker, const struct origin *origin)
{
	struct store_answer answer;
	struct error error = {};
	int result = store_request_get(broker->store, origin->request_id, origin->peer.uid, &answer,
	                               &error);

	if (result == -ENOENT)
		return false;
	if (!result && answer.operation == (uint32_t)origin->operation) {
		repeat_answer(broker, origin, &answer);
		return true;
	}
	if (!result)
		(void)error_set(
			&error, -EINVAL, ERROR_INVALID_ARGUMENT,
			"the request id belongs to an earlier request of another kind: choose each "
			"request id at random");
	answer_refused(broker, origin, &error, "");
	return true;
}
