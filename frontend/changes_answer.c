/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the broker says: rows for the view, and the answers to changes. */
#include "frontend/changes.h"

#include "common/cleanup.h"
#include "common/memfd.h"
#include "frontend/frontend.h"
#include "frontend/image_work.h"
#include "frontend/map_answer.h"
#include "frontend/operations.h"
#include "frontend/rows.h"

#include <errno.h>
#include <string.h>

/* What a change is called, and whether it names a program rather than a link; the others are
 * questions, of which nobody is told. */
static const struct change_kind {
	const char *operation;
	bool of_program;
} change_kinds[] = {
	[FRONTEND_LOAD] = { "load", false },
	[FRONTEND_ATTACH] = { "attach", true },
	[FRONTEND_UPDATE] = { "update", false },
	[FRONTEND_DETACH] = { "detach", false },
	[FRONTEND_UNLOAD] = { "unload", true },
	[FRONTEND_MAP_SET] = { "map_set", true },
	[FRONTEND_MAP_SET_LONG] = { "map_set", true },
	[FRONTEND_MAP_DELETE] = { "map_delete", true },
	[FRONTEND_LOAD_IMAGE] = { "load", false },
	[FRONTEND_VERIFY_IMAGE] = { NULL, false }, /* as its fetch is called */
	[FRONTEND_RULES] = { NULL, false },        /* the last message */
};

bool change_is_told(uint16_t type)
{
	return change_kinds[type].operation != NULL;
}

bool change_is_load(uint16_t type)
{
	return type == FRONTEND_LOAD || type == FRONTEND_LOAD_IMAGE;
}

/* The change that the broker answers, or NULL: it answers something that was not asked. */
static struct change *change_find(struct frontend *frontend, uint64_t id)
{
	struct changes *changes = &frontend->changes;
	size_t slot = id & ((1u << CHANGE_SLOT_BITS) - 1);

	if (id == 0 || slot >= changes->touched || changes->slots[slot].id != id)
		return NULL;
	return &changes->slots[slot];
}

/* The answer's result, from the view as the broker's rows have left it. */
static int done_compose(const struct answer_source *source, uint16_t type,
                        const struct frontend_done *done, Bpfd__V1__Response *response)
{
	switch (type) {
	case FRONTEND_LOAD:
	case FRONTEND_LOAD_IMAGE:
		return answer_load(source, done->ids, done->count, response);
	case FRONTEND_ATTACH:
		return answer_attach(source, done->ids[0], response);
	case FRONTEND_UPDATE:
		return answer_update(source, done->ids[0], response);
	case FRONTEND_DETACH:
		return answer_detach(source, done->ids[0], response);
	case FRONTEND_MAP_SET:
	case FRONTEND_MAP_SET_LONG:
		return answer_map_change(source, true, done->ids[0], response);
	case FRONTEND_MAP_DELETE:
		return answer_map_change(source, false, done->ids[0], response);
	default:
		return answer_unload(source, done->ids[0], response);
	}
}

static void done_answer(struct frontend *frontend, struct connection *connection, uint16_t type,
                        const struct frontend_done *done)
{
	struct answer_source source = operation_source(frontend);
	Bpfd__V1__Response response = BPFD__V1__RESPONSE__INIT;

	if (done_compose(&source, type, done, &response) == 0) {
		connection_answer(frontend, connection, &response);
		return;
	}

	struct error error;

	(void)error_set(&error, 0, ERROR_LIMIT,
	                "the change is done, but bpfd has no memory left to describe it");
	operation_refuse(frontend, connection, &error);
}

/* The verifier's log, or NULL: there is none, or it does not fit the memory. */
static void *log_read(struct frontend *frontend, const struct frontend_refused *refused, int log_fd)
{
	if (log_fd < 0)
		return NULL;

	void *log = refused->log_size <= VERIFIER_LOG_MAX ? malloc(refused->log_size) : NULL;
	int r = log ? memfd_read(log_fd, log, refused->log_size) : 0;

	if (refused->log_size > VERIFIER_LOG_MAX || r < 0) {
		frontend_fail(frontend, "the broker sent a verifier log that is not as it says");
		free(log);
		return NULL;
	}
	return log;
}

static void refused_answer(struct frontend *frontend, struct connection *connection,
                           const struct frontend_refused *refused, int log_fd)
{
	Bpfd__V1__Response response = BPFD__V1__RESPONSE__INIT;
	Bpfd__V1__Error storage;
	_cleanup_free_ void *log = log_read(frontend, refused, log_fd);

	answer_error(&refused->error, log, refused->log_size, &storage, &response);
	connection_answer(frontend, connection, &response);
}

/* What came of the change, to those who watch. */
static void change_tell(struct frontend *frontend, const struct change *change,
                        const struct channel_message *message)
{
	const struct change_kind *kind = &change_kinds[change->type];
	struct event_request request = { .operation = kind->operation };
	const struct frontend_refused *refused = message->body;

	if (change->fetch) {
		request.operation = change->fetch->kind->operation;
		request.image_reference = change->fetch->job.reference;
	}
	if (!request.operation || message->row->type == FRONTEND_VERDICT)
		return;
	if (message->row->type == FRONTEND_DONE) {
		event_done(frontend, &change->origin, change->type, message->body);
		return;
	}
	if (kind->of_program)
		request.program_id = change->target_id;
	else
		request.link_id = change->target_id;
	event_refused(frontend, &change->origin, &request, &refused->error);
}

