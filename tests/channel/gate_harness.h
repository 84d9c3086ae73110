/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A session with a real gate and a real loader; the test plays the launcher. */
#ifndef BPFD_TESTS_GATE_HARNESS_H
#define BPFD_TESTS_GATE_HARNESS_H

#include "broker/session.h"

struct harness {
	struct channel launcher; /* the launcher's end */
	struct session *session;
	pid_t loader;  /* 0: the test itself speaks as the loader */
	int loader_fd; /* then its end, else -1 */
};

/* An object in memory. */
struct harness_object {
	unsigned char *bytes;
	size_t size;
};

struct harness_object harness_object_read(const char *name); /* tests/<name>.bpf.o of the build */
void harness_object_free(struct harness_object *object);
int harness_memfd(const void *bytes, size_t size);

/* A gate with a loader process; without one, `loader_fd` is the loader's end of its channel. */
void harness_open(struct harness *harness, int extension_target_fd,
                  uint32_t extension_target_btf_id);
void harness_open_raw(struct harness *harness);
void harness_close(struct harness *harness);

/* Waits for an event other than PENDING. */
enum session_event harness_wait(struct harness *harness);

/* A whole load in a session of its own: waits until it is warm, submits, waits for the end. No map
 * is there to be shared. */
enum session_event harness_load(struct harness *harness, const struct gate_job *job,
                                const void *bytes, size_t size);

/* A job for one program in its own form. */
void harness_job(struct gate_job *job, const char *function, uint32_t type);
void harness_job_program(struct gate_job *job, const char *function, uint32_t type, uint32_t form);
/* What the job made last by harness_job() sets. */
extern struct record_globals harness_globals;
void harness_global(const char *name, const void *value, uint32_t size);

/* The result of a test run of an XDP program on 64 bytes. */
uint32_t harness_test_run(int program_fd);

#endif
