/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* At start: store and kernel are made to agree again, whatever the last broker was doing when it
 * ended. */
#include "broker/reconcile.h"

#include "broker/broker.h"
#include "broker/kernel.h"
#include "broker/link_pins.h"
#include "broker/map_share.h"
#include "broker/own_pins.h"
#include "common/cleanup.h"
#include "common/log.h"

#include <string.h>

/* The facts in memory, and the descriptors of the pinned programs in the order of `programs`. */
struct gathered {
	struct reconcile_program *programs;
	int *fds;
	size_t program_count;
	struct reconcile_link *links;
	size_t link_count;
	uint64_t *pins[OWN_PIN_KINDS];
	size_t pin_counts[OWN_PIN_KINDS];
};

static void gathered_cleanup(struct gathered *gathered)
{
	for (size_t i = 0; i < gathered->program_count; i++) {
		if (gathered->fds[i] >= 0)
			(void)close(gathered->fds[i]);
	}
	free(gathered->programs);
	free(gathered->fds);
	free(gathered->links);
	for (size_t i = 0; i < OWN_PIN_KINDS; i++)
		free(gathered->pins[i]);
}

static int out_of_memory(struct error *error)
{
	return error_set(error, -ENOMEM, ERROR_UNAVAILABLE, "no memory to read the store");
}

/* Opens the program's pin and compares it with its record. */
static struct reconcile_program program_look_up(const struct broker *broker,
                                                const struct record_program *record, int *fd)
{
	struct reconcile_program fact = { .id = record->id, .persistent = record->persist };
	struct record_program found = {};
	char path[OWN_PIN_PATH_SIZE];

	own_pin_path(&broker->settings, OWN_PIN_PROGRAM, record->id, path);
	*fd = kernel_pin_open(path);
	if (*fd < 0)
		return fact;
	fact.pinned = true;
	fact.same = kernel_program_info(*fd, &found) == 0 && found.kernel_id == record->kernel_id &&
	            memcmp(found.tag, record->tag, sizeof(found.tag)) == 0;
	return fact;
}

static int program_append(struct gathered *gathered, struct reconcile_program fact, int fd)
{
	size_t count = gathered->program_count + 1;
	void *programs = reallocarray(gathered->programs, count, sizeof(*gathered->programs));

	if (programs)
		gathered->programs = programs;

	void *fds = programs ? reallocarray(gathered->fds, count, sizeof(*gathered->fds)) : NULL;

	if (!fds)
		return -ENOMEM;
	gathered->fds = fds;
	gathered->programs[count - 1] = fact;
	gathered->fds[count - 1] = fd;
	gathered->program_count = count;
	return 0;
}

static int programs_gather(struct broker *broker, struct gathered *gathered, struct error *error)
{
	struct record_program record = {};
	int result;

	while ((result = store_program_next(broker->store, record.id, &record, error)) == 0) {
		_cleanup_close_ int fd = -1;
		struct reconcile_program fact = program_look_up(broker, &record, &fd);

		if (program_append(gathered, fact, fd) < 0)
			return out_of_memory(error);
		(void)steal_fd(&fd);
	}
	return result == -ENOENT ? 0 : result;
}

static int links_gather(struct broker *broker, struct gathered *gathered, struct error *error)
{
	struct record_link record = {};
	int result;

	while ((result = store_link_next(broker->store, record.id, &record, error)) == 0) {
		void *moved = reallocarray(gathered->links, gathered->link_count + 1,
		                           sizeof(*gathered->links));

		if (!moved)
			return out_of_memory(error);
		gathered->links = moved;
		gathered->links[gathered->link_count++] =
			(struct reconcile_link){ record.id, record.program_id, record.state };
	}
	return result == -ENOENT ? 0 : result;
}

static int pins_gather(struct broker *broker, struct gathered *gathered, struct error *error)
{
	for (enum own_pin kind = 0; kind < OWN_PIN_KINDS; kind++) {
		int result = own_pins_list(&broker->settings, kind, &gathered->pins[kind],
		                           &gathered->pin_counts[kind]);

		if (result)
			return error_set(
				error, result, ERROR_KERNEL,
				"the pins below %s cannot be listed (%s): is a BPF file system "
				"mounted there?",
				broker->settings.bpffs_directory, strerror(-result));
	}
	return 0;
}

