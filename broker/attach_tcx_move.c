/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A tcx or netkit link goes to another place in the order. A second kernel link is made there, with
 * a relay (broker/tcx_relay.h) behind it; then the other relay takes the program's place behind the
 * first link; one change of the relays' array moves the program; then the second link gets the
 * program itself, and bpfd's pin. Each step is one that packets cannot tell, or the one that moves
 * the program.
 *
 * While it lasts the second link is pinned beside the first one, and so is the relays' array: when
 * bpfd dies the relays go on as they were, and the next start ends the move.
 */
#include "broker/attach_link.h"
#include "broker/attach_tcx.h"
#include "broker/kernel.h"
#include "broker/link_pins.h"
#include "common/cleanup.h"
#include "common/kernel_uapi.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct move {
	struct attach_context *context;
	const struct record_link *link;
	int programs_fd;        /* the relays' */
	int old_fd, new_fd;     /* the kernel's links */
	enum tcx_side old_side; /* of the two places, which is the old one */
};

/*
 * From relays at both places to the program at one, and one that does nothing at the other; however
 * the slots were filled. When the first relay does not call the second one must do so for every
 * packet that comes, so it knows its program before; and it may forget it only when no packet is
 * left that found the turn open.
 */
static int program_settle(const struct move *move, enum tcx_side side, int program_fd)
{
	int link_fd = side == move->old_side ? move->old_fd : move->new_fd;
	int result = tcx_relay_set(move->programs_fd, side, program_fd);

	if (!result && side == TCX_SECOND)
		result = tcx_relay_clear(move->programs_fd, TCX_FIRST);
	if (!result)
		result = grace_wait(&move->context->grace);
	if (!result && side == TCX_FIRST)
		result = tcx_relay_clear(move->programs_fd, TCX_SECOND);
	return result ? result : kernel_link_update(link_fd, program_fd);
}

/* The relay takes the program's place, and calls it; at the new place nothing is called yet. */
static int relay_engage(const struct move *move, const struct tcx_relays *relays, int runs_fd)
{
	char path[LINK_PIN_PATH_SIZE];
	int result;

	link_pin_fresh_path(move->context->settings, move->link->id, path);
	result = kernel_pin(move->new_fd, path);
	if (!result)
		result = tcx_relay_set(move->programs_fd, move->old_side, runs_fd);
	return result ? result
	              : kernel_link_update(move->old_fd, relays->relay_fds[move->old_side]);
}

/* The second link becomes the link. */
static int successor_take(const struct move *move)
{
	char path[LINK_PIN_PATH_SIZE], fresh[LINK_PIN_PATH_SIZE];

	link_pin_path(move->context->settings, move->link->id, path);
	link_pin_fresh_path(move->context->settings, move->link->id, fresh);
	return renameat(AT_FDCWD, fresh, AT_FDCWD, path) < 0 ? -errno : 0;
}

/* What stays is the link that has bpfd's pin. */
static void other_drop(const struct move *move, int other_fd)
{
	(void)kernel_link_detach(other_fd);
	link_pins_fresh_remove(move->context->settings, move->link->id);
}

static int move_back(const struct move *move, int runs_fd)
{
	int result = program_settle(move, move->old_side, runs_fd);

	if (!result)
		other_drop(move, move->new_fd);
	return result;
}

static int move_make(const struct move *move, const struct tcx_relays *relays, int runs_fd,
                     int program_fd)
{
	enum tcx_side new_side = move->old_side == TCX_FIRST ? TCX_SECOND : TCX_FIRST;
	int result = relay_engage(move, relays, runs_fd);

	if (result) {
		other_drop(move, move->new_fd);
		return result;
	}
	/* for packets that met the program itself, and left no turn taken */
	result = grace_wait(&move->context->grace);
	if (!result)
		result = program_settle(move, new_side, program_fd);
	if (!result)
		result = successor_take(move);
	if (!result) {
		other_drop(move, move->old_fd);
		return 0;
	}
	if (move_back(move, runs_fd) < 0)
		log_error("link %llu is left between two places: it runs, and the next start, or "
		          "the next update, makes it whole",
		          (unsigned long long)move->link->id);
	return result;
}

static int move_error(struct error *error, int result, const struct record_program *program,
                      const struct record_link *link)
{
	if (result == -EINVAL || result == -EBUSY)
		return error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
		                 "the kernel lets no other program call \"%s\" (%s), without which "
		                 "it cannot be moved: detach link %llu, and attach it with "
		                 "priority %d; packets pass without it meanwhile",
		                 program->name, strerror(-result), (unsigned long long)link->id,
		                 link->target.priority);
	return tcx_error(error, result, link);
}

/* The relays exist, and their array is pinned: a crash leaves them what they call. */
static int relays_open(struct move *move, struct tcx_relays *relays)
{
	char path[LINK_PIN_PATH_SIZE];
	int result = tcx_relays_load(relays);

	if (result)
		return result;
	move->programs_fd = relays->programs_fd;
	link_pin_move_path(move->context->settings, move->link->id, path);
	result = kernel_pin(relays->programs_fd, path);
	if (result)
		tcx_relays_close(relays);
	return result;
}

