/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/event.h"
#include "bpfctl/json_value.h"
#include "bpfctl/progress.h"
#include "bpfctl/text.h"
#include "bpfctl/words.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#define NUMBER_SIZE 24

void event_head_print(FILE *out)
{
	(void)fprintf(out, "%-20s  %-14s  %7s  %7s  %-15s  %6s  %7s  %s\n", "TIME", "EVENT",
	              "PROGRAM", "LINK", "TYPE", "UID", "PID", "WHAT");
}

static const char *number_or_dash(_Bool there, uint64_t number, char text[NUMBER_SIZE])
{
	(void)snprintf(text, NUMBER_SIZE, there ? "%" PRIu64 : "-", number);
	return text;
}

static const char *word_or_dash(const char *word)
{
	return word ? word : "-";
}

/* "a, b: c" of what is not empty. */
static void part_print(FILE *out, const char *before, const char *text)
{
	if (!text || !*text)
		return;
	(void)fputs(before, out);
	text_print(out, text);
}

static void missed_print(FILE *out, const struct bpfd_event *event)
{
	if (event->missed)
		(void)fprintf(out, "%" PRIu64 " events did not come\n", event->missed);
	else
		(void)fputs("bpfd was started anew; events may have been missed\n", out);
}

static void progress_print(FILE *out, const struct bpfd_event *event)
{
	char text[PROGRESS_TEXT_SIZE];

	part_print(out, ": ", progress_text(event, text));
}

static void what_print(FILE *out, const struct bpfd_event *event)
{
	if (event->kind == BPFD_EVENT_MISSED) {
		missed_print(out, event);
		return;
	}
	if (event->kind == BPFD_EVENT_CONNECTED) {
		(void)fputs("what happens from here on is seen\n", out);
		return;
	}
	if (event->kind == BPFD_EVENT_DISCONNECTED) {
		(void)fputs("the connection to bpfd is lost; waiting for it\n", out);
		return;
	}
	text_print(out, event->program_name);
	part_print(out, *event->program_name && *event->image_reference ? " of " : "",
	           event->image_reference);
	part_print(out, *event->program_name ? " on " : "on ", event->where);
	if (event->kind == BPFD_EVENT_LINK_STATE)
		part_print(out, ": ",
		           bpfd_link_state_name((enum bpfd_link_state)event->link_state));
	if (event->kind == BPFD_EVENT_PROGRAM_STATE)
		part_print(out, ": ",
		           bpfd_program_state_name((enum bpfd_program_state)event->program_state));
	part_print(out, ": ", event->reason);
	part_print(out, *event->program_name ? ": " : "", event->operation);
	part_print(out, ": ", event->error_message);
	if (event->kind == BPFD_EVENT_IMAGE_PROGRESS)
		progress_print(out, event);
	(void)fputc('\n', out);
}

int event_print(FILE *out, const struct bpfd_event *event)
{
	char numbers[4][NUMBER_SIZE];
	char when[TIME_TEXT_SIZE];

	(void)fprintf(out, "%-20s  %-14s  %7s  %7s  %-15s  %6s  %7s  ",
	              word_or_dash(time_text(event->time_us / 1000000, when)),
	              word_or_dash(bpfd_event_kind_name(event->kind)),
	              number_or_dash(event->program_id, event->program_id, numbers[0]),
	              number_or_dash(event->link_id, event->link_id, numbers[1]),
	              word_or_dash(bpfd_program_type_name(event->type)),
	              number_or_dash(event->asked, event->uid, numbers[2]),
	              number_or_dash(event->asked, event->pid, numbers[3]));
	what_print(out, event);
	return 0;
}

static json_t *peer_json(const struct bpfd_event *event)
{
	if (!event->asked)
		return json_null();
	return json_pack("{sI sI sI}", "uid", (json_int_t)event->uid, "gid", (json_int_t)event->gid,
	                 "pid", (json_int_t)event->pid);
}

static json_t *request_id_json(const struct bpfd_event *event)
{
	char *text = event->request_id_set
	                     ? hex_text("", event->request_id, sizeof(event->request_id))
	                     : NULL;
	json_t *json = text_json(text);

	free(text);
	return json;
}

static json_t *error_json(const struct bpfd_event *event)
{
	if (!event->error_code)
		return json_null();
	return json_pack("{ss ss}", "code",
	                 bpfd_error_code_name((enum bpfd_error_code)event->error_code), "message",
	                 event->error_message);
}

static json_t *event_json(const struct bpfd_event *event)
{
	char when[TIME_TEXT_SIZE];

	return json_pack(
		"{so so so so so so so so so so so so so so so so so so so so so so}", "event",
		text_json(bpfd_event_kind_name(event->kind)), "sequence",
		count_json(event->sequence), "missed", count_json(event->missed), "time",
		text_json(time_text(event->time_us / 1000000, when)), "time_us",
		number_json(event->time_us), "program_id", count_json(event->program_id), "link_id",
		count_json(event->link_id), "kernel_program_id",
		count_json(event->kernel_program_id), "program_name",
		text_json(event->program_name), "type",
		text_json(bpfd_program_type_name(event->type)), "where", text_json(event->where),
		"link_state",
		text_json(bpfd_link_state_name((enum bpfd_link_state)event->link_state)),
		"program_state",
		text_json(bpfd_program_state_name((enum bpfd_program_state)event->program_state)),
		"reason", text_json(event->reason), "peer", peer_json(event), "request_id",
		request_id_json(event), "operation", text_json(event->operation), "error",
		error_json(event), "image_reference", text_json(event->image_reference), "stage",
		text_json(event->stage), "done_bytes",
		event->kind == BPFD_EVENT_IMAGE_PROGRESS ? number_json(event->done_bytes)
							 : json_null(),
		"total_bytes", count_json(event->total_bytes));
}

int event_json_print(FILE *out, const struct bpfd_event *event)
{
	json_t *json = event_json(event);

	if (!json)
		return -ENOMEM;
	(void)json_dumpf(json, out, JSON_COMPACT | JSON_ENSURE_ASCII);
	(void)fputc('\n', out);
	json_decref(json);
	return 0;
}
