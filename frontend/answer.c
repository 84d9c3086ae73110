/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/answer.h"

#include "frontend/answer_host.h"
#include "frontend/answer_items.h"
#include "frontend/answer_list.h"

#include <errno.h>
#include <string.h>

int answer_get_program(const struct answer_source *source, uint64_t id,
                       Bpfd__V1__Response *response)
{
	const struct view_program *program = view_program(source->view, id);
	Bpfd__V1__GetProgramResponse *got = message_take(
		source->arena, Bpfd__V1__GetProgramResponse, bpfd__v1__get_program_response__init);

	if (!program)
		return -ENOENT;
	if (!got)
		return -ENOMEM;
	got->program = answer_program_item(source, program);
	if (!got->program)
		return -ENOMEM;
	if (answer_program_links(source, id, &got->links, &got->n_links) < 0)
		return -ENOMEM;
	response->result_case = BPFD__V1__RESPONSE__RESULT_GET_PROGRAM;
	response->get_program = got;
	return 0;
}

int answer_get_link(const struct answer_source *source, uint64_t id, Bpfd__V1__Response *response)
{
	const struct view_link *link = view_link(source->view, id);
	Bpfd__V1__GetLinkResponse *got = message_take(source->arena, Bpfd__V1__GetLinkResponse,
	                                              bpfd__v1__get_link_response__init);

	if (!link)
		return -ENOENT;
	if (!got)
		return -ENOMEM;
	got->link = answer_link_item(source, link);
	if (!got->link)
		return -ENOMEM;
	response->result_case = BPFD__V1__RESPONSE__RESULT_GET_LINK;
	response->get_link = got;
	return 0;
}

/* What `bpfctl status` shows of the host; `detail` is formatted by the row's own function. */
static const char *extension_detail(const struct record_status *status, struct arena *arena)
{
	if (status->extension_programs)
		return "several XDP programs run on one interface";
	return arena_print(arena,
	                   "this kernel refuses extension programs (%s): XDP programs attach only "
	                   "alone, with --exclusive",
	                   strerrordesc_np(status->extension_errno)
	                           ? strerrordesc_np(status->extension_errno)
	                           : "no reason known");
}

static const char *perf_link_detail(const struct record_status *status,
                                    [[maybe_unused]] struct arena *arena)
{
	return status->perf_link
	               ? "links of tracepoint, kprobe, uprobe and perf_event programs outlive a "
	                 "restart"
	               : "this kernel cannot pin links of tracepoint, kprobe, uprobe and "
	                 "perf_event programs: they end with bpfd and are attached again at its "
	                 "start";
}

static const char *opener_detail(const struct record_status *status,
                                 [[maybe_unused]] struct arena *arena)
{
	return status->opener ? "dispatchers of others are joined"
	                      : "switched off: dispatchers of others cannot be joined, and "
	                        "tracepoints not attached where perf_event_paranoid forbids it";
}

static const char *landlock_detail(const struct record_status *status, struct arena *arena)
{
	if (status->landlock_abi == 0)
		return "this kernel has no Landlock: file access is limited by users and seccomp "
		       "alone";
	return arena_print(arena, "version %u", status->landlock_abi);
}

static const char *store_copy_detail(const struct record_status *status, struct arena *arena)
{
	if (status->store_copy)
		return "ids outlive the boot";
	return arena_print(arena,
	                   "the store's copy in the state directory cannot be written (%s): after "
	                   "a reboot ids may be given again",
	                   strerrordesc_np(status->store_copy_errno)
	                           ? strerrordesc_np(status->store_copy_errno)
	                           : "no reason known");
}

static const char *images_detail(const struct record_status *status, struct arena *arena)
{
	if (!status->images)
		return "switched off: [features] images in bpfd.conf";
	return arena_print(arena, "%u rules want signatures", status->image_rules);
}

static const char *signed_only_detail(const struct record_status *status,
                                      [[maybe_unused]] struct arena *arena)
{
	return status->signed_only ? "only images that a rule has verified are loaded, no files"
	                           : "files are loaded, and images as their rules say";
}

