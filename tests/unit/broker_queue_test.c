/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The queue of loads, its waiters and deadlines, the pause after deaths; and the registry of what
 * is loaded and attached. */
#include <cmocka.h>

#include "broker/load_queue.h"
#include "broker/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static struct frontend_load *request_make(uint32_t uid, uint8_t id)
{
	static struct frontend_load request;

	memset(&request, 0, sizeof(request));
	request.peer.uid = uid;
	request.request_id[0] = id;
	return &request;
}

static struct load_job *job_make(uint32_t uid, uint8_t id, uint64_t deadline_ms)
{
	struct load_job *job = load_job_new(request_make(uid, id), id,
	                                    open("/dev/null", O_RDONLY | O_CLOEXEC), deadline_ms);

	assert_non_null(job);
	return job;
}

static void test_order(void **state)
{
	struct load_queue queue = {};

	(void)state;
	for (uint8_t id = 1; id <= 3; id++)
		assert_true(load_queue_push(&queue, job_make(0, id, 100)));
	for (uint8_t id = 1; id <= 3; id++) {
		struct load_job *job = load_queue_pop(&queue);

		assert_int_equal(job->waiters[0], id);
		load_job_free(job);
	}
	assert_null(load_queue_pop(&queue));
	assert_int_equal(queue.count, 0);
}

static void test_bound(void **state)
{
	struct load_queue queue = {};
	struct load_job *more = job_make(0, 200, 100);

	(void)state;
	for (unsigned int i = 0; i < LOAD_QUEUE_MAX; i++)
		assert_true(load_queue_push(&queue, job_make(0, 1, 100)));
	assert_false(load_queue_push(&queue, more));
	load_job_free(more);
	for (unsigned int i = 0; i < LOAD_QUEUE_MAX; i++)
		load_job_free(load_queue_pop(&queue));
	assert_null(queue.first);
}

static void test_repeats_join(void **state)
{
	struct load_queue queue = {};

	(void)state;
	assert_true(load_queue_push(&queue, job_make(1000, 7, 100)));
	assert_true(load_queue_push(&queue, job_make(1000, 0, 100)));
	assert_null(load_queue_find(&queue, request_make(1001, 7)));
	assert_null(load_queue_find(&queue, request_make(1000, 8)));
	/* A request without an id is never the same as another. */
	assert_null(load_queue_find(&queue, request_make(1000, 0)));

	struct load_job *job = load_queue_find(&queue, request_make(1000, 7));

	assert_non_null(job);
	for (uint64_t waiter = 1; waiter < LOAD_WAITERS_MAX; waiter++)
		assert_true(load_job_join(job, waiter + 100));
	assert_false(load_job_join(job, 999));
	assert_int_equal(job->waiter_count, LOAD_WAITERS_MAX);
	assert_int_equal(job->waiters[LOAD_WAITERS_MAX - 1], LOAD_WAITERS_MAX - 1 + 100);
	load_job_free(load_queue_pop(&queue));
	load_job_free(load_queue_pop(&queue));
}

static void test_expiry(void **state)
{
	struct load_queue queue = {};

	(void)state;
	assert_true(load_queue_push(&queue, job_make(0, 1, 100)));
	assert_true(load_queue_push(&queue, job_make(0, 2, 200)));
	assert_null(load_queue_pop_expired(&queue, 99));

	struct load_job *job = load_queue_pop_expired(&queue, 100);

	assert_int_equal(job->waiters[0], 1);
	load_job_free(job);
	assert_null(load_queue_pop_expired(&queue, 199));
	load_job_free(load_queue_pop_expired(&queue, 5000));
	assert_null(load_queue_pop_expired(&queue, 5000));
}

/* A job that is to be done again is the next, and was there before: it finds room. */
static void test_return(void **state)
{
	struct load_queue queue = {};
	struct load_job *first = NULL;

	(void)state;
	for (uint8_t i = 0; i <= LOAD_QUEUE_MAX; i++) {
		if (i == 1)
			first = load_queue_pop(&queue);
		assert_true(load_queue_push(&queue, job_make(1000, (uint8_t)(i + 1), 100 + i)));
	}
	load_queue_return(&queue, first);
	assert_int_equal(queue.count, LOAD_QUEUE_MAX + 1);
	assert_ptr_equal(load_queue_find(&queue, request_make(1000, 1)), first);
	assert_ptr_equal(load_queue_pop_expired(&queue, 100), first);
	load_job_free(first);
	for (unsigned int i = 0; i < LOAD_QUEUE_MAX; i++)
		load_job_free(load_queue_pop(&queue));
	assert_null(queue.first);
}

