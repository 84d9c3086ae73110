/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/opener/opener.h"
#include "common/cleanup.h"

#include <string.h>

/* One row for each question. */
static int (*const answers[])(struct opener *opener, const void *question,
                              struct opener_answer *answer, struct error *error) = {
	[OPENER_DISPATCHER] = answer_dispatcher,
	[OPENER_COMPONENT] = answer_component,
	[OPENER_PINS_REMOVE] = answer_pins_remove,
	[OPENER_TRACEPOINT] = answer_tracepoint,
	[OPENER_KPROBE] = answer_kprobe,
	[OPENER_UPROBE] = answer_uprobe,
	[OPENER_SAMPLE] = answer_sample,
	[OPENER_FILE] = answer_file,
	[OPENER_NETNS] = answer_netns,
	[OPENER_NETNS_SOCKET] = answer_netns_socket,
	[OPENER_BTF] = answer_btf,
	[OPENER_LIST] = answer_list,
	[OPENER_STATISTICS] = answer_statistics,
	[OPENER_TCX_QUERY] = answer_tcx_query,
	[OPENER_TCX_LINK] = answer_tcx_link,
};

static int refuse(struct opener *opener, uint64_t id, int result, const struct error *error)
{
	struct opener_refused refused = { .errno_value = -result, .error = *error };

	return channel_send(&opener->channel, OPENER_REFUSED, id, &refused, NULL);
}

static const void *answer_body(const struct opener_answer *answer)
{
	switch (answer->type) {
	case OPENER_LISTED:
		return &answer->listed;
	case OPENER_TCX_ORDER:
		return &answer->order;
	default:
		return NULL;
	}
}

int opener_serve(struct opener *opener)
{
	static struct channel_buffer buffer; /* the process does one thing at a time */
	struct opener_answer answer = { .descriptors = { -1, -1 } };
	struct channel_message question;
	struct error error = {};
	int result = channel_receive(&opener->channel, OPENER_STATE_READY, &buffer, &question);

	if (result < 0)
		return result;
	opener->received = question.row->descriptors ? question.descriptors[0] : -1;
	result = answers[question.row->type](opener, question.body, &answer, &error);
	channel_message_close(&question);
	opener->received = -1;
	if (result < 0)
		return refuse(opener, question.id, result, &error);
	result = channel_send(&opener->channel, answer.type, question.id, answer_body(&answer),
	                      answer.descriptors);
	close_cleanup(&answer.descriptors[0]);
	close_cleanup(&answer.descriptors[1]);
	return result;
}
