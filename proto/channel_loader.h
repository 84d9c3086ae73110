/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Gate (upper end) and its loader (lower end). The loader, which reads a stranger's object and is
 * not trusted, asks for one bpf() call at a time; the gate checks it, makes it and answers. What
 * the gate made is named by handles: small numbers that mean something to this gate alone. No BPF
 * descriptor ever travels here.
 *
 * Short payloads travel inside the message, longer ones (the _LONG messages) in a memfd sealed
 * against writing, growing and shrinking that has exactly the size which the message's fields give.
 */
#ifndef BPFD_PROTO_CHANNEL_LOADER_H
#define BPFD_PROTO_CHANNEL_LOADER_H

#include "common/channel.h"
#include "common/error.h"
#include "proto/channel_gate.h"

/* The gate probes or loads; the loader is warm (it waits for its job) or asks (it waits for an
 * answer). */
enum loader_state {
	LOADER_STATE_PROBING = 1,
	LOADER_STATE_LOADING = 2,
	LOADER_STATE_WARM = 4,
	LOADER_STATE_ASKING = 8
};
#define LOADER_STATE_CALLS (LOADER_STATE_PROBING | LOADER_STATE_LOADING)

#define LOADER_HANDLE_NONE 0 /* handles count from 1 */
#define LOADER_HANDLES_MAX 256
#define LOADER_PAYLOAD_SHORT 4096
#define LOADER_LICENSE_SIZE 128 /* the kernel reads no more */
#define LOADER_BPF_NAME_SIZE 16 /* BPF_OBJ_NAME_LEN */
#define LOADER_INFO_SIZE 256

/* What an answer carries: a handle, 0, or -errno. With ANSWER_LOG: a memfd with `log_size` bytes of
 * the kernel's log. */
struct loader_answer {
	int32_t result;
	uint32_t log_size;
};

struct loader_answer_info {
	int32_t result;
	uint32_t size; /* bytes that count in `info` */
	uint8_t info[LOADER_INFO_SIZE];
	char name[64]; /* of a BTF object, if it was asked for */
};

struct loader_map_create {
	uint32_t type; /* enum bpf_map_type */
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t flags;
	uint32_t numa_node;
	uint64_t extra;
	uint32_t inner_map; /* a handle, or LOADER_HANDLE_NONE */
	uint32_t btf;       /* a handle, or LOADER_HANDLE_NONE */
	uint32_t btf_key_type_id;
	uint32_t btf_value_type_id;
	char name[LOADER_BPF_NAME_SIZE];
};

/*
 * Asks for a map that is there already, instead of making one: the map owner's of this name where
 * the job has one, or the one that is shared by name. The answer is a handle, or 0: there is none.
 * The rest says how the object declares it; another one is refused.
 */
struct loader_map_share {
	char name[MAP_NAME_SIZE];
	uint32_t by_name; /* 1: declared with LIBBPF_PIN_BY_NAME */
	uint32_t type;    /* enum bpf_map_type */
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t flags;
	uint64_t extra;
};

/* Sets an element of an array; its payload is the value. */
struct loader_map_update {
	uint32_t map;
	uint32_t key;
	uint32_t value_size;
	uint32_t reserved;
};

struct loader_map_update_short {
	struct loader_map_update update;
	uint8_t payload[LOADER_PAYLOAD_SHORT];
};

/* Puts a map into a map of maps, or a program into a program array. */
struct loader_map_slot {
	uint32_t map;
	uint32_t key;
	uint32_t value; /* a handle */
	uint32_t reserved;
};

struct loader_map_freeze {
	uint32_t map;
	uint32_t reserved;
};

/* Its payload is the BTF. */
struct loader_btf_load {
	uint32_t size;
	uint32_t log; /* 1: the kernel's log is wanted */
};

struct loader_btf_load_short {
	struct loader_btf_load load;
	uint8_t payload[LOADER_PAYLOAD_SHORT];
};

#define LOADER_PROGRAM_HELPER \
	0xfffffffeu /* a tail call's target, which the job did not ask for by name */
#define LOADER_PROGRAM_PROBE 0xffffffffu /* libbpf finds out what this kernel knows */

/*
 * Its payload: instructions, function records and line records, in that order, without gaps. Maps
 * in the instructions are handles. Where it is attached is not the loader's to say: the gate fills
 * that in.
 */
struct loader_program_load {
	uint32_t index;        /* into the job's programs, or LOADER_PROGRAM_* */
	uint32_t program_type; /* enum program_type; the job's, where it names one */
	uint32_t type;         /* enum bpf_prog_type, as libbpf sees it */
	uint32_t expected_attach_type;
	uint32_t flags;
	uint32_t instruction_count;
	uint32_t btf; /* a handle, or LOADER_HANDLE_NONE */
	uint32_t function_record_size;
	uint32_t function_record_count;
	uint32_t line_record_size;
	uint32_t line_record_count;
	uint32_t kernel_version;
	uint32_t log;           /* 1: the verifier's log is wanted */
	uint32_t attach_btf_id; /* in the kernel's BTF, for types that are loaded for a function */
	char name[LOADER_BPF_NAME_SIZE];
	char license[LOADER_LICENSE_SIZE];
};

