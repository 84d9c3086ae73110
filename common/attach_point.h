/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the names of kernel functions, files and sampled events may look like: checked by the broker
 * for the user, by the opener for itself. */
#ifndef BPFD_COMMON_ATTACH_POINT_H
#define BPFD_COMMON_ATTACH_POINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * True if `text`, an array of `size` bytes, is a terminated, zero-filled name of letters, digits,
 * '_', '.', '$' and ':' (a module's function is MODULE:FUNCTION), and not empty.
 */
bool kernel_function_ok(const char *text, size_t size);

/* True if `text`, an array of `size` bytes, is a terminated, zero-filled absolute path of printable
 * characters (or UTF-8) that does not end with '/'. */
bool target_path_ok(const char *text, size_t size);

/* An event that perf_event_open(2) samples on every machine (type, config). */
struct sampled_event {
	const char *name; /* as users and perf(1) write it */
	uint32_t type;    /* enum perf_type_id: PERF_TYPE_SOFTWARE or PERF_TYPE_HARDWARE */
	uint64_t config;
};

#define SAMPLE_FREQUENCY_MAX 100000u /* Hz; kernel.perf_event_max_sample_rate may say less */

/* The event of that name or of these numbers, or NULL. */
const struct sampled_event *sampled_event_by_name(const char *name);
const struct sampled_event *sampled_event_by_number(uint32_t type, uint64_t config);

#endif
