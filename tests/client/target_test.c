/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* libbpfd's attach and update: every field of a target arrives, in both directions. */
#include "client/fixture.h"

#include <cmocka.h>
#include <errno.h>
#include <unistd.h>

static void test_attach_tells_zero_from_not_given(void **state)
{
	static const int32_t actions[] = { 2, 31 };
	struct fixture *fixture = *state;
	struct bpfd_attach_request request = {
		.program_id = 5,
		.type = BPFD_PROGRAM_XDP,
		.target = { .interface = "eth0", .mode = BPFD_XDP_MODE_GENERIC },
	};
	const Bpfd__V1__Target *target;
	struct bpfd_link *link = NULL;

	assert_int_equal(bpfd_attach(fixture->client, &request, &link, NULL), 0);
	assert_int_equal(link->id, 1);
	assert_true(link->running);
	assert_int_equal(link->target.proceed_on[1], 31);
	bpfd_link_free(link);
	target = fixture->seen.request->attach->target;
	assert_int_equal(target->priority_option_case, BPFD__V1__TARGET__PRIORITY_OPTION__NOT_SET);
	assert_int_equal(target->n_proceed_on, 0);
	assert_int_equal(target->mode, BPFD__V1__XDP_MODE__XDP_MODE_GENERIC);

	request.target.priority_set = true;
	request.target.proceed_on = actions;
	request.target.proceed_on_count = 2;
	request.target.exclusive = true;
	assert_int_equal(bpfd_attach(fixture->client, &request, &link, NULL), 0);
	bpfd_link_free(link);
	target = fixture->seen.request->attach->target;
	assert_int_equal(target->priority_option_case, BPFD__V1__TARGET__PRIORITY_OPTION_PRIORITY);
	assert_int_equal(target->priority, 0);
	assert_int_equal(target->n_proceed_on, 2);
	assert_int_equal(target->exclusive, 1);
}

static void test_attach_tracepoint(void **state)
{
	struct fixture *fixture = *state;
	struct bpfd_attach_request request = {
		.program_id = 6,
		.type = BPFD_PROGRAM_TRACEPOINT,
		.target = { .group = "sched", .name = "sched_switch" },
	};
	struct bpfd_link *link = NULL;
	struct bpfd_error *error = NULL;

	assert_int_equal(bpfd_attach(fixture->client, &request, &link, NULL), 0);
	assert_string_equal(fixture->seen.request->attach->target->group, "sched");
	assert_string_equal(fixture->seen.request->attach->target->name, "sched_switch");
	assert_string_equal(link->target.group, "sched");
	assert_string_equal(link->target.name, "sched_switch");
	assert_string_equal(link->where, "sched/sched_switch");
	assert_false(link->running);
	assert_int_equal(link->state, BPFD_LINK_GONE);
	bpfd_link_free(link);

	request.type = BPFD_PROGRAM_NONE;
	assert_int_equal(bpfd_attach(fixture->client, &request, &link, &error), -EINVAL);
	assert_int_equal(error->code, BPFD_ERROR_INVALID_ARGUMENT);
	bpfd_error_free(error);
}

/* Every field arrives, in both directions. */
static void test_attach_carries_the_whole_target(void **state)
{
	static const struct bpfd_place places[BPFD_PLACES_MAX] = { { "g", 5 }, [30] = { NULL, 6 } };
	struct fixture *fixture = *state;
	struct bpfd_attach_request request = {
		.program_id = 7,
		.type = BPFD_PROGRAM_UPROBE,
		.target = { .interface = "i",
		            .netns = "/n",
		            .group = "g",
		            .name = "e",
		            .path = "/p",
		            .function = "f",
		            .offset = UINT64_MAX,
		            .follow = true,
		            .priority_set = true,
		            .priority = INT32_MIN,
		            .cpu_set = true,
		            .pid = 11,
		            .container_pid = 12,
		            .frequency = 13,
		            .direction = BPFD_DIRECTION_INGRESS,
		            .family = BPFD_NETFILTER_IPV4,
		            .hook = BPFD_NETFILTER_POSTROUTING,
		            .places = places,
		            .place_count = BPFD_PLACES_MAX - 1 },
	};
	const Bpfd__V1__Target *sent;
	struct bpfd_link *link = NULL;

	assert_int_equal(bpfd_attach(fixture->client, &request, &link, NULL), 0);
	assert_int_equal(fixture->seen.request->attach->type,
	                 BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_UPROBE);
	sent = fixture->seen.request->attach->target;
	assert_string_equal(sent->interface, "i");
	assert_string_equal(sent->netns, "/n");
	assert_string_equal(sent->group, "g");
	assert_string_equal(sent->name, "e");
	assert_string_equal(sent->path, "/p");
	assert_string_equal(sent->function, "f");
	assert_true(sent->offset == UINT64_MAX);
	assert_true(sent->follow && !sent->exclusive);
	assert_int_equal(sent->priority, INT32_MIN);
	assert_int_equal(sent->cpu_option_case, BPFD__V1__TARGET__CPU_OPTION_CPU);
	assert_int_equal(sent->cpu, 0);
	assert_int_equal(sent->pid, 11);
	assert_int_equal(sent->container_pid, 12);
	assert_int_equal(sent->frequency, 13);
	assert_int_equal(sent->direction, BPFD__V1__DIRECTION__DIRECTION_INGRESS);
	assert_int_equal(sent->family, BPFD__V1__NETFILTER_FAMILY__NETFILTER_FAMILY_IPV4);
	assert_int_equal(sent->hook, BPFD__V1__NETFILTER_HOOK__NETFILTER_HOOK_POSTROUTING);

	assert_int_equal(sent->n_places, 31);
	assert_string_equal(sent->places[0]->function, "g");
	assert_int_equal(sent->places[0]->offset, 5);
	assert_string_equal(sent->places[30]->function, "");
	assert_int_equal(sent->places[30]->offset, 6);

	assert_string_equal(link->where, "/bin/bash+0x10 (readline)");
	assert_int_equal(link->target.place_count, 2);
	assert_string_equal(link->target.places[0].function, "rl_bind_key");
	assert_int_equal(link->target.places[0].offset, 48);
	assert_string_equal(link->target.places[1].function, "");
	assert_int_equal(link->target.places[1].offset, 64);
	assert_string_equal(link->target.interface, "");
	assert_string_equal(link->target.netns, "/run/netns/blue");
	assert_string_equal(link->target.group, "g");
	assert_string_equal(link->target.name, "n");
	assert_string_equal(link->target.path, "/bin/bash");
	assert_string_equal(link->target.function, "readline");
	assert_int_equal(link->target.offset, 16);
	assert_true(link->target.follow && !link->target.exclusive);
	assert_true(link->target.priority_set && link->target.cpu_set);
	assert_int_equal(link->target.priority, -7);
	assert_int_equal(link->target.cpu, 0);
	assert_int_equal(link->target.pid, 4711);
	assert_int_equal(link->target.container_pid, 812);
	assert_int_equal(link->target.frequency, 99);
	assert_int_equal(link->target.direction, BPFD_DIRECTION_EGRESS);
	assert_int_equal(link->target.family, BPFD_NETFILTER_IPV6);
	assert_int_equal(link->target.hook, BPFD_NETFILTER_FORWARD);
	bpfd_link_free(link);
}

