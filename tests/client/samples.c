/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/samples.h"

#include "client/samples_image.h"
#include "client/samples_kernel.h"

#include <string.h>

#define TEXT(text) ((char *)(uintptr_t)(text))

static uint8_t digest[32] = { 0xde, 0xad, 0xbe, 0xef, [31] = 0x01 };
static uint8_t tag[8] = { 0xa0, 0x4f, 0x5e, 0xef, 0x06, 0xa7, 0xf5, 0x55 };
static uint8_t limit[4] = { 0x0a, 0, 0, 0 };
static uint8_t verifier_log[] =
	"0: (b7) r0 = 1\nR1 type=ctx expected=fp\n\x1b[31mprocessed 2 insns\n";

static Bpfd__V1__Metadata *metadata_list(void)
{
	static Bpfd__V1__Metadata metadata;

	bpfd__v1__metadata__init(&metadata);
	metadata.key = TEXT("team");
	metadata.value = TEXT("net\x1b[2J\xc2\x9b"
	                      "ops");
	return &metadata;
}

static Bpfd__V1__Map *map_list(unsigned which)
{
	static Bpfd__V1__Map maps[2];
	Bpfd__V1__Map *map = &maps[which];

	bpfd__v1__map__init(map);
	map->name = TEXT(which ? "limits" : "packets");
	map->kernel_id = 41 + which;
	map->type = TEXT(which ? "hash" : "percpu_array");
	map->key_size = 4;
	map->value_size = which ? 16 : 8;
	map->max_entries = 256;
	map->pin =
		TEXT(which ? "/sys/fs/bpf/bpfd/maps/5/limits" : "/sys/fs/bpf/bpfd/maps/5/packets");
	if (which)
		map->shared_pin = TEXT("/sys/fs/bpf/bpfd/shared/limits");
	return map;
}

static void program_fill(Bpfd__V1__Program *program, Bpfd__V1__Source *source,
                         Bpfd__V1__KernelProgram *kernel)
{
	static uint32_t map_ids[2] = { 41, 42 };

	bpfd__v1__program__init(program);
	program->state = BPFD__V1__PROGRAM_STATE__PROGRAM_STATE_LOADED;
	bpfd__v1__source__init(source);
	bpfd__v1__kernel_program__init(kernel);
	program->source = source;
	program->kernel = kernel;
	source->kind = TEXT("file");
	source->digest.data = digest;
	source->digest.len = sizeof(digest);
	kernel->tag.data = tag;
	kernel->tag.len = sizeof(tag);
	kernel->loaded_at = 1795348680;
	kernel->gpl_compatible = 1;
	kernel->bytes_xlated = 416;
	kernel->bytes_jited = 277;
	kernel->bytes_memlock = 4096;
	kernel->verified_insns = 61;
	kernel->map_ids = map_ids;
	program->owner_uid = 1000;
}

Bpfd__V1__Program *sample_program(uint64_t id)
{
	static Bpfd__V1__Program program;
	static Bpfd__V1__Source source;
	static Bpfd__V1__KernelProgram kernel;
	static Bpfd__V1__Map *maps[2];
	static Bpfd__V1__Global global, *globals[1] = { &global };
	static Bpfd__V1__Metadata *metadata[1];
	static uint64_t links[2] = { 1, 2 };

	program_fill(&program, &source, &kernel);
	bpfd__v1__global__init(&global);
	program.id = id;
	program.name = TEXT("count_packets");
	program.type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_XDP;
	program.application = TEXT("firewall");
	source.name = TEXT("count.o");
	kernel.id = 1234;
	kernel.name = TEXT("count_packets");
	kernel.type = TEXT("ext");
	kernel.btf_id = 77;
	kernel.n_map_ids = 2;
	maps[0] = map_list(0);
	maps[1] = map_list(1);
	program.maps = maps;
	program.n_maps = 2;
	program.map_pin_dir = TEXT("/sys/fs/bpf/bpfd/maps/5");
	program.map_owner = 3;
	program.link_ids = links;
	program.n_link_ids = 2;
	global.name = TEXT("limit");
	global.value.data = limit;
	global.value.len = sizeof(limit);
	program.globals = globals;
	program.n_globals = 1;
	metadata[0] = metadata_list();
	program.metadata = metadata;
	program.n_metadata = 1;
	return &program;
}

