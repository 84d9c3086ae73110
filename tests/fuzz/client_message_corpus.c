/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Writes the seeds of client_message_fuzz: a valid request of each kind, bare and as a stream. */
#include "bpfd.pb-c.h"
#include "common/program_type.h"
#include "common/target.h"
#include "common/sp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *directory;

static void seed_write(const char *name, const char *form, const uint8_t *bytes, size_t size)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s-%s", directory, name, form);

	FILE *file = fopen(path, "wbe");

	if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
		(void)fprintf(stderr, "%s cannot be written\n", path);
		exit(1);
	}
}

/* After the first byte: the greeting, and the same message twice, the second time over two hops. */
static size_t stream_make(const uint8_t *packed, size_t size, uint8_t *out)
{
	static const uint8_t greeting[] = { 7, 0, 'S', 'P', 0, 0, 0x30, 0, 0 };
	static const uint8_t hops[] = { 0, 0, 0, 5, 0x80, 0, 0, 1 };
	size_t at = sizeof(greeting);

	memcpy(out, greeting, sizeof(greeting));
	for (int hop = 0; hop < 2; hop++) {
		size_t skip = hop ? 0 : 4;

		sp_head_encode(sizeof(hops) - skip + size, out + at);
		at += SP_HEAD_SIZE;
		memcpy(out + at, hops + skip, sizeof(hops) - skip);
		at += sizeof(hops) - skip;
		memcpy(out + at, packed, size);
		at += size;
	}
	return at;
}

static void request_write(const char *name, Bpfd__V1__Request *request)
{
	static uint8_t id[16] = "a request's name";
	uint8_t packed[4096], bytes[3 * sizeof(packed)];

	request->version = 1;
	request->request_id = (ProtobufCBinaryData){ .data = id, .len = sizeof(id) };
	if (bpfd__v1__request__get_packed_size(request) > sizeof(packed))
		abort();

	size_t size = bpfd__v1__request__pack(request, packed);

	bytes[0] = 128;
	memcpy(bytes + 1, packed, size);
	seed_write(name, "bare", bytes, size + 1);
	seed_write(name, "stream", bytes, stream_make(packed, size, bytes));
}

static char *text(const char *value)
{
	return (char *)(uintptr_t)value;
}

static Bpfd__V1__Metadata metadata = BPFD__V1__METADATA__INIT;
static Bpfd__V1__Metadata *metadata_list[] = { &metadata };

static void load_write(void)
{
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	Bpfd__V1__LoadRequest load = BPFD__V1__LOAD_REQUEST__INIT;
	Bpfd__V1__LoadProgram xdp = BPFD__V1__LOAD_PROGRAM__INIT;
	Bpfd__V1__LoadProgram fentry = BPFD__V1__LOAD_PROGRAM__INIT;
	Bpfd__V1__LoadProgram *programs[] = { &xdp, &fentry };
	Bpfd__V1__Global global = BPFD__V1__GLOBAL__INIT;
	Bpfd__V1__Global *globals[] = { &global };
	uint8_t object[] = { 0x7f, 'E', 'L', 'F' };

	xdp.type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_XDP;
	xdp.function = text("xdp_count");
	xdp.exclusive = 1;
	fentry.type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_FENTRY;
	fentry.function = text("trace.read");
	fentry.target = text("vfs_read");
	global.name = text("limit");
	global.value = (ProtobufCBinaryData){ .data = object, .len = sizeof(object) };
	load.object = global.value;
	load.programs = programs;
	load.n_programs = 2;
	load.globals = globals;
	load.n_globals = 1;
	load.metadata = metadata_list;
	load.n_metadata = 1;
	load.application = text("shop");
	load.source_name = text("count.o");
	request.operation_case = BPFD__V1__REQUEST__OPERATION_LOAD;
	request.load = &load;
	request_write("load", &request);
}

