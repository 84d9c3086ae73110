/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/kernel_lists.h"

#include "broker/broker.h"
#include "broker/kernel.h"
#include "broker/kernel_object.h"
#include "common/cleanup.h"
#include "common/kernel_release.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

/* The kernel's counters can be read by an iterator from Linux 5.12 on. */
#define COUNTED_MAJOR 5
#define COUNTED_MINOR 12

static void list_refuse(struct broker *broker, uint64_t id, const struct error *error)
{
	struct frontend_refused refused = { .error = *error };

	tell_now(broker, FRONTEND_REFUSED, id, &refused, NULL);
}

/* ---- statistics ---- */

bool kernel_statistics_always(const struct kernel_lists *lists)
{
	char byte = '0';

	if (lists->enabled_fd < 0 || pread(lists->enabled_fd, &byte, 1, 0) != 1)
		return false;
	return byte != '0';
}

static int statistics_lease(struct broker *broker, uint32_t seconds, struct error *error)
{
	struct kernel_lists *lists = &broker->lists;
	uint64_t until_ms = clock_now_ms() + seconds * 1000ull;

	if (lists->statistics_fd < 0 && kernel_statistics_always(lists))
		return 0;
	if (lists->statistics_fd < 0) {
		int result =
			opener_statistics_open(broker->attach.opener, &lists->statistics_fd, error);

		if (result < 0)
			return result;
		log_info("the kernel counts runs of programs from now on: somebody looks at them");
	}
	if (until_ms > lists->statistics_until_ms)
		lists->statistics_until_ms = until_ms;
	return 0;
}

int kernel_lists_tick(struct broker *broker)
{
	struct kernel_lists *lists = &broker->lists;
	uint64_t now_ms = clock_now_ms();

	if (lists->statistics_fd < 0)
		return -1;
	if (now_ms < lists->statistics_until_ms) {
		uint64_t left_ms = lists->statistics_until_ms - now_ms;

		return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
	}
	close_cleanup(&lists->statistics_fd);
	lists->statistics_fd = -1;
	log_info("the kernel counts runs of programs no longer: nobody looks");
	return -1;
}

/* ---- answers ---- */

static struct frontend_kernel_records records_make(const struct kernel_lists *lists,
                                                   enum frontend_kernel_form form)
{
	return (struct frontend_kernel_records){
		.form = form,
		.statistics = lists->statistics_fd >= 0 || kernel_statistics_always(lists),
	};
}

/* Without the opener there is nothing else: why, and what would help. */
static void slice_impossible(struct broker *broker, uint64_t id)
{
	struct error error;

	(void)error_set(&error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
	                "what others loaded cannot be seen: this kernel refuses bpfd's iterators "
	                "(%.200s), and bpfd's opener, which could list it, is switched off: set "
	                "\"opener = yes\" in bpfd.conf",
	                broker->lists.refusal.message);
	list_refuse(broker, id, &error);
}

static void slice_answer(struct broker *broker, uint64_t id,
                         const struct frontend_kernel_list *question)
{
	struct frontend_kernel_records records =
		records_make(&broker->lists, FRONTEND_KERNEL_SLICE);
	_cleanup_close_ int fd = -1;
	struct opener_listed listed;
	struct error error;

	if (!broker->attach.opener) {
		slice_impossible(broker, id);
		return;
	}
	if (opener_list(broker->attach.opener, question->kind, question->after_id, &fd, &listed,
	                &error) < 0) {
		list_refuse(broker, id, &error);
		return;
	}
	records.count = listed.count;
	records.more = listed.more;
	tell_now(broker, FRONTEND_KERNEL_RECORDS, id, &records, &fd);
}

static bool iterator_answer(struct broker *broker, uint64_t id,
                            const struct kernel_iterator *iterator)
{
	struct frontend_kernel_records records =
		records_make(&broker->lists, FRONTEND_KERNEL_ITERATOR);
	_cleanup_close_ int fd = kernel_iterator_create(iterator->link_fd);

	if (fd < 0) {
		log_warning("an iterator cannot be read: %s", strerror(-fd));
		return false;
	}
	tell_now(broker, FRONTEND_KERNEL_RECORDS, id, &records, &fd);
	return true;
}

/* On kernels whose counters no iterator sees, the opener is asked where it can be. */
static bool iterator_suits(const struct broker *broker, const struct frontend_kernel_list *question)
{
	if (!question->statistics_s || !broker->attach.opener)
		return true;
	return kernel_release_is(broker->status.kernel_release, COUNTED_MAJOR, COUNTED_MINOR);
}