Bpfd__V1__Program *sample_program_second(uint64_t id)
{
	static Bpfd__V1__Program program;
	static Bpfd__V1__Source source;
	static Bpfd__V1__KernelProgram kernel;

	program_fill(&program, &source, &kernel);
	program.id = id;
	program.name = TEXT("on_switch");
	program.type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_TRACEPOINT;
	program.owner_uid = 0;
	source.name = TEXT("sched.o");
	kernel.id = 1235;
	kernel.name = TEXT("on_switch");
	kernel.type = TEXT("tracepoint");
	return &program;
}

/* A link on eth0 with its place in the chain there. */
static void chain_target_fill(Bpfd__V1__Link *link, Bpfd__V1__Target *target, int32_t priority,
                              uint32_t position)
{
	bpfd__v1__link__init(link);
	bpfd__v1__target__init(target);
	link->target = target;
	link->where = TEXT("eth0");
	link->ifindex = 2;
	link->position_option_case = BPFD__V1__LINK__POSITION_OPTION_POSITION;
	link->position = position;
	target->interface = TEXT("eth0");
	target->priority_option_case = BPFD__V1__TARGET__PRIORITY_OPTION_PRIORITY;
	target->priority = priority;
	target->mode = BPFD__V1__XDP_MODE__XDP_MODE_NATIVE;
}

Bpfd__V1__Link *sample_link(uint64_t id)
{
	static Bpfd__V1__Link link;
	static Bpfd__V1__Target target;
	static int32_t proceed_on[2] = { 2, 31 };
	static Bpfd__V1__Metadata *metadata[1];

	chain_target_fill(&link, &target, 50, 0);
	metadata[0] = metadata_list();
	link.id = id;
	link.program_id = 5;
	link.program_name = TEXT("count_packets");
	link.type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_XDP;
	link.state = BPFD__V1__LINK_STATE__LINK_STATE_ATTACHED;
	target.proceed_on = proceed_on;
	target.n_proceed_on = 2;
	link.metadata = metadata;
	link.n_metadata = 1;
	link.kernel_program_id = 1234;
	link.owner_uid = 1000;
	return &link;
}

Bpfd__V1__Link *sample_link_foreign(void)
{
	static Bpfd__V1__Link link;
	static Bpfd__V1__Target target;
	static int32_t proceed_on[1] = { 7 };

	chain_target_fill(&link, &target, 60, 1);
	link.program_name = TEXT("xdp_filter");
	link.type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_XDP;
	link.state = BPFD__V1__LINK_STATE__LINK_STATE_ATTACHED;
	target.proceed_on = proceed_on;
	target.n_proceed_on = 1;
	link.kernel_program_id = 1300;
	return &link;
}

Bpfd__V1__Link *sample_link_tracepoint(uint64_t id)
{
	static Bpfd__V1__Link link;
	static Bpfd__V1__Target target;

	bpfd__v1__link__init(&link);
	bpfd__v1__target__init(&target);
	link.id = id;
	link.program_id = 6;
	link.program_name = TEXT("on_switch");
	link.type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_TRACEPOINT;
	link.state = BPFD__V1__LINK_STATE__LINK_STATE_GONE;
	link.target = &target;
	target.group = TEXT("sched");
	target.name = TEXT("sched_switch");
	link.where = TEXT("sched/sched_switch");
	link.kernel_program_id = 1235;
	return &link;
}

/* A target that no type has: all fields, so that none is forgotten. */
static void target_fill(Bpfd__V1__Target *target)
{
	bpfd__v1__target__init(target);
	target->netns = TEXT("/run/netns/blue");
	target->follow = 1;
	target->direction = BPFD__V1__DIRECTION__DIRECTION_EGRESS;
	target->priority_option_case = BPFD__V1__TARGET__PRIORITY_OPTION_PRIORITY;
	target->priority = -7;
	target->group = TEXT("g");
	target->name = TEXT("n");
	target->path = TEXT("/bin/bash");
	target->function = TEXT("readline");
	target->offset = 16;
	target->pid = 4711;
	target->container_pid = 812;
	target->cpu_option_case = BPFD__V1__TARGET__CPU_OPTION_CPU;
	target->cpu = 0;
	target->frequency = 99;
	target->family = BPFD__V1__NETFILTER_FAMILY__NETFILTER_FAMILY_IPV6;
	target->hook = BPFD__V1__NETFILTER_HOOK__NETFILTER_HOOK_FORWARD;
}