static void test_attach_has_a_bound(void **state)
{
	static const struct bpfd_place places[BPFD_PLACES_MAX];
	struct fixture *fixture = *state;
	struct bpfd_attach_request request = {
		.program_id = 7,
		.type = BPFD_PROGRAM_KPROBE_MULTI,
		.target = { .places = places, .place_count = BPFD_PLACES_MAX },
	};
	struct bpfd_error *error = NULL;
	struct bpfd_link *link = NULL;

	assert_int_equal(bpfd_attach(fixture->client, &request, &link, &error), -EINVAL);
	assert_string_equal(error->message, "33 places are named: at most 32 are allowed");
	bpfd_error_free(error);
}

/* Nothing is said of where: a type that was loaded for a function needs no more. */
static void test_attach_without_a_target(void **state)
{
	struct fixture *fixture = *state;
	struct bpfd_attach_request request = { .program_id = 8, .type = BPFD_PROGRAM_FENTRY };
	const Bpfd__V1__Target *sent;
	struct bpfd_link *link = NULL;

	assert_int_equal(bpfd_attach(fixture->client, &request, &link, NULL), 0);
	sent = fixture->seen.request->attach->target;
	assert_non_null(sent);
	assert_string_equal(sent->interface, "");
	assert_string_equal(sent->function, "");
	assert_int_equal(sent->priority_option_case, BPFD__V1__TARGET__PRIORITY_OPTION__NOT_SET);
	assert_int_equal(sent->cpu_option_case, BPFD__V1__TARGET__CPU_OPTION__NOT_SET);
	assert_int_equal(sent->n_proceed_on, 0);
	assert_string_equal(link->where, "vfs_read");
	assert_string_equal(link->target.function, "");
	assert_false(link->target.priority_set || link->target.cpu_set);
	bpfd_link_free(link);
}

static void test_update_sends_what_changes(void **state)
{
	static const int32_t actions[] = { 1 };
	struct fixture *fixture = *state;
	struct bpfd_update_request request = { .link_id = 1, .program_id = 6 };
	const Bpfd__V1__UpdateRequest *sent;
	struct bpfd_link *link = NULL;

	assert_int_equal(bpfd_update(fixture->client, &request, &link, NULL), 0);
	sent = fixture->seen.request->update;
	assert_int_equal(sent->link_id, 1);
	assert_int_equal(sent->program_id, 6);
	assert_int_equal(sent->priority_option_case,
	                 BPFD__V1__UPDATE_REQUEST__PRIORITY_OPTION__NOT_SET);
	assert_int_equal(sent->n_proceed_on, 0);
	assert_int_equal(fixture->seen.request_id_size, BPFD_REQUEST_ID_SIZE);
	assert_int_equal(link->program_id, 6);
	assert_int_equal(link->target.priority, 50);
	bpfd_link_free(link);

	request = (struct bpfd_update_request){
		.link_id = 1, .priority_set = true, .proceed_on = actions, .proceed_on_count = 1
	};
	assert_int_equal(bpfd_update(fixture->client, &request, &link, NULL), 0);
	sent = fixture->seen.request->update;
	assert_int_equal(sent->priority_option_case,
	                 BPFD__V1__UPDATE_REQUEST__PRIORITY_OPTION_PRIORITY);
	assert_int_equal(sent->priority, 0);
	assert_int_equal(sent->program_id, 0);
	assert_int_equal(link->target.priority, 0);
	assert_int_equal(link->target.proceed_on_count, 1);
	assert_int_equal(link->target.proceed_on[0], 1);
	bpfd_link_free(link);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WITH_SERVER(test_attach_tells_zero_from_not_given),
		WITH_SERVER(test_attach_tracepoint),
		WITH_SERVER(test_attach_carries_the_whole_target),
		WITH_SERVER(test_attach_without_a_target),
		WITH_SERVER(test_attach_has_a_bound),
		WITH_SERVER(test_update_sends_what_changes),
	};

	(void)alarm(120); /* a client that hangs is a failure, too */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