/* For a field of any kind a value that its row allows. */
static void field_set(Bpfd__V1__Target *target, const ProtobufCFieldDescriptor *field)
{
	enum target_field number = target_field_by_name(field->name);
	const struct target_field_row *row = target_field_row(number);
	char *at = (char *)target + field->offset;
	char *word = text(row->text_ok && !row->text_ok("word") ? "/some/file" : "word");
	uint64_t wide = 4096;
	uint32_t narrow = 1;

	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		memcpy((char *)target + field->quantifier_offset, &field->id, sizeof(field->id));
	if (row->kind == TARGET_KIND_TEXT)
		memcpy(at, &word, sizeof(word));
	else if (field->type == PROTOBUF_C_TYPE_UINT64)
		memcpy(at, &wide, sizeof(wide));
	else if (row->kind != TARGET_KIND_ACTIONS)
		memcpy(at, &narrow, sizeof(narrow));
}

/* An attachment with all that the type takes, but to be alone. */
static void attach_type_write(uint32_t type, const struct program_type_row *row)
{
	const ProtobufCMessageDescriptor *fields = &bpfd__v1__target__descriptor;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	Bpfd__V1__AttachRequest attach = BPFD__V1__ATTACH_REQUEST__INIT;
	Bpfd__V1__Target target = BPFD__V1__TARGET__INIT;
	uint32_t takes = row->takes & ~TARGET_BIT(TARGET_EXCLUSIVE);
	int32_t proceed_on[32];
	char name[64];

	for (unsigned int i = 0; i < fields->n_fields; i++) {
		if (takes & TARGET_BIT(target_field_by_name(fields->fields[i].name)))
			field_set(&target, &fields->fields[i]);
	}
	for (size_t i = 0; row->actions && i < row->actions->count; i++)
		proceed_on[i] = row->actions->rows[i].code;
	target.proceed_on = proceed_on;
	target.n_proceed_on = row->actions ? row->actions->count : 0;
	attach.program_id = 5;
	attach.metadata = metadata_list;
	attach.n_metadata = 1;
	attach.type = (Bpfd__V1__ProgramType)type;
	attach.target = &target;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_ATTACH;
	request.attach = &attach;
	(void)snprintf(name, sizeof(name), "attach_%s", row->name);
	request_write(name, &request);
}

static void attach_write(void)
{
	for (uint32_t type = 1; type < PROGRAM_TYPE_END; type++) {
		if (program_type_row(type))
			attach_type_write(type, program_type_row(type));
	}
}

static void update_write(void)
{
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	Bpfd__V1__UpdateRequest update = BPFD__V1__UPDATE_REQUEST__INIT;
	int32_t proceed_on[] = { 2, 31 };

	update.link_id = 7;
	update.program_id = 5;
	update.priority_option_case = BPFD__V1__UPDATE_REQUEST__PRIORITY_OPTION_PRIORITY;
	update.priority = 40;
	update.proceed_on = proceed_on;
	update.n_proceed_on = 2;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_UPDATE;
	request.update = &update;
	request_write("update", &request);
}

static void lists_write(void)
{
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	Bpfd__V1__ListProgramsRequest programs = BPFD__V1__LIST_PROGRAMS_REQUEST__INIT;
	Bpfd__V1__ListLinksRequest links = BPFD__V1__LIST_LINKS_REQUEST__INIT;

	programs.type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_XDP;
	programs.application = text("shop");
	programs.metadata = metadata_list;
	programs.n_metadata = 1;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_LIST_PROGRAMS;
	request.list_programs = &programs;
	request_write("list_programs", &request);
	links.program_option_case = BPFD__V1__LIST_LINKS_REQUEST__PROGRAM_OPTION_PROGRAM_ID;
	links.program_id = 5;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_LIST_LINKS;
	request.list_links = &links;
	request_write("list_links", &request);
}