Bpfd__V1__Link *sample_link_uprobe(uint64_t id)
{
	static Bpfd__V1__Link link;
	static Bpfd__V1__Target target;
	static Bpfd__V1__Place places[2], *pointers[2] = { &places[0], &places[1] };

	bpfd__v1__link__init(&link);
	target_fill(&target);
	bpfd__v1__place__init(&places[0]);
	bpfd__v1__place__init(&places[1]);
	places[0].offset = 48;
	places[0].function = TEXT("rl_bind_key");
	places[1].offset = 64;
	target.places = pointers;
	target.n_places = 2;
	link.target = &target;
	link.id = id;
	link.program_id = 7;
	link.program_name = TEXT("on_readline");
	link.type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_UPROBE;
	link.state = BPFD__V1__LINK_STATE__LINK_STATE_ATTACHED;
	link.where = TEXT("/bin/bash+0x10 (readline)");
	link.kernel_program_id = 1236;
	link.owner_uid = 1000;
	return &link;
}

Bpfd__V1__Link *sample_link_fentry(uint64_t id)
{
	static Bpfd__V1__Link link;
	static Bpfd__V1__Target target;

	bpfd__v1__link__init(&link);
	bpfd__v1__target__init(&target);
	link.target = &target;
	link.id = id;
	link.program_id = 8;
	link.program_name = TEXT("on_read");
	link.type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_FENTRY;
	link.state = BPFD__V1__LINK_STATE__LINK_STATE_ATTACHED;
	link.where = TEXT("vfs_read");
	link.kernel_program_id = 1237;
	return &link;
}

static void refuse(Bpfd__V1__Response *response, Bpfd__V1__ErrorCode code, const char *message)
{
	static Bpfd__V1__Error error;

	bpfd__v1__error__init(&error);
	error.code = code;
	error.message = TEXT(message);
	if (code == BPFD__V1__ERROR_CODE__ERROR_CODE_VERIFIER) {
		error.verifier_log.data = verifier_log;
		error.verifier_log.len = sizeof(verifier_log) - 1;
	}
	response->result_case = BPFD__V1__RESPONSE__RESULT_ERROR;
	response->error = &error;
}

static void answer_load(const Bpfd__V1__LoadRequest *request, Bpfd__V1__Response *response)
{
	static Bpfd__V1__LoadResponse load;
	static Bpfd__V1__Program *programs[2];

	bpfd__v1__load_response__init(&load);
	if (request->n_programs && strcmp(request->programs[0]->function, "bad") == 0) {
		refuse(response, BPFD__V1__ERROR_CODE__ERROR_CODE_VERIFIER,
		       "the kernel's verifier refused \"bad\": read its log");
		return;
	}
	programs[0] = sample_program(5);
	programs[1] = sample_program_second(6);
	load.programs = programs;
	load.n_programs = request->n_programs ?: 2; /* of an image: those that it names */
	response->result_case = BPFD__V1__RESPONSE__RESULT_LOAD;
	response->load = &load;
}

static void answer_attach(const Bpfd__V1__AttachRequest *request, Bpfd__V1__Response *response)
{
	static Bpfd__V1__AttachResponse attach;

	bpfd__v1__attach_response__init(&attach);
	switch (request->type) {
	case BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_XDP:
		attach.link = sample_link(1);
		break;
	case BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_FENTRY:
		attach.link = sample_link_fentry(5);
		break;
	case BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_UPROBE:
		attach.link = sample_link_uprobe(4);
		break;
	default:
		attach.link = sample_link_tracepoint(3);
	}
	if (request->target && request->target->exclusive) {
		/* what is alone on its interface has no order */
		attach.link->target->exclusive = 1;
		attach.link->target->priority_option_case =
			BPFD__V1__TARGET__PRIORITY_OPTION__NOT_SET;
		attach.link->target->n_proceed_on = 0;
	}
	response->result_case = BPFD__V1__RESPONSE__RESULT_ATTACH;
	response->attach = &attach;
}

static Bpfd__V1__Link *get_link_sample(uint64_t id)
{
	switch (id) {
	case 3:
		return sample_link_tracepoint(id);
	case 4:
		return sample_link_uprobe(id);
	case 5:
		return sample_link_fentry(id);
	default:
		return sample_link(id);
	}
}