/* Who was loaded with whose maps, and who has maps that others have, too. */
static void test_registry_maps(void **state)
{
	struct registry registry = {};
	struct record_program program = { .map_count = 2,
		                          .maps = { { .name = "a" }, { .name = "b" } } };

	(void)state;
	assert_int_equal(registry_reserve(&registry, 4, 0, 0), 0);
	for (uint64_t id = 1; id <= 4; id++) {
		program.id = program.load_id = id;
		program.map_owner = id == 2 || id == 4 ? 1 : 0;
		program.maps[0].origin = program.map_owner ? 1 : id;
		program.maps[1].origin = id;
		program.maps[1].flags = id == 3 ? RECORD_MAP_BY_NAME : 0;
		registry_program_add(&registry, &program, -1);
	}
	for (uint64_t id = 1; id <= 4; id++) {
		const struct program_entry *entry = registry_program(&registry, id);

		assert_int_equal(entry->shares, id == 2 || id == 4);
		assert_int_equal(entry->by_name, id == 3);
	}
	assert_int_equal(registry_map_user(&registry, 1, 0)->id, 2);
	assert_int_equal(registry_map_user(&registry, 1, 2)->id, 4);
	assert_null(registry_map_user(&registry, 1, 4));
	assert_null(registry_map_user(&registry, 2, 0));
	registry_clear(&registry);
}

static void test_backoff(void **state)
{
	(void)state;
	assert_int_equal(load_backoff_ms(0), 0);
	assert_int_equal(load_backoff_ms(1), 0);
	for (unsigned int deaths = 2; deaths < 200; deaths++) {
		uint64_t wait_ms = load_backoff_ms(deaths);

		assert_true(wait_ms >= 50 && wait_ms <= 30000);
		assert_true(wait_ms >= load_backoff_ms(deaths - 1));
	}
	assert_int_equal(load_backoff_ms(5), 400);
	assert_int_equal(load_backoff_ms(1000), 30000);
}

static void program_add(struct registry *registry, uint64_t id)
{
	struct record_program program = { .id = id, .type = 1, .kernel_id = (uint32_t)(100 + id) };

	assert_int_equal(registry_reserve(registry, 1, 0, 0), 0);
	registry_program_add(registry, &program, open("/dev/null", O_RDONLY | O_CLOEXEC));
}

static void link_put(struct registry *registry, uint64_t id, uint64_t program_id, uint32_t ifindex,
                     uint32_t link_state)
{
	struct record_link link = { .id = id,
		                    .program_id = program_id,
		                    .type = 1,
		                    .state = link_state,
		                    .target = { .ifindex = ifindex } };

	assert_int_equal(registry_reserve(registry, 0, 1, 0), 0);
	registry_link_put(registry, &link);
}

static void test_registry(void **state)
{
	struct registry registry = {};
	int fd;

	(void)state;
	for (uint64_t id = 2; id < 40; id += 2)
		program_add(&registry, id);
	for (uint64_t id = 1; id < 41; id++)
		assert_int_equal(registry_program(&registry, id) != NULL, id % 2 == 0 && id < 40);
	assert_true(registry_owns_kernel_id(&registry, 104));
	assert_false(registry_owns_kernel_id(&registry, 103));
	fd = registry_program(&registry, 4)->fd;
	registry_program_remove(&registry, 4);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_null(registry_program(&registry, 4));
	assert_non_null(registry_program(&registry, 2));
	assert_non_null(registry_program(&registry, 6));
	registry_program_remove(&registry, 4);
	registry_clear(&registry);
}

static void test_registry_links(void **state)
{
	const uint32_t attached = 1u << LINK_STATE_ATTACHED;
	struct registry registry = {};

	(void)state;
	program_add(&registry, 2);
	program_add(&registry, 3);
	link_put(&registry, 1, 2, 5, LINK_STATE_ATTACHED);
	link_put(&registry, 2, 3, 5, LINK_STATE_REMOVED);
	link_put(&registry, 3, 2, 6, LINK_STATE_ATTACHED);
	assert_int_equal(registry_xdp_link(&registry, 0, 5, 102, attached)->id, 1);
	assert_int_equal(registry_xdp_link(&registry, 0, 6, 102, attached)->id, 3);
	assert_null(registry_xdp_link(&registry, 0, 5, 103, attached));
	assert_int_equal(registry_xdp_link(&registry, 0, 5, 103, 1u << LINK_STATE_REMOVED)->id, 2);
	assert_int_equal(registry_link_of_program(&registry, 2, 0)->id, 1);
	assert_int_equal(registry_link_of_program(&registry, 2, 1)->id, 3);
	assert_null(registry_link_of_program(&registry, 2, 3));
	link_put(&registry, 3, 2, 6, LINK_STATE_GONE);
	assert_int_equal(registry.link_count, 3);
	assert_false(registry_interface_used(&registry, 0, 6));
	assert_true(registry_interface_used(&registry, 0, 5));
	registry_link_remove(&registry, 1);
	registry_link_remove(&registry, 1);
	assert_null(registry_link(&registry, 1));
	assert_non_null(registry_link(&registry, 2));
	registry_clear(&registry);
}

