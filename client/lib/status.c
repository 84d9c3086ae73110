/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/client.h"
#include "client/lib/error.h"
#include "common/cleanup.h"

#include <errno.h>

static const struct bpfd_feature *
features_describe(struct arena *arena, Bpfd__V1__Feature *const *messages, size_t count)
{
	struct bpfd_feature *features = arena_alloc(arena, count, sizeof(*features));

	for (size_t i = 0; features && i < count; i++) {
		features[i].name = messages[i]->name;
		features[i].detail = messages[i]->detail;
		features[i].present = messages[i]->present;
	}
	return features;
}

static const struct bpfd_process *
processes_describe(struct arena *arena, Bpfd__V1__Process *const *messages, size_t count)
{
	struct bpfd_process *processes = arena_alloc(arena, count, sizeof(*processes));

	for (size_t i = 0; processes && i < count; i++) {
		processes[i] = (struct bpfd_process){
			.role = messages[i]->role,
			.capabilities = (const char *const *)messages[i]->capabilities,
			.capability_count = messages[i]->n_capabilities,
			.pid = messages[i]->pid,
			.uid = messages[i]->uid,
			.landlock_abi = messages[i]->landlock_abi,
			.seccomp = messages[i]->seccomp,
			.no_new_privileges = messages[i]->no_new_privileges,
		};
	}
	return processes;
}

static int status_give(struct arena **arena, const Bpfd__V1__StatusResponse *message,
                       struct bpfd_daemon_status **status, struct bpfd_error **error)
{
	struct bpfd_daemon_status *made = result_new(*arena, sizeof(*made));
	const struct bpfd_feature *features =
		features_describe(*arena, message->features, message->n_features);

	const struct bpfd_process *processes =
		processes_describe(*arena, message->processes, message->n_processes);

	if (!made || !features || !processes)
		return error_memory(error);
	*made = (struct bpfd_daemon_status){
		.version = message->version,
		.kernel_release = message->kernel_release,
		.started_at = message->started_at,
		.programs = message->programs,
		.links = message->links,
		.interfaces = message->interfaces,
		.loads = message->loads,
		.loads_failed = message->loads_failed,
		.attaches = message->attaches,
		.connections = message->connections,
		.features = features,
		.feature_count = message->n_features,
		.maps = message->maps,
		.processes = processes,
		.process_count = message->n_processes,
	};
	(void)steal_ptr(arena);
	*status = made;
	return 0;
}

int bpfd_status(struct bpfd_client *client, struct bpfd_daemon_status **status,
                struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__StatusRequest question = BPFD__V1__STATUS_REQUEST__INIT;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;
	int result;

	if (!arena)
		return -ENOMEM;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_STATUS;
	request.status = &question;
	result = client_call(client, &request, BPFD__V1__RESPONSE__RESULT_STATUS, arena, &response,
	                     error);
	if (result < 0)
		return result;
	return status_give(&arena, response->status, status, error);
}

void bpfd_status_free(struct bpfd_daemon_status *status)
{
	result_free(status);
}

int bpfd_version(struct bpfd_client *client, struct bpfd_daemon_version **version,
                 struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__VersionRequest question = BPFD__V1__VERSION_REQUEST__INIT;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;
	struct bpfd_daemon_version *made;
	int result;

	if (!arena)
		return -ENOMEM;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_VERSION_INFO;
	request.version_info = &question;
	result = client_call(client, &request, BPFD__V1__RESPONSE__RESULT_VERSION_INFO, arena,
	                     &response, error);
	if (result < 0)
		return result;
	made = result_new(arena, sizeof(*made));
	if (!made)
		return error_memory(error);
	made->version = response->version_info->version;
	made->protocol = response->version_info->protocol;
	(void)steal_ptr(&arena);
	*version = made;
	return 0;
}

void bpfd_version_free(struct bpfd_daemon_version *version)
{
	result_free(version);
}