/* The link as it was, with what is asked for. */
static void answer_update(const Bpfd__V1__UpdateRequest *request, Bpfd__V1__Response *response)
{
	static Bpfd__V1__UpdateResponse update;

	bpfd__v1__update_response__init(&update);
	update.link = get_link_sample(request->link_id);
	if (request->priority_option_case)
		update.link->target->priority = request->priority;
	if (request->program_id)
		update.link->program_id = request->program_id;
	if (request->n_proceed_on) {
		update.link->target->n_proceed_on = request->n_proceed_on;
		update.link->target->proceed_on = request->proceed_on;
	}
	response->result_case = BPFD__V1__RESPONSE__RESULT_UPDATE;
	response->update = &update;
}

static void answer_remove(const Bpfd__V1__Request *request, Bpfd__V1__Response *response)
{
	static Bpfd__V1__DetachResponse detach;
	static Bpfd__V1__UnloadResponse unload;

	bpfd__v1__detach_response__init(&detach);
	bpfd__v1__unload_response__init(&unload);
	if (request->operation_case == BPFD__V1__REQUEST__OPERATION_DETACH) {
		detach.link_id = request->detach->link_id;
		response->result_case = BPFD__V1__RESPONSE__RESULT_DETACH;
		response->detach = &detach;
	} else {
		unload.program_id = request->unload->program_id;
		response->result_case = BPFD__V1__RESPONSE__RESULT_UNLOAD;
		response->unload = &unload;
	}
}

static void answer_list(const Bpfd__V1__Request *request, Bpfd__V1__Response *response)
{
	static Bpfd__V1__ListProgramsResponse programs;
	static Bpfd__V1__ListLinksResponse links;
	static Bpfd__V1__Program *program_list[3];
	static Bpfd__V1__Link *link_list[4];

	bpfd__v1__list_programs_response__init(&programs);
	bpfd__v1__list_links_response__init(&links);
	if (request->operation_case == BPFD__V1__REQUEST__OPERATION_LIST_PROGRAMS) {
		program_list[0] = sample_program(5);
		program_list[1] = sample_program_second(6);
		programs.programs = program_list;
		programs.n_programs = 2;
		programs.statistics = request->list_programs->statistics > 0;
		if (request->list_programs->all)
			program_list[programs.n_programs++] = sample_kernel_program();
		response->result_case = BPFD__V1__RESPONSE__RESULT_LIST_PROGRAMS;
		response->list_programs = &programs;
	} else {
		link_list[0] = sample_link(1);
		link_list[1] = sample_link_foreign();
		link_list[2] = sample_link_tracepoint(3);
		links.links = link_list;
		links.n_links = 3;
		if (request->list_links->all)
			link_list[links.n_links++] = sample_kernel_link();
		response->result_case = BPFD__V1__RESPONSE__RESULT_LIST_LINKS;
		response->list_links = &links;
	}
}

/* Program 8 was loaded for a function of the kernel, 9 out of an image. */
static Bpfd__V1__Program *get_program_sample(uint64_t id)
{
	Bpfd__V1__Program *program;

	if (id != 8) {
		program = sample_program(id);
		if (id == 9)
			sample_source_image(program->source);
		return program;
	}
	program = sample_program_second(id);
	program->name = TEXT("on_read");
	program->type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_FENTRY;
	program->target = TEXT("vfs_read");
	program->kernel->type = TEXT("tracing");
	return program;
}

static void answer_get(const Bpfd__V1__Request *request, Bpfd__V1__Response *response)
{
	static Bpfd__V1__GetProgramResponse program;
	static Bpfd__V1__GetLinkResponse link;
	static Bpfd__V1__Link *links[2];

	bpfd__v1__get_program_response__init(&program);
	bpfd__v1__get_link_response__init(&link);
	if (request->operation_case == BPFD__V1__REQUEST__OPERATION_GET_PROGRAM) {
		program.program = get_program_sample(request->get_program->program_id);
		links[0] = sample_link(1);
		links[1] = sample_link_tracepoint(2);
		program.links = links;
		program.n_links = 2;
		if (request->get_program->kernel_id) {
			program.program = sample_kernel_program();
			links[0] = sample_kernel_link();
			program.n_links = 1;
		}
		response->result_case = BPFD__V1__RESPONSE__RESULT_GET_PROGRAM;
		response->get_program = &program;
	} else {
		link.link = get_link_sample(request->get_link->link_id);
		response->result_case = BPFD__V1__RESPONSE__RESULT_GET_LINK;
		response->get_link = &link;
	}
}

