/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Program types: what a section's name says, return values, and that the numbers and names of
 * types, fields and words are the same in bpfd.proto, bpfd.h and the tables.
 */
#include "common/program_type.h"
#include "bpfd.pb-c.h"
#include "common/target.h"

#include <cmocka.h>
#include <ctype.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void sections(void **state)
{
	static const struct {
		const char *section;
		uint32_t type;
		const char *rest;
	} rows[] = {
		{ "xdp", PROGRAM_TYPE_XDP, "" },
		{ "xdp/", PROGRAM_TYPE_XDP, "" },
		{ "xdp/count", PROGRAM_TYPE_XDP, "count" },
		{ "xdp.frags", PROGRAM_TYPE_XDP, "" },
		{ "xdp.frags/count", PROGRAM_TYPE_XDP, "count" },
		{ "tracepoint/sched/sched_switch", PROGRAM_TYPE_TRACEPOINT, "sched/sched_switch" },
		{ "tp/sched/sched_switch", PROGRAM_TYPE_TRACEPOINT, "sched/sched_switch" },
		{ "tp", PROGRAM_TYPE_TRACEPOINT, "" },
		{ "raw_tracepoint/sched_switch", PROGRAM_TYPE_RAW_TRACEPOINT, "sched_switch" },
		{ "raw_tp/sched_switch", PROGRAM_TYPE_RAW_TRACEPOINT, "sched_switch" },
		{ "tp_btf/sched_switch", PROGRAM_TYPE_TP_BTF, "sched_switch" },
		{ "fentry/vfs_read", PROGRAM_TYPE_FENTRY, "vfs_read" },
		{ "fentry.s/vfs_read", PROGRAM_TYPE_FENTRY, "vfs_read" },
		{ "fexit/vfs_read", PROGRAM_TYPE_FEXIT, "vfs_read" },
		{ "fexit.s/vfs_read", PROGRAM_TYPE_FEXIT, "vfs_read" },
		{ "fmod_ret/security_file_open", PROGRAM_TYPE_FMOD_RET, "security_file_open" },
		{ "fmod_ret.s/security_file_open", PROGRAM_TYPE_FMOD_RET, "security_file_open" },
		{ "lsm/file_open", PROGRAM_TYPE_LSM, "file_open" },
		{ "lsm.s/file_open", PROGRAM_TYPE_LSM, "file_open" },
		{ "lsm//file_open", PROGRAM_TYPE_LSM, "/file_open" },
		{ "cgroup_skb/ingress", PROGRAM_TYPE_CGROUP_SKB_INGRESS, "" },
		{ "cgroup_skb/egress/all", PROGRAM_TYPE_CGROUP_SKB_EGRESS, "all" },
		{ "cgroup/sock", PROGRAM_TYPE_CGROUP_SOCK_CREATE, "" },
		{ "cgroup/sock_create", PROGRAM_TYPE_CGROUP_SOCK_CREATE, "" },
		{ "cgroup/sock_release", PROGRAM_TYPE_CGROUP_SOCK_RELEASE, "" },
		{ "cgroup/bind4", PROGRAM_TYPE_CGROUP_BIND4, "" },
		{ "cgroup/post_bind4", PROGRAM_TYPE_CGROUP_POST_BIND4, "" },
		{ "cgroup/connect6", PROGRAM_TYPE_CGROUP_CONNECT6, "" },
		{ "cgroup/dev", PROGRAM_TYPE_CGROUP_DEV, "" },
		{ "sockops", PROGRAM_TYPE_SOCKOPS, "" },
		{ "netfilter", PROGRAM_TYPE_NETFILTER, "" },
		{ "sk_lookup/x", PROGRAM_TYPE_SK_LOOKUP, "x" },
		{ "flow_dissector", PROGRAM_TYPE_FLOW_DISSECTOR, "" },
		{ "iter/bpf_map", PROGRAM_TYPE_ITER, "bpf_map" },
		{ "iter.s/task", PROGRAM_TYPE_ITER, "task" },
		/* not quite */
		{ "", PROGRAM_TYPE_NONE, "" },
		{ "/", PROGRAM_TYPE_NONE, "" },
		{ "/xdp", PROGRAM_TYPE_NONE, "" },
		{ "xd", PROGRAM_TYPE_NONE, "" },
		{ "xdpx", PROGRAM_TYPE_NONE, "" },
		{ "xdp.", PROGRAM_TYPE_NONE, "" },
		{ "xdp.fragsx", PROGRAM_TYPE_NONE, "" },
		{ "xdp ", PROGRAM_TYPE_NONE, "" },
		{ "xdp xdp.frags", PROGRAM_TYPE_NONE, "" },
		{ "XDP", PROGRAM_TYPE_NONE, "" },
		{ "fentry.x/vfs_read", PROGRAM_TYPE_NONE, "" },
		{ "lsm_cgroupx/file_open", PROGRAM_TYPE_NONE, "" },
		{ "raw_tpx/sched_switch", PROGRAM_TYPE_NONE, "" },
		{ ".text", PROGRAM_TYPE_NONE, "" },
		{ "license", PROGRAM_TYPE_NONE, "" },
		{ "struct_ops/x", PROGRAM_TYPE_NONE, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *rest = NULL;
		uint32_t type = program_type_by_section(rows[i].section, &rest);

		if (type != rows[i].type || strcmp(rest, rows[i].rest) != 0)
			fail_msg("section \"%s\" is type %u with \"%s\"", rows[i].section, type,
			         rest);
	}
}

/* Each word of each type, alone and with more, is that type's and nobody else's. */
static void every_section_has_one_type(void **state)
{
	(void)state;
	for (uint32_t type = 1; type < PROGRAM_TYPE_END; type++) {
		const struct program_type_row *row = program_type_row(type);
		char words[256], section[300], *save = NULL;

		if (!row)
			continue;
		(void)snprintf(words, sizeof(words), "%s", row->sections);
		for (char *word = strtok_r(words, " ", &save); word;
		     word = strtok_r(NULL, " ", &save)) {
			const char *rest;

			assert_int_equal(program_type_by_section(word, &rest), type);
			assert_string_equal(rest, "");
			(void)snprintf(section, sizeof(section), "%s/a/b", word);
			assert_int_equal(program_type_by_section(section, &rest), type);
			assert_string_equal(rest, "a/b");
			(void)snprintf(section, sizeof(section), "%sx", word);
			assert_int_not_equal(program_type_by_section(section, &rest), type);
		}
	}
}

static void names(void **state)
{
	char out[1536], cut[12];
	const char *found = program_type_names(out, sizeof(out));

	(void)state;
	assert_ptr_equal(found, out);
	assert_int_equal(strncmp(out, "xdp, tracepoint, raw_tracepoint, tp_btf, fentry, ", 49), 0);
	for (uint32_t type = 0; type <= PROGRAM_TYPE_END; type++) {
		const struct program_type_row *row = program_type_row(type);

		if (!row)
			continue;
		assert_int_equal(program_type_by_name(row->name), type);
		assert_non_null(strstr(out, row->name));
	}
	assert_null(program_type_row(PROGRAM_TYPE_NONE));
	assert_null(program_type_row(PROGRAM_TYPE_END));
	assert_null(program_type_row(UINT32_MAX));
	assert_int_equal(program_type_by_name(""), PROGRAM_TYPE_NONE);
	assert_int_equal(program_type_by_name("xd"), PROGRAM_TYPE_NONE);
	assert_int_equal(program_type_by_name("xdpp"), PROGRAM_TYPE_NONE);
	memset(cut, 'x', sizeof(cut));
	assert_string_equal(program_type_names(cut, 8), "xdp, tr");
	assert_int_equal(cut[8], 'x');
}

static void masks(void **state)
{
	(void)state;
	assert_int_equal(actions_mask(NULL), 0);
	assert_int_equal(actions_mask(program_type_row(PROGRAM_TYPE_XDP)->actions), 0x8000001f);
	assert_null(action_by_code(NULL, 0));
	for (uint32_t type = 1; type < PROGRAM_TYPE_END; type++) {
		const struct program_type_row *row = program_type_row(type);
		uint32_t mask = row ? actions_mask(row->actions) : 0;
		uint32_t bits = 0;

		if (!row)
			continue;
		assert_int_equal(row->actions != NULL,
		                 !!(row->takes & TARGET_BIT(TARGET_PROCEED_ON)));
		for (size_t i = 0; row->actions && i < row->actions->count; i++) {
			int32_t code = row->actions->rows[i].code;

			/* a bit of its own, and found again */
			assert_in_range(code + row->actions->bias, 0, 31);
			assert_false(bits & 1u << (code + row->actions->bias));
			bits |= 1u << (code + row->actions->bias);
			assert_ptr_equal(action_by_code(row->actions, code),
			                 &row->actions->rows[i]);
		}
		assert_int_equal(bits, mask);
	}
	assert_null(action_by_code(program_type_row(PROGRAM_TYPE_XDP)->actions, 5));
	assert_null(action_by_code(program_type_row(PROGRAM_TYPE_XDP)->actions, -1));
}

/* What the gate goes by. */
static void rows_are_as_the_kernel_has_it(void **state)
{
	static const struct {
		uint32_t type, bpf_type, attach_type, flags;
	} rows[] = {
		{ PROGRAM_TYPE_XDP, BPF_PROG_TYPE_XDP, BPF_XDP, BPF_F_XDP_HAS_FRAGS },
		{ PROGRAM_TYPE_TRACEPOINT, BPF_PROG_TYPE_TRACEPOINT, 0, 0 },
		{ PROGRAM_TYPE_RAW_TRACEPOINT, BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 0 },
		{ PROGRAM_TYPE_TP_BTF, BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, 0 },
		{ PROGRAM_TYPE_FENTRY, BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, BPF_F_SLEEPABLE },
		{ PROGRAM_TYPE_FEXIT, BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, BPF_F_SLEEPABLE },
		{ PROGRAM_TYPE_FMOD_RET, BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN,
		  BPF_F_SLEEPABLE },
		{ PROGRAM_TYPE_LSM, BPF_PROG_TYPE_LSM, BPF_LSM_MAC, BPF_F_SLEEPABLE },
		{ PROGRAM_TYPE_NETFILTER, 32, 45, 0 }, /* linux/bpf.h of 6.4 */
		{ PROGRAM_TYPE_SK_LOOKUP, BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP, 0 },
		{ PROGRAM_TYPE_FLOW_DISSECTOR, BPF_PROG_TYPE_FLOW_DISSECTOR, BPF_FLOW_DISSECTOR,
		  0 },
		{ PROGRAM_TYPE_ITER, BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, BPF_F_SLEEPABLE },
		{ PROGRAM_TYPE_CGROUP_SKB_INGRESS, BPF_PROG_TYPE_CGROUP_SKB,
		  BPF_CGROUP_INET_INGRESS, 0 },
		{ PROGRAM_TYPE_CGROUP_SKB_EGRESS, BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS,
		  0 },
		{ PROGRAM_TYPE_CGROUP_SOCK_CREATE, BPF_PROG_TYPE_CGROUP_SOCK,
		  BPF_CGROUP_INET_SOCK_CREATE, 0 },
		{ PROGRAM_TYPE_CGROUP_POST_BIND6, BPF_PROG_TYPE_CGROUP_SOCK,
		  BPF_CGROUP_INET6_POST_BIND, 0 },
		{ PROGRAM_TYPE_CGROUP_SENDMSG4, BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
		  BPF_CGROUP_UDP4_SENDMSG, 0 },
		{ PROGRAM_TYPE_CGROUP_GETSOCKNAME6, BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
		  BPF_CGROUP_INET6_GETSOCKNAME, 0 },
		{ PROGRAM_TYPE_CGROUP_SETSOCKOPT, BPF_PROG_TYPE_CGROUP_SOCKOPT,
		  BPF_CGROUP_SETSOCKOPT, 0 },
		{ PROGRAM_TYPE_CGROUP_SYSCTL, BPF_PROG_TYPE_CGROUP_SYSCTL, BPF_CGROUP_SYSCTL, 0 },
		{ PROGRAM_TYPE_CGROUP_DEV, BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE, 0 },
		{ PROGRAM_TYPE_SOCKOPS, BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct program_type_row *row = program_type_row(rows[i].type);

		assert_int_equal(row->bpf_type, rows[i].bpf_type);
		assert_int_equal(row->attach_type, rows[i].attach_type);
		assert_int_equal(row->flags, rows[i].flags);
	}
	for (uint32_t type = 1; type < PROGRAM_TYPE_END; type++) {
		const struct program_type_row *row = program_type_row(type);

		if (!row)
			continue;
		/* only a type with a place of its own shares it by an order */
		assert_true(!row->dispatched || row->actions);
		/* what was loaded for one function is said there, and not in the target */
		assert_true(!row->loaded_for || !(row->takes & TARGET_BIT(TARGET_FUNCTION)));
		assert_true(row->since_major >= 4);
	}
}

static char *file_read(const char *path)
{
	char *text = calloc(1, 65536);
	FILE *file = fopen(path, "re");

	assert_non_null(text);
	assert_non_null(file);
	assert_in_range(fread(text, 1, 65535, file), 1, 65534);
	(void)fclose(file);
	return text;
}

/* "PREFIX_NAME = 5" in C, in capitals. */
static void constant_print(const char *prefix, const char *name, uint32_t number, char out[128])
{
	(void)snprintf(out, 128, "%s_%s = %u", prefix, name, number);
	for (char *at = out; *at; at++)
		*at = (char)toupper((unsigned char)*at);
}

/* Is there that constant, with a number that goes no further? */
static void constant_check(const char *file, const char *text, const char *constant)
{
	const char *found = strstr(text, constant);

	while (found && isdigit((unsigned char)found[strlen(constant)]))
		found = strstr(found + 1, constant);
	if (!found)
		fail_msg("%s has no \"%s\"", file, constant);
}

static size_t count(const char *text, const char *words)
{
	size_t found = 0;

	while ((text = strstr(text, words)) != NULL) {
		text += strlen(words);
		found++;
	}
	return found;
}

static void type_enums_agree(void **state)
{
	char *header = file_read(BPFD_SOURCE_DIR "/client/include/bpfd/words.h");
	const ProtobufCEnumDescriptor *proto = &bpfd__v1__program_type__descriptor;
	unsigned int types = 0;

	(void)state;
	for (uint32_t type = 1; type < PROGRAM_TYPE_END; type++) {
		const struct program_type_row *row = program_type_row(type);
		const ProtobufCEnumValue *value =
			protobuf_c_enum_descriptor_get_value(proto, (int)type);
		char wanted[128];

		if (!row) {
			assert_null(value);
			continue;
		}
		types++;
		constant_print("BPFD_PROGRAM", row->name, type, wanted);
		constant_check("words.h", header, wanted);
		constant_print("PROGRAM_TYPE", row->name, type, wanted);
		if (!value)
			fail_msg("bpfd.proto has no %s", wanted);
		else
			assert_memory_equal(value->name, wanted, strlen(value->name));
	}
	assert_int_equal(proto->n_values, types + 1); /* and UNSPECIFIED */

	const char *end = strstr(header, "enum bpfd_direction");

	assert_non_null(end);
	header[end - header] = '\0';
	assert_int_equal(count(header, "BPFD_PROGRAM_"), types + 1); /* and NONE */
	free(header);
}

/* The words of a field are an enum of the protocol and one of the client library. */
static void word_enums_agree(void **state)
{
	static const struct {
		enum target_field field;
		const ProtobufCEnumDescriptor *proto;
		const char *proto_prefix, *header_prefix;
	} rows[] = {
		{ TARGET_DIRECTION, &bpfd__v1__direction__descriptor, "DIRECTION",
		  "BPFD_DIRECTION" },
		{ TARGET_MODE, &bpfd__v1__xdp_mode__descriptor, "XDP_MODE", "BPFD_XDP_MODE" },
		{ TARGET_FAMILY, &bpfd__v1__netfilter_family__descriptor, "NETFILTER_FAMILY",
		  "BPFD_NETFILTER" },
		{ TARGET_HOOK, &bpfd__v1__netfilter_hook__descriptor, "NETFILTER_HOOK",
		  "BPFD_NETFILTER" },
	};
	char *header = file_read(BPFD_SOURCE_DIR "/client/include/bpfd/words.h");
	uint32_t fields = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const *words = target_field_row(rows[i].field)->words;
		unsigned int number = 1;
		char wanted[128];

		fields |= TARGET_BIT(rows[i].field);
		for (; words[number]; number++) {
			const ProtobufCEnumValue *value =
				protobuf_c_enum_descriptor_get_value(rows[i].proto, (int)number);

			constant_print(rows[i].header_prefix, words[number], number, wanted);
			constant_check("words.h", header, wanted);
			constant_print(rows[i].proto_prefix, words[number], number, wanted);
			assert_non_null(value);
			assert_memory_equal(value->name, wanted, strlen(value->name));
		}
		assert_int_equal(rows[i].proto->n_values, number);
	}
	for (uint32_t field = 0; field < TARGET_FIELD_END; field++)
		assert_int_equal(target_field_row(field)->kind == TARGET_KIND_WORD,
		                 (fields >> field) & 1);
	free(header);
}

static bool fits(const struct target_field_row *row, const ProtobufCFieldDescriptor *field)
{
	bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;

	if (repeated != (row->kind == TARGET_KIND_ACTIONS))
		return false;
	switch (row->kind) {
	case TARGET_KIND_TEXT:
		return field->type == PROTOBUF_C_TYPE_STRING;
	case TARGET_KIND_NUMBER:
		return field->type == (row->is_signed   ? PROTOBUF_C_TYPE_SINT32
		                       : row->size == 8 ? PROTOBUF_C_TYPE_UINT64
		                                        : PROTOBUF_C_TYPE_UINT32);
	case TARGET_KIND_WORD:
		return field->type == PROTOBUF_C_TYPE_ENUM;
	case TARGET_KIND_FLAG:
		return field->type == PROTOBUF_C_TYPE_BOOL;
	default:
		return field->type == PROTOBUF_C_TYPE_SINT32;
	}
}

/* Zero counts where it can be told from nothing: in numbers that begin at 0 or below. */
static bool may_be_zero(const struct target_field_row *row)
{
	return row->kind == TARGET_KIND_NUMBER && row->least <= 0 && row->size == 4;
}

static void fields_agree(void **state)
{
	const ProtobufCMessageDescriptor *target = &bpfd__v1__target__descriptor;
	char *header = file_read(BPFD_SOURCE_DIR "/client/include/bpfd/bpfd.h");
	char *members = strstr(header, "struct bpfd_target {");

	(void)state;
	assert_non_null(members);
	*strstr(members, "};") = '\0';
	/* and the places, which are for several what two of the fields are for one */
	assert_int_equal(target->n_fields, TARGET_FIELD_END + 1);
	assert_non_null(protobuf_c_message_descriptor_get_field_by_name(target, "places"));
	assert_int_equal(target_field_by_name("places"), TARGET_FIELD_END);
	for (uint32_t i = 0; i < TARGET_FIELD_END; i++) {
		const struct target_field_row *row = target_field_row(i);
		const ProtobufCFieldDescriptor *field =
			protobuf_c_message_descriptor_get_field_by_name(target, row->name);

		if (!field)
			fail_msg("bpfd.proto's Target has no field \"%s\"", row->name);
		else if (!fits(row, field))
			fail_msg("Target.%s is of another kind than its row", row->name);
		else
			assert_int_equal(!!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF),
			                 may_be_zero(row));
		if (!strstr(members, row->name))
			fail_msg("bpfd.h's struct bpfd_target has no member \"%s\"", row->name);
	}
	free(header);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections),
		cmocka_unit_test(every_section_has_one_type),
		cmocka_unit_test(names),
		cmocka_unit_test(masks),
		cmocka_unit_test(rows_are_as_the_kernel_has_it),
		cmocka_unit_test(type_enums_agree),
		cmocka_unit_test(word_enums_agree),
		cmocka_unit_test(fields_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
