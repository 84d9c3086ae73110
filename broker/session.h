/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A session is one loader with its gate: started ahead of time and kept warm, it serves one load
 * and is thrown away. The gate is a forked child of the broker; the loader is started by the
 * launcher on the broker's word.
 */
#ifndef BPFD_BROKER_SESSION_H
#define BPFD_BROKER_SESSION_H

#include "broker/gate.h"
#include "common/channel.h"
#include "common/error.h"
#include "proto/channel_gate.h"
#include "proto/channel_launcher.h"

#include <stdbool.h>
#include <sys/types.h>

struct session;

/* What every gate is forked with. */
struct session_settings {
	const struct launcher_settings *launcher;
	struct extension_target extension_targets[EXTENSION_TARGETS];
	const char *kernel_release; /* as uname(2) has it; NULL: not known */
	uint32_t possible_cpus; /* sysconf(_SC_NPROCESSORS_CONF), asked before the sandbox closes; 0
	                           is refused */
};

enum session_event {
	SESSION_PENDING,
	SESSION_WARM,
	SESSION_ASKS, /* session_question(): to be answered by session_answer() */
	SESSION_FINISHED,
	SESSION_FAILED
};

struct session_program {
	int fd;
	uint32_t index; /* into the job's programs */
	uint32_t type;  /* enum program_type */
	char target[FUNCTION_NAME_SIZE];
	struct record_xdp_defaults xdp;
};

struct session_map {
	int fd;
	uint32_t by_name; /* 1: its object declares it to be shared by name */
	char name[MAP_NAME_SIZE];
};

/* What a load left: the descriptors belong to whoever holds the result. */
struct session_result {
	size_t program_count;
	struct session_program programs[LOAD_PROGRAMS_MAX];
	size_t map_count;
	struct session_map maps[LOAD_MAPS_MAX];
	uint8_t digest[DIGEST_SIZE];
	struct error error; /* after SESSION_FAILED */
	int log_fd;         /* the verifier's log, a sealed memfd, or -1 */
	uint32_t log_size;
};

/*
 * Forks a gate and asks the launcher for its loader (WORKER_START with message id `id`). 0 and
 * `out`, or -errno. The gate child never returns from here: it runs its loop, confined by
 * sandbox_policy_gate, and ends with _exit.
 */
int session_start(const struct session_settings *settings, const struct channel *launcher,
                  uint64_t id, struct session **out);

/* The descriptor to poll for input. */
int session_fd(const struct session *session);
uint64_t session_id(const struct session *session);
pid_t session_gate_pid(const struct session *session);
bool session_is_warm(const struct session *session);

/* Gives a warm session its job, and the loader the globals to set (there may be none); `object_fd`
 * stays the caller's. 0 or -errno. */
int session_submit(struct session *session, const struct gate_job *job,
                   const struct record_globals *globals, int object_fd);

/*
 * Takes one message when session_fd() is readable. After SESSION_FINISHED or SESSION_FAILED (also
 * when the gate or the loader died: the error says so) the result, owned by the session until
 * taken, is in session_result().
 */
enum session_event session_receive(struct session *session);

/* Which map the gate wants to know of, after SESSION_ASKS. */
const struct gate_map_find *session_question(const struct session *session);
/* The map's descriptor, which stays the caller's, or a negative number: there is none. 0 or
 * -errno. */
int session_answer(const struct session *session, int fd);

struct session_result *session_result(struct session *session);

/* Kills the gate (SIGKILL; the broker's loop reaps it), closes everything that is still in the
 * result. */
void session_free(struct session *session);

#endif