static const struct {
	const char *name;
	size_t present; /* offset of the uint32_t in the status */
	const char *(*detail)(const struct record_status *status, struct arena *arena);
} features[] = {
	{ "extension_programs", offsetof(struct record_status, extension_programs),
	  extension_detail },
	{ "perf_link", offsetof(struct record_status, perf_link), perf_link_detail },
	{ "opener", offsetof(struct record_status, opener), opener_detail },
	{ "landlock", offsetof(struct record_status, landlock_abi), landlock_detail },
	{ "store_copy", offsetof(struct record_status, store_copy), store_copy_detail },
	{ "iterators", offsetof(struct record_status, iterators), iterators_detail },
	{ "images", offsetof(struct record_status, images), images_detail },
	{ "signed_only", offsetof(struct record_status, signed_only), signed_only_detail },
	{ "run_statistics", offsetof(struct record_status, statistics), statistics_detail },
};

#define FEATURE_COUNT (sizeof(features) / sizeof(features[0]))

static Bpfd__V1__Feature *feature_item(const struct answer_source *source, size_t index)
{
	const struct record_status *status = &source->view->status;
	Bpfd__V1__Feature *feature =
		message_take(source->arena, Bpfd__V1__Feature, bpfd__v1__feature__init);
	uint32_t present;

	if (!feature)
		return NULL;
	memcpy(&present, (const char *)status + features[index].present, sizeof(present));
	feature->name = text_const(features[index].name);
	feature->present = present != 0;
	feature->detail = text_const(features[index].detail(status, source->arena));
	return feature->detail ? feature : NULL;
}

static bool interface_counted(const struct view_table *chains, size_t index)
{
	const struct view_chain *chain = chains->items[index];

	for (size_t i = 0; i < index; i++) {
		const struct view_chain *earlier = chains->items[i];

		if (earlier->chain.ifindex == chain->chain.ifindex)
			return true;
	}
	return false;
}

/* One may have several chains. */
static size_t interfaces_count(const struct view_table *chains)
{
	size_t count = 0;

	for (size_t i = 0; i < chains->count; i++)
		count += !interface_counted(chains, i);
	return count;
}

int answer_status(const struct answer_source *source, Bpfd__V1__Response *response)
{
	const struct view *view = source->view;
	Bpfd__V1__StatusResponse *status = message_take(source->arena, Bpfd__V1__StatusResponse,
	                                                bpfd__v1__status_response__init);

	if (!status)
		return -ENOMEM;
	status->version = text_const(BPFD_VERSION);
	status->kernel_release = text_const(view->status.kernel_release);
	status->started_at = view->status.started_at_s;
	status->programs = view->programs.count;
	status->links = view->links.count;
	status->interfaces = interfaces_count(&view->chains);
	status->loads = view->status.loads;
	status->loads_failed = view->status.loads_failed;
	status->attaches = view->status.attaches;
	status->connections = source->connections;
	status->maps = answer_map_count(source);
	status->features = arena_take_array(source->arena, FEATURE_COUNT + 1, sizeof(void *));
	if (!status->features)
		return -ENOMEM;
	for (size_t i = 0; i < FEATURE_COUNT; i++) {
		status->features[i] = feature_item(source, i);
		if (!status->features[i])
			return -ENOMEM;
	}
	status->features[FEATURE_COUNT] = answer_types_feature(source);
	if (!status->features[FEATURE_COUNT] || answer_processes_fill(source, status) < 0)
		return -ENOMEM;
	status->n_features = FEATURE_COUNT + 1;
	response->result_case = BPFD__V1__RESPONSE__RESULT_STATUS;
	response->status = status;
	return 0;
}

int answer_version(const struct answer_source *source, Bpfd__V1__Response *response)
{
	Bpfd__V1__VersionResponse *version = message_take(source->arena, Bpfd__V1__VersionResponse,
	                                                  bpfd__v1__version_response__init);

	if (!version)
		return -ENOMEM;
	version->version = text_const(BPFD_VERSION);
	version->protocol = 1;
	response->result_case = BPFD__V1__RESPONSE__RESULT_VERSION_INFO;
	response->version_info = version;
	return 0;
}

