/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/samples_kernel.h"

#define TEXT(text) ((char *)(uintptr_t)(text))

static uint8_t tag[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
static uint32_t map_ids[1] = { 77 };
static uint32_t users[2] = { 301, 302 };
static uint64_t own_users[1] = { 5 };

Bpfd__V1__Program *sample_kernel_program(void)
{
	static Bpfd__V1__Program program;
	static Bpfd__V1__KernelProgram kernel;

	bpfd__v1__program__init(&program);
	bpfd__v1__kernel_program__init(&kernel);
	program.name = TEXT("sd_devices");
	program.state = BPFD__V1__PROGRAM_STATE__PROGRAM_STATE_LOADED;
	program.kernel = &kernel;
	kernel.id = 301;
	kernel.name = TEXT("sd_devices");
	kernel.type = TEXT("cgroup_device");
	kernel.tag.data = tag;
	kernel.tag.len = sizeof(tag);
	kernel.loaded_at = 1795348000;
	kernel.bytes_xlated = 464;
	kernel.bytes_jited = 288;
	kernel.map_ids = map_ids;
	kernel.n_map_ids = 1;
	kernel.run_count = 12;
	kernel.run_time_ns = 3456;
	return &program;
}

Bpfd__V1__Link *sample_kernel_link(void)
{
	static Bpfd__V1__Link link;
	static Bpfd__V1__Target target;

	bpfd__v1__link__init(&link);
	bpfd__v1__target__init(&target);
	link.target = &target;
	link.program_name = TEXT("sd_devices");
	link.state = BPFD__V1__LINK_STATE__LINK_STATE_ATTACHED;
	link.kernel_program_id = 301;
	link.kernel_link_id = 9;
	link.kernel_type = TEXT("cgroup");
	return &link;
}

static void map_fill(Bpfd__V1__Map *map, uint32_t id)
{
	bpfd__v1__map__init(map);
	map->kernel_id = id;
	map->type = TEXT("array");
	map->key_size = 4;
	map->value_size = 8;
	map->max_entries = 256;
	map->flags = 1024;
}

void sample_list_maps(Bpfd__V1__Response *response)
{
	static Bpfd__V1__ListMapsResponse list;
	static Bpfd__V1__Map maps[2], *pointers[2] = { &maps[0], &maps[1] };

	bpfd__v1__list_maps_response__init(&list);
	map_fill(&maps[0], 41);
	maps[0].name = TEXT("packets");
	maps[0].pin = TEXT("/sys/fs/bpf/bpfd/maps/5/packets");
	maps[0].program_ids = own_users;
	maps[0].n_program_ids = 1;
	map_fill(&maps[1], 77);
	maps[1].name = TEXT("some\x1b[2Jbody");
	maps[1].kernel_program_ids = users;
	maps[1].n_kernel_program_ids = 2;
	list.maps = pointers;
	list.n_maps = 2;
	response->result_case = BPFD__V1__RESPONSE__RESULT_LIST_MAPS;
	response->list_maps = &list;
}

void sample_processes(Bpfd__V1__StatusResponse *status)
{
	static Bpfd__V1__Process processes[2], *pointers[2] = { &processes[0], &processes[1] };
	static char net_admin[] = "CAP_NET_ADMIN", bpf[] = "CAP_BPF";
	static char *capabilities[2] = { net_admin, bpf };

	bpfd__v1__process__init(&processes[0]);
	processes[0].role = TEXT("broker");
	processes[0].pid = 812;
	processes[0].uid = 995;
	processes[0].seccomp = processes[0].no_new_privileges = 1;
	processes[0].landlock_abi = 3;
	processes[0].capabilities = capabilities;
	processes[0].n_capabilities = 2;
	bpfd__v1__process__init(&processes[1]);
	processes[1].role = TEXT("frontend");
	processes[1].pid = 813;
	status->maps = 3;
	status->processes = pointers;
	status->n_processes = 2;
}