static int runs_find(struct attach_context *context, const struct record_program *program,
                     int program_fd, int link_fd, struct tcx_newcomer *newcomer)
{
	struct bpf_link_info info = {};
	int result = kernel_info(link_fd, &info, sizeof(info));

	if (result)
		return result;
	newcomer->leaves = info.prog_id;
	return info.prog_id == program->kernel_id
	               ? program_fd
	               : context->program_fd(context->state, info.prog_id);
}

int tcx_move(struct attach_context *context, const struct record_program *program, int program_fd,
             int link_fd, struct record_link *link, struct error *error)
{
	struct tcx_newcomer newcomer = { .own = { .link_id = link->id,
		                                  .kernel_id = program->kernel_id,
		                                  .priority = (uint32_t)link->target.priority } };
	struct move move = { .context = context, .link = link, .old_fd = link_fd };
	int runs_fd = runs_find(context, program, program_fd, link_fd, &newcomer);
	struct tcx_relays relays;
	int result = runs_fd < 0 ? runs_fd : relays_open(&move, &relays);

	if (result < 0)
		return tcx_error(error, result, link);
	memcpy(newcomer.program_fds, relays.relay_fds, sizeof(relays.relay_fds));
	_cleanup_close_ int new_fd = tcx_link_place(context, link, &newcomer);

	result = new_fd;
	if (new_fd >= 0) {
		move.new_fd = new_fd;
		move.old_side = newcomer.side == TCX_FIRST ? TCX_SECOND : TCX_FIRST;
		result = move_make(&move, &relays, runs_fd, program_fd);
	}
	if (result < 0) {
		result = move_error(error, result, program, link);
		if (new_fd < 0)
			link_pins_fresh_remove(context->settings, link->id);
	}
	tcx_relays_close(&relays);
	return result;
}

static bool link_is_off(const struct bpf_link_info *info)
{
	struct kernel_link_info_tcx place;

	memcpy(&place, &info->xdp, sizeof(place));
	return !place.ifindex;
}

/* Which of the two links comes first? */
static int sides_find(struct move *move, uint32_t old_id, uint32_t new_id)
{
	struct tcx_order order;
	int result = tcx_link_query(move->context, move->link, &order);

	for (size_t i = 0; !result && i < order.count; i++) {
		if (order.entries[i].link_id == old_id || order.entries[i].link_id == new_id) {
			move->old_side =
				order.entries[i].link_id == old_id ? TCX_FIRST : TCX_SECOND;
			return 0;
		}
	}
	return result ? result : -ENOENT;
}

/* Relays are behind both links. */
static int relays_end(struct move *move, const struct bpf_link_info *old_info,
                      const struct bpf_link_info *new_info, int program_fd)
{
	char path[LINK_PIN_PATH_SIZE];
	int result = sides_find(move, old_info->id, new_info->id);

	link_pin_move_path(move->context->settings, move->link->id, path);
	_cleanup_close_ int programs_fd = kernel_pin_open(path);

	if (!result && programs_fd >= 0) {
		move->programs_fd = programs_fd;
		return move_back(move, program_fd);
	}
	/* without their array relays call nothing */
	if (!result)
		result = kernel_link_update(move->old_fd, program_fd);
	if (!result)
		other_drop(move, move->new_fd);
	return result;
}

static int links_end(struct move *move, int program_fd)
{
	const struct attach_context *context = move->context;
	struct bpf_link_info old_info = {}, new_info = {};
	int result = kernel_info(move->old_fd, &old_info, sizeof(old_info));

	if (!result)
		result = kernel_info(move->new_fd, &new_info, sizeof(new_info));
	if (result)
		return result;
	if (link_is_off(&old_info) || context->own(context->state, old_info.prog_id)) {
		other_drop(move, move->new_fd);
		return 0;
	}
	if (!context->own(context->state, new_info.prog_id))
		return relays_end(move, &old_info, &new_info, program_fd);
	result = successor_take(move);
	if (!result)
		other_drop(move, move->old_fd);
	return result;
}

int tcx_move_end(struct attach_context *context, int program_fd, const struct record_link *link,
                 struct error *error)
{
	struct move move = { .context = context, .link = link };
	char path[LINK_PIN_PATH_SIZE];
	int result = 0;

	link_pin_fresh_path(context->settings, link->id, path);
	_cleanup_close_ int new_fd = kernel_pin_open(path);
	_cleanup_close_ int old_fd = attach_link_open(context, link);

	move.old_fd = old_fd;
	move.new_fd = new_fd;
	if (new_fd >= 0 && old_fd >= 0)
		result = links_end(&move, program_fd);
	else if (new_fd < 0 && new_fd != -ENOENT)
		result = new_fd;
	else if (old_fd < 0 && old_fd != -ENOENT)
		result = old_fd;
	else
		link_pins_fresh_remove(context->settings, link->id);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "link %llu, which was being moved, cannot be made whole: %s",
		                 (unsigned long long)link->id, strerror(-result));
	return 0;
}
