/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/attach_point.h"
#include "common/channel.h"

#include <linux/perf_event.h>
#include <string.h>

/* linux/perf_event.h has it from Linux 5.13. */
#define SOFTWARE_CGROUP_SWITCHES 11

static const struct sampled_event events[] = {
	{ "cpu-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK },
	{ "task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK },
	{ "page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS },
	{ "context-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES },
	{ "cpu-migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS },
	{ "minor-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN },
	{ "major-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ },
	{ "alignment-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_ALIGNMENT_FAULTS },
	{ "emulation-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_EMULATION_FAULTS },
	{ "cgroup-switches", PERF_TYPE_SOFTWARE, SOFTWARE_CGROUP_SWITCHES },
	{ "cpu-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES },
	{ "instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS },
	{ "cache-references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES },
	{ "cache-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES },
	{ "branch-instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS },
	{ "branch-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES },
	{ "bus-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BUS_CYCLES },
	{ "stalled-cycles-frontend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_FRONTEND },
	{ "stalled-cycles-backend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_BACKEND },
	{ "ref-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES },
};

#define EVENT_COUNT (sizeof(events) / sizeof(events[0]))

const struct sampled_event *sampled_event_by_name(const char *name)
{
	for (size_t i = 0; i < EVENT_COUNT; i++) {
		if (strcmp(events[i].name, name) == 0)
			return &events[i];
	}
	return NULL;
}

const struct sampled_event *sampled_event_by_number(uint32_t type, uint64_t config)
{
	for (size_t i = 0; i < EVENT_COUNT; i++) {
		if (events[i].type == type && events[i].config == config)
			return &events[i];
	}
	return NULL;
}

bool kernel_function_ok(const char *text, size_t size)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.$:";

	return channel_text_ok(text, size) && text[0] && text[strspn(text, allowed)] == '\0';
}

bool target_path_ok(const char *text, size_t size)
{
	if (!channel_text_ok(text, size) || text[0] != '/')
		return false;
	for (const char *byte = text; *byte; byte++) {
		if ((unsigned char)*byte < ' ' || *byte == '\x7f')
			return false;
	}
	return text[strlen(text) - 1] != '/';
}