int answer_load(const struct answer_source *source, const uint64_t *ids, size_t count,
                Bpfd__V1__Response *response)
{
	Bpfd__V1__LoadResponse *load =
		message_take(source->arena, Bpfd__V1__LoadResponse, bpfd__v1__load_response__init);

	if (!load)
		return -ENOMEM;
	load->programs = arena_take_array(source->arena, count, sizeof(void *));
	if (!load->programs)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct view_program *program = view_program(source->view, ids[i]);

		load->programs[i] = program ? answer_program_item(source, program)
		                            : message_take(source->arena, Bpfd__V1__Program,
		                                           bpfd__v1__program__init);
		if (!load->programs[i])
			return -ENOMEM;
		load->programs[i]->id = ids[i];
	}
	load->n_programs = count;
	response->result_case = BPFD__V1__RESPONSE__RESULT_LOAD;
	response->load = load;
	return 0;
}

/* The link of an answer; one that is gone since has its id alone. */
static Bpfd__V1__Link *answered_link(const struct answer_source *source, uint64_t id)
{
	const struct view_link *link = view_link(source->view, id);
	Bpfd__V1__Link *item =
		link ? answer_link_item(source, link)
		     : message_take(source->arena, Bpfd__V1__Link, bpfd__v1__link__init);

	if (item)
		item->id = id;
	return item;
}

int answer_attach(const struct answer_source *source, uint64_t id, Bpfd__V1__Response *response)
{
	Bpfd__V1__AttachResponse *attach = message_take(source->arena, Bpfd__V1__AttachResponse,
	                                                bpfd__v1__attach_response__init);

	if (!attach)
		return -ENOMEM;
	attach->link = answered_link(source, id);
	if (!attach->link)
		return -ENOMEM;
	response->result_case = BPFD__V1__RESPONSE__RESULT_ATTACH;
	response->attach = attach;
	return 0;
}

int answer_update(const struct answer_source *source, uint64_t id, Bpfd__V1__Response *response)
{
	Bpfd__V1__UpdateResponse *update = message_take(source->arena, Bpfd__V1__UpdateResponse,
	                                                bpfd__v1__update_response__init);

	if (!update)
		return -ENOMEM;
	update->link = answered_link(source, id);
	if (!update->link)
		return -ENOMEM;
	response->result_case = BPFD__V1__RESPONSE__RESULT_UPDATE;
	response->update = update;
	return 0;
}

int answer_detach(const struct answer_source *source, uint64_t id, Bpfd__V1__Response *response)
{
	Bpfd__V1__DetachResponse *detach = message_take(source->arena, Bpfd__V1__DetachResponse,
	                                                bpfd__v1__detach_response__init);

	if (!detach)
		return -ENOMEM;
	detach->link_id = id;
	response->result_case = BPFD__V1__RESPONSE__RESULT_DETACH;
	response->detach = detach;
	return 0;
}

int answer_unload(const struct answer_source *source, uint64_t id, Bpfd__V1__Response *response)
{
	Bpfd__V1__UnloadResponse *unload = message_take(source->arena, Bpfd__V1__UnloadResponse,
	                                                bpfd__v1__unload_response__init);

	if (!unload)
		return -ENOMEM;
	unload->program_id = id;
	response->result_case = BPFD__V1__RESPONSE__RESULT_UNLOAD;
	response->unload = unload;
	return 0;
}

int answer_map_change(const struct answer_source *source, bool set, uint64_t program_id,
                      Bpfd__V1__Response *response)
{
	if (set) {
		response->map_set = message_take(source->arena, Bpfd__V1__MapSetResponse,
		                                 bpfd__v1__map_set_response__init);
		if (!response->map_set)
			return -ENOMEM;
		response->result_case = BPFD__V1__RESPONSE__RESULT_MAP_SET;
		response->map_set->program_id = program_id;
		return 0;
	}
	response->map_delete = message_take(source->arena, Bpfd__V1__MapDeleteResponse,
	                                    bpfd__v1__map_delete_response__init);
	if (!response->map_delete)
		return -ENOMEM;
	response->result_case = BPFD__V1__RESPONSE__RESULT_MAP_DELETE;
	response->map_delete->program_id = program_id;
	return 0;
}

void answer_error(const struct error *error, const void *log, size_t log_size,
                  Bpfd__V1__Error *storage, Bpfd__V1__Response *response)
{
	bpfd__v1__error__init(storage);
	storage->code = (Bpfd__V1__ErrorCode)error->code;
	storage->message = text_const(error->message);
	if (log) {
		storage->verifier_log.data = (uint8_t *)(uintptr_t)log;
		storage->verifier_log.len = log_size;
	}
	response->result_case = BPFD__V1__RESPONSE__RESULT_ERROR;
	response->error = storage;
}