static void answer_status(const Bpfd__V1__Request *request, Bpfd__V1__Response *response)
{
	static Bpfd__V1__StatusResponse status;
	static Bpfd__V1__VersionResponse version;
	static Bpfd__V1__Feature features[2], *list[2] = { &features[0], &features[1] };

	bpfd__v1__status_response__init(&status);
	bpfd__v1__version_response__init(&version);
	bpfd__v1__feature__init(&features[0]);
	bpfd__v1__feature__init(&features[1]);
	features[0].name = TEXT("extension programs");
	features[0].detail = TEXT("this kernel refuses them (EPERM): attach with --exclusive");
	features[1].name = TEXT("opener");
	features[1].present = 1;
	status.version = version.version = TEXT("0.1.0");
	status.kernel_release = TEXT("6.1.0-18-amd64");
	status.started_at = 1795348600;
	status.programs = 2;
	status.links = 3;
	status.interfaces = 1;
	status.loads = 9;
	status.loads_failed = 4;
	status.attaches = 6;
	status.connections = 1;
	status.features = list;
	status.n_features = 2;
	sample_processes(&status);
	version.protocol = 1;
	if (request->operation_case == BPFD__V1__REQUEST__OPERATION_STATUS) {
		response->result_case = BPFD__V1__RESPONSE__RESULT_STATUS;
		response->status = &status;
	} else {
		response->result_case = BPFD__V1__RESPONSE__RESULT_VERSION_INFO;
		response->version_info = &version;
	}
}

static uint64_t request_subject(const Bpfd__V1__Request *request)
{
	switch (request->operation_case) {
	case BPFD__V1__REQUEST__OPERATION_ATTACH:
		return request->attach->program_id;
	case BPFD__V1__REQUEST__OPERATION_UPDATE:
		return request->update->link_id;
	case BPFD__V1__REQUEST__OPERATION_DETACH:
		return request->detach->link_id;
	case BPFD__V1__REQUEST__OPERATION_UNLOAD:
		return request->unload->program_id;
	case BPFD__V1__REQUEST__OPERATION_GET_PROGRAM:
		return request->get_program->program_id;
	case BPFD__V1__REQUEST__OPERATION_GET_LINK:
		return request->get_link->link_id;
	default:
		return 0;
	}
}

static void answer_fill(const Bpfd__V1__Request *request, Bpfd__V1__Response *response)
{
	switch (request->operation_case) {
	case BPFD__V1__REQUEST__OPERATION_LOAD:
		answer_load(request->load, response);
		break;
	case BPFD__V1__REQUEST__OPERATION_ATTACH:
		answer_attach(request->attach, response);
		break;
	case BPFD__V1__REQUEST__OPERATION_UPDATE:
		answer_update(request->update, response);
		break;
	case BPFD__V1__REQUEST__OPERATION_DETACH:
	case BPFD__V1__REQUEST__OPERATION_UNLOAD:
		answer_remove(request, response);
		break;
	case BPFD__V1__REQUEST__OPERATION_LIST_PROGRAMS:
	case BPFD__V1__REQUEST__OPERATION_LIST_LINKS:
		answer_list(request, response);
		break;
	case BPFD__V1__REQUEST__OPERATION_LIST_MAPS:
		sample_list_maps(response);
		break;
	case BPFD__V1__REQUEST__OPERATION_GET_PROGRAM:
	case BPFD__V1__REQUEST__OPERATION_GET_LINK:
		answer_get(request, response);
		break;
	default:
		answer_status(request, response);
	}
}

void sample_reply(void *context, const Bpfd__V1__Request *request, unsigned count,
                  struct reply *reply)
{
	Bpfd__V1__Response response = BPFD__V1__RESPONSE__INIT;

	(void)context;
	(void)count;
	if (request_subject(request) >= 900)
		refuse(&response, BPFD__V1__ERROR_CODE__ERROR_CODE_NOT_FOUND,
		       "there is none with that id: see \"bpfctl list\"\x1b[0m");
	else if (!sample_image_answer(request, &response))
		answer_fill(request, &response);
	reply_pack(reply, &response);
}