/* A map's entries or types. They are in memory until the answer is packed. */
static void map_answer(struct frontend *frontend, struct connection *connection,
                       const struct frontend_map_data *data, int fd)
{
	struct answer_source source = operation_source(frontend);
	Bpfd__V1__Response response = BPFD__V1__RESPONSE__INIT;
	_cleanup_free_ uint8_t *bytes = malloc(data->size + 1);
	int r = bytes ? memfd_read(fd, bytes, data->size) : -ENOMEM;
	struct error error;

	if (r == 0)
		r = answer_map_data(source.arena, data, bytes, &response);
	if (r == -EPROTO) {
		frontend_fail(frontend, "the broker sent a map's data that are not as it says");
	} else if (r < 0) {
		(void)error_set(&error, r, ERROR_LIMIT, "bpfd has no memory left: try again");
		operation_refuse(frontend, connection, &error);
	} else {
		connection_answer(frontend, connection, &response);
	}
}

/* A list is answered with records, a question about a map with data, one about signatures with a
 * verdict, one about rules with their number, a change with DONE; anything may be refused. */
static bool answer_fits(uint16_t question, uint16_t answer)
{
	if (answer == FRONTEND_REFUSED || answer == FRONTEND_REFUSED_WITH_LOG)
		return true;
	switch (question) {
	case FRONTEND_KERNEL_LIST:
		return answer == FRONTEND_KERNEL_RECORDS;
	case FRONTEND_MAP_READ:
		return answer == FRONTEND_MAP_DATA;
	case FRONTEND_VERIFY_IMAGE:
		return answer == FRONTEND_VERDICT;
	case FRONTEND_RULES_READ:
		return answer == FRONTEND_RULES;
	default:
		return answer == FRONTEND_DONE;
	}
}

static void verdict_answer(struct frontend *frontend, struct connection *connection,
                           const struct fetch *fetch, const struct frontend_verdict *answer)
{
	struct error error;

	if (image_answer(frontend, connection, fetch, &answer->verdict, &error) < 0)
		operation_refuse(frontend, connection, &error);
}

static void rules_answer(struct frontend *frontend, struct connection *connection,
                         const struct frontend_rules *rules)
{
	Bpfd__V1__Response response = BPFD__V1__RESPONSE__INIT;
	Bpfd__V1__RulesReadResponse read = BPFD__V1__RULES_READ_RESPONSE__INIT;

	read.demands = rules->demands;
	read.changed = rules->changed == 1;
	response.result_case = BPFD__V1__RESPONSE__RESULT_RULES_READ;
	response.rules_read = &read;
	connection_answer(frontend, connection, &response);
}

/* The answer to a client that is still there. `fetch` is NULL where no image was asked about. */
static void client_answer(struct frontend *frontend, struct connection *connection, uint16_t type,
                          const struct fetch *fetch, struct channel_message *message)
{
	switch (message->row->type) {
	case FRONTEND_KERNEL_RECORDS:
		listing_records(frontend, connection, message);
		break;
	case FRONTEND_DONE:
		done_answer(frontend, connection, type, message->body);
		break;
	case FRONTEND_MAP_DATA:
		map_answer(frontend, connection, message->body, message->descriptors[0]);
		break;
	case FRONTEND_VERDICT:
		verdict_answer(frontend, connection, fetch, message->body);
		break;
	case FRONTEND_RULES:
		rules_answer(frontend, connection, message->body);
		break;
	default:
		listing_end(frontend, connection);
		refused_answer(frontend, connection, message->body, message->descriptors[0]);
	}
}

static void change_answered(struct frontend *frontend, struct channel_message *message)
{
	struct change *change = change_find(frontend, message->id);

	if (!change) {
		frontend_fail(frontend, "the broker answers %llx, which nobody asked",
		              (unsigned long long)message->id);
		return;
	}

	int client = change->connection;
	uint16_t type = change->type;

	if (!answer_fits(type, message->row->type)) {
		frontend_fail(frontend, "the broker answers %s to what was asked as message %u",
		              message->row->name, type);
		return;
	}
	change_tell(frontend, change, message);

	struct fetch *fetch = steal_ptr(&change->fetch);

	change_free(frontend, change);
	if (client != CONNECTION_NONE) {
		struct connection *connection = &frontend->connections.slots[client];

		connection->change = CONNECTION_NONE;
		client_answer(frontend, connection, type, fetch, message);
		connection_resume(frontend, connection);
	}
	fetch_free(frontend, fetch);
}

static bool answer_ok(const struct channel_message *message)
{
	if (message->row->type == FRONTEND_KERNEL_RECORDS)
		return true; /* the listing looks at it */
	if (message->row->type == FRONTEND_DONE) {
		const struct frontend_done *done = message->body;

		return done->count >= 1 && done->count <= LOAD_PROGRAMS_MAX;
	}
	if (message->row->type == FRONTEND_MAP_DATA)
		return map_data_ok(message->body);
	if (message->row->type == FRONTEND_RULES)
		return ((const struct frontend_rules *)message->body)->changed <= 1;
	if (message->row->type == FRONTEND_VERDICT)
		return verdict_ok(&((const struct frontend_verdict *)message->body)->verdict);

	const struct frontend_refused *refused = message->body;

	return strnlen(refused->error.message, sizeof(refused->error.message)) <
	       sizeof(refused->error.message);
}

void broker_message(struct frontend *frontend, struct channel_message *message)
{
	bool answer = message->row->type >= FRONTEND_DONE; /* the broker sends no UPDATE */

	if (answer && answer_ok(message)) {
		change_answered(frontend, message);
		return;
	}

	int r = answer ? -EPROTO : row_take(frontend, message);

	if (r < 0)
		frontend_fail(frontend, "the broker's %s cannot be taken: %s", message->row->name,
		              strerror(-r));
}