/* A store that cannot be written now keeps a record that the next start finds again: that is a
 * warning, no failure. */
static void commit_or_warn(struct broker *broker)
{
	struct error error;

	if (store_commit(broker->store, &error) < 0)
		log_warning("%s", error.message);
}

/* An id whose pin was made is never given again, even if its record was not written any more. */
static void ids_raise(struct broker *broker, const struct gathered *gathered)
{
	uint64_t program = store_next_program(broker->store);
	uint64_t link = store_next_link(broker->store);

	for (size_t i = 0; i < gathered->pin_counts[OWN_PIN_PROGRAM]; i++)
		store_ids_raise(broker->store, gathered->pins[OWN_PIN_PROGRAM][i] + 1, 0);
	for (size_t i = 0; i < gathered->pin_counts[OWN_PIN_MAPS]; i++)
		store_ids_raise(broker->store, gathered->pins[OWN_PIN_MAPS][i] + 1, 0);
	for (size_t i = 0; i < gathered->pin_counts[OWN_PIN_LINK]; i++)
		store_ids_raise(broker->store, 0, gathered->pins[OWN_PIN_LINK][i] + 1);
	if (store_next_program(broker->store) == program && store_next_link(broker->store) == link)
		return;
	store_begin(broker->store);
	commit_or_warn(broker);
}

/* What is found before anything is taken off: a rebuilt chain must have all of bpfd's programs that
 * belong into it. */
static int registry_fill(struct broker *broker, struct gathered *gathered, struct error *error)
{
	struct record_program program;
	struct record_link link;
	int result = registry_reserve(&broker->registry, gathered->program_count,
	                              gathered->link_count, 0);

	if (result)
		return out_of_memory(error);
	for (size_t i = 0; i < gathered->program_count && !result; i++) {
		const struct reconcile_program *fact = &gathered->programs[i];
		bool kept = fact->pinned && fact->same;

		if (!kept && !fact->persistent)
			continue;
		result = store_program_get(broker->store, fact->id, &program, error);
		if (!result)
			registry_program_add(&broker->registry, &program,
			                     kept ? steal_fd(&gathered->fds[i]) : -1);
	}
	for (size_t i = 0; i < gathered->link_count && !result; i++) {
		if (!registry_program(&broker->registry, gathered->links[i].program_id))
			continue;
		result = store_link_get(broker->store, gathered->links[i].id, &link, error);
		if (result)
			break;
		if (link.state == LINK_STATE_UPDATING)
			link.state = LINK_STATE_ATTACHED; /* as it was before, so it shall be */
		registry_link_put(&broker->registry, &link);
	}
	return result;
}

static void program_drop(struct broker *broker, uint64_t id)
{
	struct error error;

	log_warning("program %llu is no longer in the kernel (after a reboot that is so) and is "
	            "forgotten",
	            (unsigned long long)id);
	store_begin(broker->store);
	store_program_delete(broker->store, id);
	if (map_owner_forget(broker, id, &error) < 0)
		log_warning("%s", error.message);
	commit_or_warn(broker);
	map_owner_forgotten(broker, id);
}

static void link_forget(struct broker *broker, uint64_t id)
{
	store_begin(broker->store);
	store_link_delete(broker->store, id);
	commit_or_warn(broker);
	registry_link_remove(&broker->registry, id);
}

static void link_drop(struct broker *broker, uint64_t id)
{
	log_warning("link %llu is forgotten%s", (unsigned long long)id,
	            registry_link(&broker->registry, id) ? ": it was not attached for good"
	                                                 : " with its program");
	link_forget(broker, id);
}

/* Does the kernel say that the link runs? When it cannot be asked, it may. */
static bool link_runs(struct broker *broker, const struct record_link *link)
{
	struct record_link look = *link;
	struct record_program program;
	struct error ignored;

	return store_program_get(broker->store, link->program_id, &program, &ignored) < 0 ||
	       attach_type(link->type)
	                       ->adopt(&broker->attach, &program,
	                               registry_program(&broker->registry, program.id)->fd, &look,
	                               &ignored) < 0 ||
	       look.state == LINK_STATE_ATTACHED;
}

