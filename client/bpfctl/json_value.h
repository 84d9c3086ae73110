/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Single values as they stand in JSON: a new reference each, NULL when out of memory. */
#ifndef BPFD_BPFCTL_JSON_VALUE_H
#define BPFD_BPFCTL_JSON_VALUE_H

#include <jansson.h>
#include <stdint.h>

json_t *id_json(uint64_t id); /* 0 is null */
json_t *number_json(uint64_t number);
json_t *count_json(uint64_t count);  /* what was not counted, 0, is null */
json_t *text_json(const char *text); /* one that is not there, or empty, is null */
json_t *time_json(uint64_t seconds); /* ISO 8601 in UTC */
json_t *hex_json(const char *prefix, const uint8_t *bytes, size_t size);

#endif
