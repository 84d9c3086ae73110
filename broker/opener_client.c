/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/opener_client.h"
#include "common/cleanup.h"
#include "common/log.h"

#include <string.h>

static int opener_off(struct error *error, const char *feature)
{
	return error_set(
		error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
		"%s needs bpfd's opener, which is switched off: set \"opener = yes\" in bpfd.conf",
		feature);
}

/* The opener is a sibling: when it is gone or does not keep to the protocol, the service ends. */
_Noreturn static void opener_broken(const char *what, int result)
{
	log_error("opener: %s: %s", what, strerror(-result));
	_exit(1);
}

/* Asks, with `descriptors` where the question has some, and waits. The answer's type; its
 * descriptors are the caller's. */
static uint16_t opener_ask_with(struct opener_client *client, uint16_t type, const void *question,
                                const int *descriptors, struct channel_message *answer,
                                struct error *error)
{
	static struct channel_buffer
		space; /* one question at a time; too big for the stack of a small process */
	uint64_t id = ++client->next_id;
	int result = channel_send(&client->channel, type, id, question, descriptors);

	if (result < 0)
		opener_broken("cannot be asked", result);
	result = channel_receive(&client->channel, OPENER_STATE_READY, &space, answer);
	if (result < 0)
		opener_broken("does not answer", result);
	if (answer->id != id)
		opener_broken("answers another question", -EPROTO);
	if (answer->row->type == OPENER_REFUSED && error) {
		const struct opener_refused *refused = answer->body;

		*error = refused->error;
		error->message[sizeof(error->message) - 1] = '\0';
	}
	return answer->row->type;
}

static uint16_t opener_ask(struct opener_client *client, uint16_t type, const void *question,
                           struct channel_message *answer, struct error *error)
{
	return opener_ask_with(client, type, question, NULL, answer, error);
}

static int opener_refusal(const struct channel_message *answer)
{
	const struct opener_refused *refused = answer->body;

	if (refused->errno_value <= 0 || refused->errno_value > 4095)
		opener_broken("refuses without a reason", -EPROTO);
	return -refused->errno_value;
}

/* A path that was checked with its target: it ends within its size. */
static void path_take(char out[OPENER_PATH_SIZE], const char *path)
{
	memcpy(out, path, strnlen(path, OPENER_PATH_SIZE - 1));
}

int opener_dispatcher_open(struct opener_client *client, const char *netns, uint32_t ifindex,
                           uint32_t program_id, int *program_fd, int *map_fd, struct error *error)
{
	struct opener_dispatcher question = { .ifindex = ifindex, .program_id = program_id };
	struct channel_message answer;

	if (!client)
		return opener_off(error, "a look at somebody else's XDP program");
	path_take(question.netns, netns);
	switch (opener_ask(client, OPENER_DISPATCHER, &question, &answer, error)) {
	case OPENER_OPENED_DISPATCHER:
		*program_fd = answer.descriptors[0];
		*map_fd = answer.descriptors[1];
		return 0;
	case OPENER_OPENED:
		*program_fd = answer.descriptors[0];
		*map_fd = -1;
		return 0;
	case OPENER_REFUSED:
		return opener_refusal(&answer);
	default:
		opener_broken("answers what was not asked", -EPROTO);
	}
}

/* For the questions whose answer is one descriptor. */
static int opener_open(struct opener_client *client, uint16_t type, const void *question, int *fd,
                       struct error *error)
{
	struct channel_message answer;

	switch (opener_ask(client, type, question, &answer, error)) {
	case OPENER_OPENED:
		*fd = answer.descriptors[0];
		return 0;
	case OPENER_REFUSED:
		return opener_refusal(&answer);
	default:
		opener_broken("answers what was not asked", -EPROTO);
	}
}

int opener_component_open(struct opener_client *client, const char *netns, uint32_t ifindex,
                          uint32_t dispatcher_id, uint32_t slot, int *program_fd,
                          struct error *error)
{
	struct opener_component question = { .ifindex = ifindex,
		                             .dispatcher_id = dispatcher_id,
		                             .slot = slot };

	if (!client)
		return opener_off(error, "joining somebody else's XDP programs");
	path_take(question.netns, netns);
	return opener_open(client, OPENER_COMPONENT, &question, program_fd, error);
}

int opener_pins_remove(struct opener_client *client, const char *netns, uint32_t ifindex,
                       uint32_t dispatcher_id, struct error *error)
{
	struct opener_dispatcher question = { .ifindex = ifindex, .program_id = dispatcher_id };
	struct channel_message answer;

	if (!client)
		return opener_off(error, "removing somebody else's dispatcher");
	path_take(question.netns, netns);
	switch (opener_ask(client, OPENER_PINS_REMOVE, &question, &answer, error)) {
	case OPENER_REMOVED:
		return 0;
	case OPENER_REFUSED:
		return opener_refusal(&answer);
	default:
		opener_broken("answers what was not asked", -EPROTO);
	}
}