static void list_answer(struct broker *broker, uint64_t id,
                        const struct frontend_kernel_list *question)
{
	const struct kernel_iterator *iterator = &broker->lists.iterators[question->kind];

	if (iterator->state == KERNEL_ITERATOR_LOADED && question->after_id == 0 &&
	    iterator_suits(broker, question) && iterator_answer(broker, id, iterator))
		return;
	slice_answer(broker, id, question);
}

/* ---- the iterators' load ---- */

/* Those that waited for this kind are answered, however the load went. */
static void waiters_answer(struct broker *broker, uint32_t kind)
{
	struct kernel_lists *lists = &broker->lists;
	size_t kept = 0;

	for (size_t i = 0; i < lists->waiter_count; i++) {
		struct kernel_list_waiter waiter = lists->waiters[i];

		if (waiter.question.kind == kind)
			list_answer(broker, waiter.message_id, &waiter.question);
		else
			lists->waiters[kept++] = waiter;
	}
	lists->waiter_count = kept;
}

void kernel_iterator_refused(struct broker *broker, uint32_t kind, const struct error *error)
{
	struct kernel_lists *lists = &broker->lists;
	bool passing = error->code == ERROR_UNAVAILABLE || error->code == ERROR_TIMEOUT;
	char reason[ERROR_MESSAGE_MAX];

	lists->refusal = *error;
	lists->iterators[kind].state = passing ? KERNEL_ITERATOR_UNTRIED : KERNEL_ITERATOR_REFUSED;
	log_info("bpfd's iterator over %s is not loaded: %s", kernel_object_noun(kind),
	         log_escape(error->message, reason, sizeof(reason)));
	if (!passing) {
		broker->status.iterators_refused |= 1u << kind;
		view_status(broker);
	}
	waiters_answer(broker, kind);
}

void kernel_iterator_loaded(struct broker *broker, uint32_t kind,
                            const struct session_result *result)
{
	struct kernel_iterator *iterator = &broker->lists.iterators[kind];
	int link_fd = -EBADMSG;
	struct error error;

	if (result->program_count == 1 && result->map_count == 0)
		link_fd = kernel_link_create(result->programs[0].fd, 0, BPF_TRACE_ITER);
	if (link_fd < 0) {
		(void)error_set(&error, link_fd, ERROR_KERNEL, "the iterator cannot be linked: %s",
		                strerror(-link_fd));
		kernel_iterator_refused(broker, kind, &error);
		return;
	}
	iterator->link_fd = link_fd;
	iterator->state = KERNEL_ITERATOR_LOADED;
	broker->status.iterators |= 1u << kind;
	view_status(broker);
	waiters_answer(broker, kind);
}

/* The answer waits for a load that is asked for or under way. False: it need not. */
static bool list_wait(struct broker *broker, uint64_t id,
                      const struct frontend_kernel_list *question)
{
	struct kernel_lists *lists = &broker->lists;
	struct kernel_iterator *iterator = &lists->iterators[question->kind];
	bool untried = iterator->state == KERNEL_ITERATOR_UNTRIED;

	if (!untried && iterator->state != KERNEL_ITERATOR_LOADING)
		return false;
	if (question->after_id || lists->waiter_count == KERNEL_LIST_WAITERS_MAX)
		return false;
	lists->waiters[lists->waiter_count++] =
		(struct kernel_list_waiter){ .message_id = id, .question = *question };
	if (!untried)
		return true;
	iterator->state = KERNEL_ITERATOR_LOADING;
	load_iterator(broker, question->kind);
	return true;
}

int kernel_list_request(struct broker *broker, struct channel_message *message)
{
	const struct frontend_kernel_list *question = message->body;
	struct error error;

	if (question->kind >= KERNEL_KIND_COUNT || question->statistics_s > STATISTICS_S_MAX ||
	    question->reserved)
		return -EPROTO;
	if (question->statistics_s &&
	    statistics_lease(broker, question->statistics_s, &error) < 0) {
		list_refuse(broker, message->id, &error);
		return 0;
	}
	if (!list_wait(broker, message->id, question))
		list_answer(broker, message->id, question);
	return 0;
}

void kernel_lists_open(struct kernel_lists *lists)
{
	for (size_t i = 0; i < KERNEL_KIND_COUNT; i++)
		lists->iterators[i].link_fd = -1;
	lists->statistics_fd = -1;
	lists->enabled_fd = open("/proc/sys/kernel/bpf_stats_enabled", O_RDONLY | O_CLOEXEC);
}

void kernel_lists_close(struct kernel_lists *lists)
{
	for (size_t i = 0; i < KERNEL_KIND_COUNT; i++)
		close_cleanup(&lists->iterators[i].link_fd);
	close_cleanup(&lists->statistics_fd);
	close_cleanup(&lists->enabled_fd);
}
