/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The words for the protocol's numbers. */
#include "bpfd/bpfd.h"

#include <string.h>

struct name_row {
	const char *name;
	uint32_t number;
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct name_row program_types[] = {
	{ "xdp", BPFD_PROGRAM_XDP },
	{ "tracepoint", BPFD_PROGRAM_TRACEPOINT },
};

static const struct name_row xdp_modes[] = {
	{ "native", BPFD_XDP_MODE_NATIVE },
	{ "generic", BPFD_XDP_MODE_GENERIC },
};

static const struct name_row link_states[] = {
	{ "attaching", BPFD_LINK_ATTACHING }, { "attached", BPFD_LINK_ATTACHED },
	{ "detaching", BPFD_LINK_DETACHING }, { "removed", BPFD_LINK_REMOVED },
	{ "gone", BPFD_LINK_GONE },
};

/* enum xdp_action of linux/bpf.h, and the value that libxdp's dispatcher keeps for "no program
 * here". */
static const struct name_row xdp_actions[] = {
	{ "aborted", 0 }, { "drop", 1 },     { "pass", 2 },
	{ "tx", 3 },      { "redirect", 4 }, { "dispatcher_return", 31 },
};

static const struct name_row error_codes[] = {
	{ "invalid argument", BPFD_ERROR_INVALID_ARGUMENT },
	{ "not found", BPFD_ERROR_NOT_FOUND },
	{ "permission denied", BPFD_ERROR_PERMISSION_DENIED },
	{ "already exists", BPFD_ERROR_ALREADY_EXISTS },
	{ "busy", BPFD_ERROR_BUSY },
	{ "limit reached", BPFD_ERROR_LIMIT },
	{ "unsupported", BPFD_ERROR_UNSUPPORTED },
	{ "bad object", BPFD_ERROR_BAD_OBJECT },
	{ "refused by the verifier", BPFD_ERROR_VERIFIER },
	{ "kernel error", BPFD_ERROR_KERNEL },
	{ "store error", BPFD_ERROR_STORE },
	{ "unavailable", BPFD_ERROR_UNAVAILABLE },
	{ "time-out in bpfd", BPFD_ERROR_TIMEOUT },
	{ "internal error", BPFD_ERROR_INTERNAL },
	{ "not reachable", BPFD_ERROR_NOT_REACHABLE },
	{ "no answer", BPFD_ERROR_NO_ANSWER },
	{ "bad answer", BPFD_ERROR_BAD_ANSWER },
	{ "out of memory", BPFD_ERROR_NO_MEMORY },
};

static const char *name_find(const struct name_row *rows, size_t count, uint32_t number)
{
	for (size_t i = 0; i < count; i++) {
		if (rows[i].number == number)
			return rows[i].name;
	}
	return NULL;
}

static bool number_find(const struct name_row *rows, size_t count, const char *name,
                        uint32_t *number)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].name, name) == 0) {
			*number = rows[i].number;
			return true;
		}
	}
	return false;
}

const char *bpfd_program_type_name(enum bpfd_program_type type)
{
	return name_find(program_types, LENGTH(program_types), type);
}

const char *bpfd_xdp_mode_name(enum bpfd_xdp_mode mode)
{
	return name_find(xdp_modes, LENGTH(xdp_modes), mode);
}

const char *bpfd_link_state_name(enum bpfd_link_state state)
{
	return name_find(link_states, LENGTH(link_states), state);
}

const char *bpfd_xdp_action_name(uint32_t action)
{
	return name_find(xdp_actions, LENGTH(xdp_actions), action);
}

const char *bpfd_error_code_name(enum bpfd_error_code code)
{
	const char *name = name_find(error_codes, LENGTH(error_codes), code);

	return name ? name : "unknown error";
}

bool bpfd_program_type_parse(const char *name, enum bpfd_program_type *type)
{
	uint32_t number;

	if (!number_find(program_types, LENGTH(program_types), name, &number))
		return false;
	*type = (enum bpfd_program_type)number;
	return true;
}

bool bpfd_xdp_mode_parse(const char *name, enum bpfd_xdp_mode *mode)
{
	uint32_t number;

	if (!number_find(xdp_modes, LENGTH(xdp_modes), name, &number))
		return false;
	*mode = (enum bpfd_xdp_mode)number;
	return true;
}

bool bpfd_xdp_action_parse(const char *name, uint32_t *action)
{
	return number_find(xdp_actions, LENGTH(xdp_actions), name, action);
}