/* Undoes a half-made link, or finishes a half-removed one: both end with nothing of it left. */
static void link_end(struct broker *broker, uint64_t id)
{
	struct record_link link;
	struct error error = {};

	if (store_link_get(broker->store, id, &link, &error) < 0)
		return;
	if (link_take_off(broker, &link, &error) < 0 && link_runs(broker, &link)) {
		log_warning("link %llu, which was being %s, cannot be taken off: %s",
		            (unsigned long long)id,
		            link.state == LINK_STATE_ATTACHING ? "attached" : "detached",
		            error.message);
		return;
	}
	log_info("link %llu was being %s when bpfd ended: it is taken off", (unsigned long long)id,
	         link.state == LINK_STATE_ATTACHING ? "attached" : "detached");
	link_forget(broker, id);
}

static void link_adopt(struct broker *broker, uint64_t id)
{
	struct record_link link;
	struct record_program program;
	struct error error = {};

	if (store_link_get(broker->store, id, &link, &error) < 0 ||
	    store_program_get(broker->store, link.program_id, &program, &error) < 0)
		return;

	int fd = registry_program(&broker->registry, program.id)->fd;
	uint32_t before = link.state;

	if (attach_type(link.type)->adopt(&broker->attach, &program, fd, &link, &error) < 0) {
		log_warning("whether link %llu still runs cannot be seen: %s",
		            (unsigned long long)id, error.message);
		return;
	}
	if (link.state == before)
		return;
	if (link.state == LINK_STATE_WAITING) {
		restore_link(broker, id);
		return;
	}
	(void)link_pins_remove(&broker->settings, id); /* of a link that is off */
	log_warning("link %llu %s while bpfd was not running", (unsigned long long)id,
	            link.state == LINK_STATE_GONE ? "lost the place where it ran"
	                                          : "was taken off by somebody else");
	monitor_reason_set(&link);
	store_begin(broker->store);
	store_link_put(broker->store, &link);
	commit_or_warn(broker);
	registry_link_put(&broker->registry, &link);
}

/* Does the kernel say that the link runs this program? When it cannot be asked, it may. */
static bool link_runs_program(struct broker *broker, const struct record_program *program,
                              struct record_link *link)
{
	struct error ignored;

	return attach_type(link->type)
	                       ->adopt(&broker->attach, program,
	                               registry_program(&broker->registry, program->id)->fd, link,
	                               &ignored) < 0 ||
	       link->state == LINK_STATE_ATTACHED || link->state == LINK_STATE_UPDATING;
}

/* Takes an unfinished update of a running link back. 0, or -errno with `error`. */
static int update_undo(struct broker *broker, struct record_link *link, struct error *error)
{
	const struct program_entry *entry = registry_program(&broker->registry, link->program_id);
	struct record_program program, other;
	struct record_link look = *link;
	int result = store_program_get(broker->store, link->program_id, &program, error);

	if (result)
		return result;
	if (!registry_program(&broker->registry, link->updating_to) ||
	    store_program_get(broker->store, link->updating_to, &other, error) < 0)
		other = program;
	if (!link_runs_program(broker, &program, &look) && look.state == LINK_STATE_REMOVED) {
		look = *link;
		(void)link_runs_program(broker, &other, &look);
	}
	link->state = look.state;
	if (look.state == LINK_STATE_WAITING) /* nothing is left of either program */
		return 0;
	if (look.state == LINK_STATE_REMOVED || look.state == LINK_STATE_GONE) {
		(void)link_pins_remove(&broker->settings, link->id); /* of a link that is off */
		return 0;
	}
	link->state = LINK_STATE_ATTACHED;
	return attach_type(link->type)
	        ->update(&broker->attach, &program, entry->fd, other.kernel_id, link, error);
}

