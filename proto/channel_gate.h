/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Broker (upper end) and one gate child (lower end): the job down, the loaded programs and maps up
 * as descriptors.
 */
#ifndef BPFD_PROTO_CHANNEL_GATE_H
#define BPFD_PROTO_CHANNEL_GATE_H

#include "common/channel.h"
#include "common/error.h"
#include "proto/records.h"

/* The gate is warm with its loader, or asks (it waits for an answer); the broker sees it warming,
 * then working. */
enum gate_state {
	GATE_STATE_WARMING = 1,
	GATE_STATE_WARM = 2,
	GATE_STATE_WORKING = 4,
	GATE_STATE_ASKING = 8
};

struct gate_job_program {
	char function[FUNCTION_NAME_SIZE];
	char target[FUNCTION_NAME_SIZE]; /* kernel function or hook; empty: the section's */
	uint32_t type;                   /* enum program_type; NONE: what its section says */
	uint32_t form;                   /* enum program_form, for types that have a dispatcher */
};

/* The same goes to the loader, with the object. */
struct gate_job {
	uint32_t program_count;
	uint32_t map_sharing; /* 1: maps by their names may be another program's */
	uint64_t map_memory_max;
	struct gate_job_program programs[LOAD_PROGRAMS_MAX];
};

struct gate_program {
	uint32_t index; /* into the job's programs */
	uint32_t type;  /* enum program_type */
	char target[FUNCTION_NAME_SIZE];
	struct record_xdp_defaults xdp;
};

struct gate_map {
	char name[MAP_NAME_SIZE];
	uint32_t by_name; /* 1: declared with LIBBPF_PIN_BY_NAME */
	uint32_t reserved;
};

/* Is there a map of this name that the load shall share? */
struct gate_map_find {
	char name[MAP_NAME_SIZE];
	uint32_t by_name; /* 1: also one that is shared by name */
	uint32_t reserved;
};

struct gate_finished {
	uint32_t program_count;
	uint32_t map_count;
	uint8_t digest[DIGEST_SIZE];
};

struct gate_failed {
	struct error error;
	uint32_t log_size;
};

/* X(NAME, type, sender, structure, descriptors, receiver's states) */
#define CHANNEL_GATE(X)                                                                     \
	X(JOB, 1, UPPER, struct gate_job, 0, GATE_STATE_WARM)                               \
	X(WARM, 2, LOWER, struct channel_nothing, 0, GATE_STATE_WARMING)                    \
	X(PROGRAM, 3, LOWER, struct gate_program, 1, GATE_STATE_WORKING)                    \
	X(MAP, 4, LOWER, struct gate_map, 1, GATE_STATE_WORKING)                            \
	X(FINISHED, 5, LOWER, struct gate_finished, 0, GATE_STATE_WORKING)                  \
	X(FAILED, 6, LOWER, struct gate_failed, 0, GATE_STATE_WARMING | GATE_STATE_WORKING) \
	X(FAILED_WITH_LOG, 7, LOWER, struct gate_failed, 1, GATE_STATE_WORKING)             \
	X(MAP_FIND, 8, LOWER, struct gate_map_find, 0, GATE_STATE_WORKING)                  \
	X(MAP_FOUND, 9, UPPER, struct channel_nothing, 1, GATE_STATE_ASKING)                \
	X(MAP_NONE, 10, UPPER, struct channel_nothing, 0, GATE_STATE_ASKING)

enum gate_message {
#define X(name, type, ...) CHANNEL_ENUM_ROW(GATE_, name, type)
	CHANNEL_GATE(X)
#undef X
};

extern const struct channel_list channel_gate;

#endif