int opener_tracepoint_open(struct opener_client *client, const char *group, const char *name,
                           int *perf_fd, struct error *error)
{
	struct opener_tracepoint question = {};

	if (!client)
		return opener_off(error, "attaching to a tracepoint");
	/* the texts were checked with the link: both end within their size */
	memcpy(question.group, group, strnlen(group, sizeof(question.group) - 1));
	memcpy(question.name, name, strnlen(name, sizeof(question.name) - 1));
	return opener_open(client, OPENER_TRACEPOINT, &question, perf_fd, error);
}

int opener_kprobe_open(struct opener_client *client, const struct opener_kprobe *question,
                       int *perf_fd, struct error *error)
{
	if (!client)
		return opener_off(error, "attaching to a kernel function by a kprobe");
	return opener_open(client, OPENER_KPROBE, question, perf_fd, error);
}

int opener_uprobe_open(struct opener_client *client, const struct opener_uprobe *question,
                       int *perf_fd, struct error *error)
{
	if (!client)
		return opener_off(error, "attaching to a program's file by a uprobe");
	return opener_open(client, OPENER_UPROBE, question, perf_fd, error);
}

int opener_sample_open(struct opener_client *client, const struct opener_sample *question,
                       int *perf_fd, struct error *error)
{
	if (!client)
		return opener_off(error, "attaching to a sampled event");
	return opener_open(client, OPENER_SAMPLE, question, perf_fd, error);
}

int opener_file_open(struct opener_client *client, const struct opener_file *question, int *fd,
                     struct error *error)
{
	if (!client)
		return opener_off(error, "finding a file to be probed");
	return opener_open(client, OPENER_FILE, question, fd, error);
}

int opener_netns_open(struct opener_client *client, const char *path, int *fd, struct error *error)
{
	struct opener_netns question = {};

	if (!client)
		return opener_off(error, "another network namespace");
	path_take(question.path, path);
	return opener_open(client, OPENER_NETNS, &question, fd, error);
}

int opener_netns_socket(struct opener_client *client, const char *path, int *netns_fd,
                        int *socket_fd, struct error *error)
{
	struct opener_netns question = {};
	struct channel_message answer;

	if (!client)
		return opener_off(error, "another network namespace");
	path_take(question.path, path);
	switch (opener_ask(client, OPENER_NETNS_SOCKET, &question, &answer, error)) {
	case OPENER_OPENED_NETNS:
		*netns_fd = answer.descriptors[0];
		*socket_fd = answer.descriptors[1];
		return 0;
	case OPENER_REFUSED:
		return opener_refusal(&answer);
	default:
		opener_broken("answers what was not asked", -EPROTO);
	}
}

static int opener_tcx_off(struct error *error)
{
	return opener_off(error, "another network namespace");
}

int opener_tcx_query(struct opener_client *client, const struct opener_tcx_hook *question,
                     struct tcx_order *out, struct error *error)
{
	struct channel_message answer;

	if (!client)
		return opener_tcx_off(error);
	switch (opener_ask(client, OPENER_TCX_QUERY, question, &answer, error)) {
	case OPENER_TCX_ORDER:
		memcpy(out, answer.body, sizeof(*out));
		if (out->count > CHAIN_PROGRAMS_MAX)
			opener_broken("counts wrongly", -EPROTO);
		return 0;
	case OPENER_REFUSED:
		return opener_refusal(&answer);
	default:
		opener_broken("answers what was not asked", -EPROTO);
	}
}

int opener_tcx_link(struct opener_client *client, const struct opener_tcx_link *question,
                    int program_fd, int *link_fd, struct error *error)
{
	struct channel_message answer;

	if (!client)
		return opener_tcx_off(error);
	switch (opener_ask_with(client, OPENER_TCX_LINK, question, &program_fd, &answer, error)) {
	case OPENER_OPENED:
		*link_fd = answer.descriptors[0];
		return 0;
	case OPENER_REFUSED:
		return opener_refusal(&answer);
	default:
		opener_broken("answers what was not asked", -EPROTO);
	}
}

int opener_btf_open(struct opener_client *client, uint32_t id, int *fd, struct error *error)
{
	const struct opener_btf question = { .id = id };

	if (!client)
		return opener_off(error, "a look at a map's types");
	return opener_open(client, OPENER_BTF, &question, fd, error);
}

int opener_list(struct opener_client *client, uint32_t kind, uint32_t after_id, int *records_fd,
                struct opener_listed *listed, struct error *error)
{
	const struct opener_list question = { .kind = kind, .after_id = after_id };
	struct channel_message answer;

	if (!client)
		return opener_off(error, "a list of what others loaded");
	switch (opener_ask(client, OPENER_LIST, &question, &answer, error)) {
	case OPENER_LISTED:
		memcpy(listed, answer.body, sizeof(*listed));
		*records_fd = answer.descriptors[0];
		return 0;
	case OPENER_REFUSED:
		return opener_refusal(&answer);
	default:
		opener_broken("answers what was not asked", -EPROTO);
	}
}

int opener_statistics_open(struct opener_client *client, int *statistics_fd, struct error *error)
{
	if (!client)
		return error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
		                 "the kernel does not count runs of programs, and bpfd's opener, "
		                 "which could let it, is switched off: set the sysctl "
		                 "kernel.bpf_stats_enabled to 1, or \"opener = yes\" in bpfd.conf");
	return opener_open(client, OPENER_STATISTICS, NULL, statistics_fd, error);
}