static void link_restore(struct broker *broker, uint64_t id)
{
	struct record_link link;
	struct error error = {};

	if (store_link_get(broker->store, id, &link, &error) < 0)
		return;
	if (update_undo(broker, &link, &error) < 0) {
		log_warning("link %llu, which was being updated, cannot be made what it was: %s",
		            (unsigned long long)id, error.message);
		return;
	}
	log_info("link %llu was being updated when bpfd ended: it is as it was before",
	         (unsigned long long)id);
	link.updating_to = 0;
	store_begin(broker->store);
	store_link_put(broker->store, &link);
	commit_or_warn(broker);
	registry_link_put(&broker->registry, &link);
	if (link.state == LINK_STATE_WAITING)
		restore_link(broker, id);
}

static void program_unpin(struct broker *broker, uint64_t id)
{
	int result = own_pins_program_remove(&broker->settings, id);

	if (result)
		log_warning(
			"the pins of program %llu, which bpfd does not know, cannot be removed: %s",
			(unsigned long long)id, strerror(-result));
	else
		log_info("the pins of program %llu, which bpfd does not know, are removed",
		         (unsigned long long)id);
}

static void link_unpin(struct broker *broker, uint64_t id)
{
	if (link_pins_remove(&broker->settings, id) < 0)
		log_warning("the pin of link %llu, which bpfd does not know, cannot be removed",
		            (unsigned long long)id);
}

static void program_keep(struct broker *broker, uint64_t id)
{
	(void)broker;
	log_debug("program %llu is adopted", (unsigned long long)id);
}

static void link_keep(struct broker *broker, uint64_t id)
{
	(void)broker;
	log_debug("link %llu stays as it is", (unsigned long long)id);
}

static void (*const actions[])(struct broker *broker, uint64_t id) = {
	[RECONCILE_PROGRAM_KEEP] = program_keep,    [RECONCILE_PROGRAM_DROP] = program_drop,
	[RECONCILE_LINK_DROP] = link_drop,          [RECONCILE_LINK_KEEP] = link_keep,
	[RECONCILE_LINK_UNDO] = link_end,           [RECONCILE_LINK_FINISH] = link_end,
	[RECONCILE_LINK_ADOPT] = link_adopt,        [RECONCILE_LINK_RESTORE] = link_restore,
	[RECONCILE_PROGRAM_RESTORE] = restore_mark, [RECONCILE_LINK_WAIT] = restore_link_wait,
	[RECONCILE_PROGRAM_UNPIN] = program_unpin,  [RECONCILE_LINK_UNPIN] = link_unpin,
	[RECONCILE_MAPS_UNPIN] = program_unpin,
};

static int plan_run(struct broker *broker, const struct gathered *gathered, struct error *error)
{
	struct reconcile_facts facts = {
		.programs = gathered->programs,
		.program_count = gathered->program_count,
		.links = gathered->links,
		.link_count = gathered->link_count,
		.program_pins = { gathered->pins[OWN_PIN_PROGRAM],
		                  gathered->pin_counts[OWN_PIN_PROGRAM] },
		.link_pins = { gathered->pins[OWN_PIN_LINK], gathered->pin_counts[OWN_PIN_LINK] },
		.map_pins = { gathered->pins[OWN_PIN_MAPS], gathered->pin_counts[OWN_PIN_MAPS] },
	};
	_cleanup_free_ struct reconcile_step *steps =
		calloc(reconcile_steps_max(&facts) + 1, sizeof(*steps));

	if (!steps)
		return out_of_memory(error);

	size_t count = reconcile_plan(&facts, steps);

	for (size_t i = 0; i < count; i++)
		actions[steps[i].action](broker, steps[i].id);
	return 0;
}

int reconcile_run(struct broker *broker, struct error *error)
{
	_cleanup_(gathered) struct gathered gathered = {};
	int result = programs_gather(broker, &gathered, error);

	if (!result)
		result = links_gather(broker, &gathered, error);
	if (!result)
		result = pins_gather(broker, &gathered, error);
	if (!result)
		result = registry_fill(broker, &gathered, error);
	if (result)
		return result;
	ids_raise(broker, &gathered);
	result = plan_run(broker, &gathered, error);
	if (!result)
		map_shares_reconcile(broker);
	if (!result &&
	    (xdp_collect(broker->xdp) < 0 || tc_collect(broker->tc, &broker->netlink, 0) < 0))
		log_warning("left-over dispatcher pins could not all be removed");
	if (!result)
		monitor_netns_collect_all(broker);
	return result;
}
