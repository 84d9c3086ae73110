/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A stage for the broker: real bpfd-broker, bpfd-opener and bpfd-loader processes in their
 * identities and sandboxes, a bpffs, a store and a network namespace of the test's own; the test
 * plays the launcher and the frontend.
 */
#ifndef BPFD_TESTS_BROKER_STAGE_H
#define BPFD_TESTS_BROKER_STAGE_H

#include "broker/store.h"
#include "proto/channel_frontend.h"
#include "proto/channel_launcher.h"
#include "proto/channel_verifier.h"

#include <stdbool.h>
#include <sys/types.h>

#define STAGE_MOST 64

struct stage_answer {
	uint64_t id;
	uint16_t type; /* FRONTEND_DONE, FRONTEND_VERDICT, FRONTEND_RULES, FRONTEND_REFUSED or
	                  FRONTEND_REFUSED_WITH_LOG */
	struct frontend_done done;
	struct frontend_verdict verdict;
	struct frontend_rules rules;
	struct frontend_refused refused;
	char log[4096]; /* the beginning of the verifier's log */
};

struct stage_loader {
	uint64_t id;
	pid_t pid;
};

/* A verifier, which the test plays, too: it says WARM by itself unless the stage's are to be cold.
 */
struct stage_verifier {
	uint64_t id;
	struct channel channel; /* the lower end; fd -1 once it is closed */
	bool killed;
	bool asked;
	struct verifier_question question;
	int object_fd;
	int evidence_fd;
};

/* What a broker that runs inside the test's own child shares with the test. */
struct stage_crash {
	int steps_left; /* bpf() calls, ioctls, writes to the store and its copy, directories made
	                   and removals of pins until it dies; negative: it lives */
	int steps;      /* how many there were */
	bool no_perf_links; /* its kernel answers as one before Linux 5.15 */
};

struct stage {
	struct launcher_settings settings;
	char root[32];
	struct channel launcher, frontend, opener_launcher;
	int latency_fd; /* what the broker takes for /dev/cpu_dma_latency, or -1; the test's */
	pid_t broker, opener;
	bool ready, complete;
	uint64_t next_id;
	struct stage_crash *crash;

	struct stage_loader loaders[STAGE_MOST];
	size_t loader_count;
	bool loaders_refused; /* no loader is started: its channel is closed at once */
	unsigned int loader_starts;
	uint64_t loader_killed; /* id of the last WORKER_KILL */

	struct stage_verifier verifiers[STAGE_MOST];
	size_t verifier_count;
	bool verifiers_cold;         /* they never say WARM */
	struct launcher_rules rules; /* what reading them again leads to */
	uint64_t rules_id_wrong;     /* added to the answer's id */

	/* the frontend's view */
	struct record_program programs[STAGE_MOST];
	size_t program_count;
	struct record_link links[STAGE_MOST];
	size_t link_count;
	struct record_chain chains[STAGE_MOST];
	size_t chain_count;
	size_t globals_count;
	struct record_status status;
	struct stage_answer answers[STAGE_MOST];
	size_t answer_count;
};

extern struct stage *stage; /* the one of the running test */

/* Once per process: private mount and network namespaces. False where they cannot be had. */
bool stage_namespaces(void);

/* cmocka's: directories, bpffs, 4 MiB for the live store and for its copy, veth pair v0 and v1. */
int stage_setup(void **state);
int stage_teardown(void **state);
/* A file in the live store's directory, or that directory for "". */
void stage_live_path(char path[256], const char *name);

/* Starts the opener and the broker and waits until it is ready. */
void stage_start(void);
/* The same with the broker's code in a forked child that dies before a chosen step. */
void stage_start_crashing(void);
/* The same, dying before that step of the start; false when the start needs fewer, and the broker
 * is ready. */
bool stage_start_dying(int steps);
void stage_spawn(void); /* without waiting */

/* Handles one message of the broker: 0, -ETIMEDOUT, or -EPIPE when the broker ended. */
int stage_pump(int timeout_ms);
/* Pumps for so long. */
void stage_pump_for(int duration_ms);
/* Ends the broker by STOP; returns its wait status. */
int stage_stop(void);
/* Waits for the broker's end; returns its wait status, -1 if it does not end. */
int stage_wait_end(void);
void stage_kill(void);

/* Sends a request and gives back its message id. */
uint64_t stage_send(uint16_t type, const void *body, const int *descriptors);
/* The answer to a message, waited for; NULL when the broker ended first. */
const struct stage_answer *stage_answer(uint64_t id);

/* The verifier that has a question, waited for. */
struct stage_verifier *stage_verifier_asked(void);
/* The one that waits for a question, waited for. */
struct stage_verifier *stage_verifier_warm(void);
void stage_verifier_answer(struct stage_verifier *verifier, const struct verifier_answer *answer);
void stage_verifier_close(struct stage_verifier *verifier);

/* A sealed memfd of tests/<name>.bpf.o or bpf/<name>.bpf.o of the build. */
int stage_object(const char *name);
void stage_load_fill(struct frontend_load *request, const char *function, uint32_t type);
uint64_t stage_load_send(const char *object, const struct frontend_load *request);
/* Loads one program, which must succeed; returns its id. */
uint64_t stage_load(const char *object, const char *function, uint32_t type);
const struct stage_answer *stage_attach_xdp(uint64_t program_id, const char *interface);
const struct stage_answer *stage_attach_tracepoint(uint64_t program_id, const char *group,
                                                   const char *name);
const struct stage_answer *stage_remove(uint16_t type, uint64_t id);

struct record_program *stage_program(uint64_t id);
struct record_link *stage_link(uint64_t id);

/* Fail the test unless the answer is DONE, or a refusal with the code whose sentence has the text.
 */
uint64_t assert_done(const struct stage_answer *answer);
void assert_refused(const struct stage_answer *answer, uint32_t code, const char *text);

/* The kernel id of the program attached to the interface; 0: none. */
uint32_t stage_attached(const char *interface);
/* How many entries a directory below the bpffs directory has, -1 if it is not there. */
int stage_entries(const char *directory);
void stage_command(const char *command);

#endif
