/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The words for the protocol's numbers. */
#include "bpfd/bpfd.h"
#include "common/program_type.h"

#include <ctype.h>
#include <string.h>

struct name_row {
	const char *name;
	uint32_t number;
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct name_row xdp_modes[] = {
	{ "native", BPFD_XDP_MODE_NATIVE },
	{ "generic", BPFD_XDP_MODE_GENERIC },
};

static const struct name_row link_states[] = {
	{ "attaching", BPFD_LINK_ATTACHING }, { "attached", BPFD_LINK_ATTACHED },
	{ "detaching", BPFD_LINK_DETACHING }, { "removed", BPFD_LINK_REMOVED },
	{ "gone", BPFD_LINK_GONE },           { "updating", BPFD_LINK_UPDATING },
	{ "waiting", BPFD_LINK_WAITING },     { "failed", BPFD_LINK_FAILED },
};

static const struct name_row program_states[] = {
	{ "loaded", BPFD_PROGRAM_LOADED },
	{ "restoring", BPFD_PROGRAM_RESTORING },
	{ "failed", BPFD_PROGRAM_FAILED },
};

static const struct name_row event_kinds[] = {
	{ "load", BPFD_EVENT_LOAD },
	{ "unload", BPFD_EVENT_UNLOAD },
	{ "attach", BPFD_EVENT_ATTACH },
	{ "update", BPFD_EVENT_UPDATE },
	{ "detach", BPFD_EVENT_DETACH },
	{ "refused", BPFD_EVENT_REFUSED },
	{ "link-state", BPFD_EVENT_LINK_STATE },
	{ "program-state", BPFD_EVENT_PROGRAM_STATE },
	{ "foreign-attach", BPFD_EVENT_FOREIGN_ATTACH },
	{ "foreign-detach", BPFD_EVENT_FOREIGN_DETACH },
	{ "image-progress", BPFD_EVENT_IMAGE_PROGRESS },
	{ "image-pull", BPFD_EVENT_IMAGE_PULL },
	{ "image-remove", BPFD_EVENT_IMAGE_REMOVE },
	{ "missed", BPFD_EVENT_MISSED },
	{ "disconnected", BPFD_EVENT_DISCONNECTED },
	{ "connected", BPFD_EVENT_CONNECTED },
};

static const struct name_row directions[] = {
	{ "ingress", BPFD_DIRECTION_INGRESS },
	{ "egress", BPFD_DIRECTION_EGRESS },
};

static const struct name_row netfilter_families[] = {
	{ "ipv4", BPFD_NETFILTER_IPV4 },
	{ "ipv6", BPFD_NETFILTER_IPV6 },
};

static const struct name_row netfilter_hooks[] = {
	{ "prerouting", BPFD_NETFILTER_PREROUTING },   { "input", BPFD_NETFILTER_INPUT },
	{ "forward", BPFD_NETFILTER_FORWARD },         { "output", BPFD_NETFILTER_OUTPUT },
	{ "postrouting", BPFD_NETFILTER_POSTROUTING },
};

static const struct name_row pull_policies[] = {
	{ "Always", BPFD_PULL_ALWAYS },
	{ "IfNotPresent", BPFD_PULL_IF_NOT_PRESENT },
	{ "Never", BPFD_PULL_NEVER },
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
	{ "registry error", BPFD_ERROR_REGISTRY },
	{ "not trusted", BPFD_ERROR_UNTRUSTED },
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
	const struct program_type_row *row = program_type_row(type);

	return row ? row->name : NULL;
}

const char *bpfd_xdp_mode_name(enum bpfd_xdp_mode mode)
{
	return name_find(xdp_modes, LENGTH(xdp_modes), mode);
}

const char *bpfd_link_state_name(enum bpfd_link_state state)
{
	return name_find(link_states, LENGTH(link_states), state);
}

const char *bpfd_event_kind_name(enum bpfd_event_kind kind)
{
	return name_find(event_kinds, LENGTH(event_kinds), kind);
}

const char *bpfd_program_state_name(enum bpfd_program_state state)
{
	return name_find(program_states, LENGTH(program_states), state);
}

const char *bpfd_direction_name(enum bpfd_direction direction)
{
	return name_find(directions, LENGTH(directions), direction);
}

const char *bpfd_netfilter_family_name(enum bpfd_netfilter_family family)
{
	return name_find(netfilter_families, LENGTH(netfilter_families), family);
}

const char *bpfd_netfilter_hook_name(enum bpfd_netfilter_hook hook)
{
	return name_find(netfilter_hooks, LENGTH(netfilter_hooks), hook);
}

const char *bpfd_pull_policy_name(enum bpfd_pull_policy policy)
{
	return name_find(pull_policies, LENGTH(pull_policies), policy);
}

/* "IfNotPresent" of Kubernetes' files, "if-not-present" of command lines */
static bool policy_name_is(const char *own, const char *name)
{
	for (size_t i = 0; own[i]; i++) {
		if (i && isupper((unsigned char)own[i]) && *name == '-')
			name++;
		if (tolower((unsigned char)own[i]) != tolower((unsigned char)*name++))
			return false;
	}
	return !*name;
}

bool bpfd_pull_policy_parse(const char *name, enum bpfd_pull_policy *policy)
{
	for (size_t i = 0; i < LENGTH(pull_policies); i++) {
		if (policy_name_is(pull_policies[i].name, name)) {
			*policy = (enum bpfd_pull_policy)pull_policies[i].number;
			return true;
		}
	}
	return false;
}

const char *bpfd_action_name(enum bpfd_program_type type, int32_t action)
{
	const struct program_type_row *row = program_type_row(type);
	const struct action_row *found = row ? action_by_code(row->actions, action) : NULL;

	return found ? found->name : NULL;
}

const char *bpfd_error_code_name(enum bpfd_error_code code)
{
	const char *name = name_find(error_codes, LENGTH(error_codes), code);

	return name ? name : "unknown error";
}

bool bpfd_program_type_parse(const char *name, enum bpfd_program_type *type)
{
	enum program_type found = program_type_by_name(name);

	if (found != PROGRAM_TYPE_NONE)
		*type = (enum bpfd_program_type)found;
	return found != PROGRAM_TYPE_NONE;
}

bool bpfd_xdp_mode_parse(const char *name, enum bpfd_xdp_mode *mode)
{
	return number_find(xdp_modes, LENGTH(xdp_modes), name, (uint32_t *)mode);
}

bool bpfd_direction_parse(const char *name, enum bpfd_direction *direction)
{
	return number_find(directions, LENGTH(directions), name, (uint32_t *)direction);
}

bool bpfd_netfilter_family_parse(const char *name, enum bpfd_netfilter_family *family)
{
	return number_find(netfilter_families, LENGTH(netfilter_families), name,
	                   (uint32_t *)family);
}

bool bpfd_netfilter_hook_parse(const char *name, enum bpfd_netfilter_hook *hook)
{
	return number_find(netfilter_hooks, LENGTH(netfilter_hooks), name, (uint32_t *)hook);
}

bool bpfd_action_parse(enum bpfd_program_type type, const char *name, int32_t *action)
{
	const struct program_type_row *row = program_type_row(type);
	const struct action_table *actions = row ? row->actions : NULL;

	for (size_t i = 0; actions && i < actions->count; i++) {
		if (strcmp(actions->rows[i].name, name) == 0) {
			*action = actions->rows[i].code;
			return true;
		}
	}
	return false;
}