/* Operations that name one id, or nothing: all of the same shape. */
static void ids_write(void)
{
	Bpfd__V1__DetachRequest detach = BPFD__V1__DETACH_REQUEST__INIT;
	Bpfd__V1__UnloadRequest unload = BPFD__V1__UNLOAD_REQUEST__INIT;
	Bpfd__V1__GetProgramRequest get_program = BPFD__V1__GET_PROGRAM_REQUEST__INIT;
	Bpfd__V1__GetLinkRequest get_link = BPFD__V1__GET_LINK_REQUEST__INIT;
	Bpfd__V1__StatusRequest status = BPFD__V1__STATUS_REQUEST__INIT;
	Bpfd__V1__VersionRequest version = BPFD__V1__VERSION_REQUEST__INIT;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;

	detach.link_id = unload.program_id = get_program.program_id = get_link.link_id = 300;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_DETACH;
	request.detach = &detach;
	request_write("detach", &request);
	request.operation_case = BPFD__V1__REQUEST__OPERATION_UNLOAD;
	request.unload = &unload;
	request_write("unload", &request);
	request.operation_case = BPFD__V1__REQUEST__OPERATION_GET_PROGRAM;
	request.get_program = &get_program;
	request_write("get_program", &request);
	request.operation_case = BPFD__V1__REQUEST__OPERATION_GET_LINK;
	request.get_link = &get_link;
	request_write("get_link", &request);
	request.operation_case = BPFD__V1__REQUEST__OPERATION_STATUS;
	request.status = &status;
	request_write("status", &request);
	request.operation_case = BPFD__V1__REQUEST__OPERATION_VERSION_INFO;
	request.version_info = &version;
	request_write("version_info", &request);
}

static void image_sources_write(void)
{
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	Bpfd__V1__ImageSource source = BPFD__V1__IMAGE_SOURCE__INIT;
	Bpfd__V1__ImagePullRequest pull = BPFD__V1__IMAGE_PULL_REQUEST__INIT;
	Bpfd__V1__ImageVerifyRequest verify = BPFD__V1__IMAGE_VERIFY_REQUEST__INIT;
	Bpfd__V1__LoadRequest load = BPFD__V1__LOAD_REQUEST__INIT;

	source.reference = text("[::1]:5000/bpf/counter:v1.0");
	source.pull_policy = BPFD__V1__PULL_POLICY__PULL_POLICY_ALWAYS;
	source.username = text("me");
	source.password = text("token.of~mine");
	pull.image = verify.image = load.image = &source;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_IMAGE_PULL;
	request.image_pull = &pull;
	request_write("image_pull", &request);
	request.operation_case = BPFD__V1__REQUEST__OPERATION_IMAGE_VERIFY;
	request.image_verify = &verify;
	request_write("image_verify", &request);
	load.persist = 1;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_LOAD;
	request.load = &load;
	request_write("load_image", &request);
}

static void image_names_write(void)
{
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	Bpfd__V1__ImageListRequest list = BPFD__V1__IMAGE_LIST_REQUEST__INIT;
	Bpfd__V1__ImageInspectRequest inspect = BPFD__V1__IMAGE_INSPECT_REQUEST__INIT;
	Bpfd__V1__ImageRemoveRequest remove_image = BPFD__V1__IMAGE_REMOVE_REQUEST__INIT;

	inspect.reference = text("registry.example/bpf/counter@sha256:0123456789abcdef");
	remove_image.reference = text("sha256:0123456789abcdef");
	request.operation_case = BPFD__V1__REQUEST__OPERATION_IMAGE_LIST;
	request.image_list = &list;
	request_write("image_list", &request);
	request.operation_case = BPFD__V1__REQUEST__OPERATION_IMAGE_INSPECT;
	request.image_inspect = &inspect;
	request_write("image_inspect", &request);
	request.operation_case = BPFD__V1__REQUEST__OPERATION_IMAGE_REMOVE;
	request.image_remove = &remove_image;
	request_write("image_remove", &request);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		(void)fprintf(stderr, "usage: client_message_corpus DIRECTORY\n");
		return 2;
	}
	directory = argv[1];
	metadata.key = text("team");
	metadata.value = text("n\xc3\xa9t");
	load_write();
	attach_write();
	update_write();
	lists_write();
	ids_write();
	image_sources_write();
	image_names_write();
	return 0;
}
