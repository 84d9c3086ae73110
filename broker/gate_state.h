/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the gate's parts share: its state, and one function per message of the loader. */
#ifndef BPFD_BROKER_GATE_STATE_H
#define BPFD_BROKER_GATE_STATE_H

#include "broker/gate.h"
#include "proto/channel_loader.h"

/* What stands behind a handle: a descriptor that the gate made in this load, and what it is. */
enum gate_kind { GATE_KIND_NONE, GATE_KIND_MAP, GATE_KIND_PROGRAM, GATE_KIND_BTF };

struct gate_object {
	int fd;
	enum gate_kind kind;
	uint32_t type;  /* of a map or program, as the loader asked for it */
	uint32_t flags; /* as the kernel got them */
	uint32_t index; /* of a program: into the job's, or LOADER_PROGRAM_*; of a shared map: into
	                   `shared_names` */
	uint32_t program_type; /* of a program: enum program_type */
	uint32_t key_size;     /* of a map, as all below */
	uint32_t value_size;
	uint32_t max_entries;
	bool shared; /* another program's: its contents are not this load's, and `index` says its
	                name */
};

struct gate_loaded_program {
	uint32_t handle; /* LOADER_HANDLE_NONE until the loader named it */
	uint32_t type;   /* enum program_type */
	char target[FUNCTION_NAME_SIZE];
	struct record_xdp_defaults xdp;
};

struct gate_loaded_map {
	uint32_t handle;
	uint32_t by_name;
	char name[MAP_NAME_SIZE];
};

struct gate {
	struct gate_options options;
	struct channel broker;
	struct channel loader;
	enum loader_state state;
	bool warm;      /* the loader waits for its job and has to be silent */
	bool finished;  /* the broker has its answer */
	bool restarted; /* the loader began its job anew */
	bool refused;   /* a call of the first attempt: its results are void */
	struct gate_job job;
	uint64_t map_memory; /* bytes of the load's maps so far, estimated */
	struct gate_object objects[LOADER_HANDLES_MAX + 1]; /* by handle; [0] is never used */
	uint32_t object_count;
	struct gate_loaded_program programs[LOAD_PROGRAMS_MAX];
	struct gate_loaded_map maps[LOAD_MAPS_MAX];
	uint32_t map_count;
	uint32_t map_questions; /* how often the broker was asked for a map */
	char shared_names[LOAD_MAPS_MAX][MAP_NAME_SIZE]; /* they go by no others */
	uint32_t shared_count;
	struct error refusal; /* the gate's own reason why the load cannot succeed, if it has one */
	struct channel_outbox results;
};

/* What a call is answered with. */
struct gate_answer {
	int32_t result; /* a handle, 0 or -errno */
	int log_fd;     /* a sealed memfd, or -1 */
	uint32_t log_size;
	bool probe;     /* a refusal is as good an answer as any */
	bool with_info; /* `info` is the answer */
	struct loader_answer_info info;
};

/*
 * One function per message; all return 0 (and fill `answer`), or -EPROTO when the loader did what
 * bpfd's loader never does: the load then ends.
 */
typedef int gate_function(struct gate *gate, const struct channel_message *message,
                          struct gate_answer *answer);

gate_function gate_map_create, gate_map_update, gate_map_update_long, gate_map_slot,
	gate_map_freeze, gate_map_share;
gate_function gate_btf_load, gate_btf_load_long, gate_object_info;
gate_function gate_program_load, gate_program_load_long, gate_program_bind;
gate_function gate_result_warm, gate_result_program, gate_result_map, gate_result_done,
	gate_result_failed, gate_result_failed_with_log, gate_result_restart;

/* Does what the messages of a packet of the loader's ask, one after the other, and answers them. 0
 * or -errno: the load ends. */
int gate_loader_packet(struct gate *gate, struct channel_inbox *inbox);

/* Keeps a descriptor that bpf() returned: its new handle, or -errno with `fd` closed. A negative
 * `fd` is returned as it is. */
int gate_object_add(struct gate *gate, int fd, const struct gate_object *description);

/* The object of a handle if it is of this kind, else NULL. */
struct gate_object *gate_object_find(struct gate *gate, uint32_t handle, enum gate_kind kind);

/* The broker makes a file's name of it: letters, digits, '_' and '.', as the kernel has them in
 * names. */
bool gate_map_name_ok(const char name[MAP_NAME_SIZE]);

/* Closes everything that was made so far: handles begin anew. */
void gate_objects_close(struct gate *gate);

/* Tells the broker that the load failed, as the gate itself sees it. */
void gate_fail(struct gate *gate, enum error_code code, const char *message);

/*
 * A payload of `size` bytes that nobody else can change and the gate may: what came in the message
 * lies there, what came in a memfd is mapped, privately; the memfd is sealed. Lives as long as the
 * message.
 */
struct gate_payload {
	void *bytes;
	size_t mapped_size; /* 0: nothing to unmap */
};
int gate_payload_take(const struct channel_message *message, const uint8_t *inline_bytes,
                      uint64_t size, struct gate_payload *payload);
void gate_payload_cleanup(struct gate_payload *payload);

/* Room for the kernel's log, of VERIFIER_LOG_MAX bytes; its pages exist only once the kernel wrote
 * to them. NULL: no memory. */
char *gate_log_new(void);
/* Puts what the kernel wrote into the answer, and frees the room. */
void gate_log_finish(char *log, struct gate_answer *answer);

#endif