struct loader_program_load_short {
	struct loader_program_load load;
	uint8_t payload[LOADER_PAYLOAD_SHORT];
};

struct loader_program_bind {
	uint32_t program;
	uint32_t map;
};

struct loader_object_info {
	uint32_t handle;
	uint32_t size;
	uint32_t name; /* 1: of a BTF object, its name too */
	uint32_t reserved;
};

/* One of the job's programs is loaded. */
struct loader_program {
	uint32_t index;
	uint32_t handle;
	char target[FUNCTION_NAME_SIZE]; /* what it was loaded for, or empty */
	struct record_xdp_defaults xdp;  /* the gate sets `frags` by what it loaded */
};

struct loader_map {
	uint32_t handle;
	uint32_t by_name; /* 1: declared with LIBBPF_PIN_BY_NAME */
	char name[MAP_NAME_SIZE];
};

struct loader_done {
	uint32_t program_count;
	uint32_t map_count;
	uint8_t digest[DIGEST_SIZE];
};

struct loader_failed {
	struct error error;
	uint32_t log_size;
};

/* X(NAME, type, sender, structure, descriptors, receiver's states) */
#define CHANNEL_LOADER(X)                                                                    \
	/* from the broker, at once with the gate's; the object's sealed memfd */            \
	X(JOB, 1, UPPER, struct gate_job, 1, LOADER_STATE_WARM)                              \
	X(ANSWER, 2, UPPER, struct loader_answer, 0, LOADER_STATE_ASKING)                    \
	X(ANSWER_LOG, 3, UPPER, struct loader_answer, 1, LOADER_STATE_ASKING)                \
	X(ANSWER_INFO, 4, UPPER, struct loader_answer_info, 0, LOADER_STATE_ASKING)          \
	X(MAP_CREATE, 5, LOWER, struct loader_map_create, 0, LOADER_STATE_CALLS)             \
	X(MAP_UPDATE, 6, LOWER, struct loader_map_update_short, 0, LOADER_STATE_CALLS)       \
	X(MAP_UPDATE_LONG, 7, LOWER, struct loader_map_update, 1, LOADER_STATE_LOADING)      \
	X(MAP_SLOT, 8, LOWER, struct loader_map_slot, 0, LOADER_STATE_LOADING)               \
	X(MAP_FREEZE, 9, LOWER, struct loader_map_freeze, 0, LOADER_STATE_CALLS)             \
	X(BTF_LOAD, 10, LOWER, struct loader_btf_load_short, 0, LOADER_STATE_CALLS)          \
	X(BTF_LOAD_LONG, 11, LOWER, struct loader_btf_load, 1, LOADER_STATE_LOADING)         \
	X(PROGRAM_LOAD, 12, LOWER, struct loader_program_load_short, 0, LOADER_STATE_CALLS)  \
	X(PROGRAM_LOAD_LONG, 13, LOWER, struct loader_program_load, 1, LOADER_STATE_LOADING) \
	X(PROGRAM_BIND, 14, LOWER, struct loader_program_bind, 0, LOADER_STATE_CALLS)        \
	X(OBJECT_INFO, 15, LOWER, struct loader_object_info, 0, LOADER_STATE_CALLS)          \
	X(WARM, 16, LOWER, struct channel_nothing, 0, LOADER_STATE_PROBING)                  \
	X(PROGRAM, 17, LOWER, struct loader_program, 0, LOADER_STATE_LOADING)                \
	X(MAP, 18, LOWER, struct loader_map, 0, LOADER_STATE_LOADING)                        \
	X(DONE, 19, LOWER, struct loader_done, 0, LOADER_STATE_LOADING)                      \
	X(FAILED, 20, LOWER, struct loader_failed, 0, LOADER_STATE_CALLS)                    \
	X(FAILED_WITH_LOG, 21, LOWER, struct loader_failed, 1, LOADER_STATE_LOADING)         \
	/* everything made so far is dropped and handles begin anew; once per job */         \
	X(RESTART, 22, LOWER, struct channel_nothing, 0, LOADER_STATE_LOADING)               \
	/* from the broker, before a JOB that sets any */                                    \
	X(GLOBALS, 23, UPPER, struct record_globals, 0, LOADER_STATE_WARM)                   \
	X(MAP_SHARE, 24, LOWER, struct loader_map_share, 0, LOADER_STATE_LOADING)

enum loader_message {
#define X(name, type, ...) CHANNEL_ENUM_ROW(LOADER_, name, type)
	CHANNEL_LOADER(X)
#undef X
		LOADER_MESSAGE_END
};

extern const struct channel_list channel_loader;

#endif