static void test_registry_chains(void **state)
{
	struct registry registry = {};

	(void)state;
	for (uint32_t i = 1; i <= 20; i++) {
		struct record_chain chain = { .ifindex = i,
			                      .dispatcher_id = i * 10,
			                      .interface = "a" };

		assert_int_equal(registry_reserve(&registry, 0, 0, 1), 0);
		registry_chain_put(&registry, &chain);
		registry_chain_put(&registry, &chain);
	}
	assert_int_equal(registry.chain_count, 20);
	registry_chain_remove(&registry, 0, 3);
	registry_chain_remove(&registry, 0, 99);
	assert_null(registry_chain(&registry, 0, 3));
	assert_int_equal(registry_chain(&registry, 0, 20)->dispatcher_id, 200);
	registry_clear(&registry);
}

/* Who runs at a place: in order, without the one who asks, and not more than fit. */
static void test_registry_members(void **state)
{
	static const struct {
		uint64_t id;
		uint32_t ifindex, direction, state;
		int32_t priority;
	} rows[] = {
		{ 1, 5, DIRECTION_INGRESS, LINK_STATE_ATTACHED, 50 },
		{ 2, 5, DIRECTION_INGRESS, LINK_STATE_ATTACHED, 90 },
		{ 3, 5, DIRECTION_INGRESS, LINK_STATE_ATTACHED, -3 },
		{ 4, 5, DIRECTION_EGRESS, LINK_STATE_ATTACHED, 50 },
		{ 5, 6, DIRECTION_INGRESS, LINK_STATE_ATTACHED, 50 },
		{ 6, 5, DIRECTION_INGRESS, LINK_STATE_GONE, 50 },
		{ 7, 5, DIRECTION_INGRESS, LINK_STATE_ATTACHED, 50 },
	};
	struct registry registry = {};
	struct chain_member members[4];
	struct record_link link = { .program_id = 2, .type = PROGRAM_TYPE_TCX };

	(void)state;
	program_add(&registry, 2);
	assert_int_equal(registry_reserve(&registry, 0, 7, 0), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		link.id = rows[i].id;
		link.state = rows[i].state;
		link.target = (struct record_target){ .ifindex = rows[i].ifindex,
			                              .direction = rows[i].direction,
			                              .priority = rows[i].priority };
		registry_link_put(&registry, &link);
	}
	link.target = (struct record_target){ .ifindex = 5, .direction = DIRECTION_INGRESS };
	link.id = 99;
	assert_int_equal(registry_members(&registry, &link, members, 4), 4);
	assert_int_equal(members[0].link_id, 3);
	assert_int_equal(members[1].link_id, 1);
	assert_int_equal(members[2].link_id, 7);
	assert_int_equal(members[3].link_id, 2);
	assert_int_equal(members[0].kernel_id, 102);
	assert_int_equal((int32_t)members[0].priority, -3);
	link.id = 1;
	assert_int_equal(registry_members(&registry, &link, members, 4), 3);
	assert_int_equal(members[1].link_id, 7);
	members[2].link_id = 1234;
	assert_int_equal(registry_members(&registry, &link, members, 2), 2);
	assert_int_equal(members[0].link_id, 3);
	assert_int_equal(members[1].link_id, 7);
	assert_int_equal(members[2].link_id, 1234);
	link.type = PROGRAM_TYPE_NETKIT;
	assert_int_equal(registry_members(&registry, &link, members, 4), 0);
	registry_clear(&registry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_repeats_join),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_registry),
		cmocka_unit_test(test_registry_links),
		cmocka_unit_test(test_registry_chains),
		cmocka_unit_test(test_registry_members),
		cmocka_unit_test(test_return),
		cmocka_unit_test(test_registry_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
