/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the loader's parts share. The loader serves one job in its life, so there is one of
 * everything. */
#ifndef BPFD_WORKERS_LOADER_LOADER_H
#define BPFD_WORKERS_LOADER_LOADER_H

#include "common/error.h"
#include "proto/channel_loader.h"

#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct object_map {
	bool by_name;    /* declared with LIBBPF_PIN_BY_NAME */
	uint32_t shared; /* the gate's handle of a map that is there already, or NONE */
	bool made;       /* libbpf has it */
};

/* The stranger's object and what libbpf and the gate made of it. */
struct object {
	const struct gate_job *job;
	const struct record_globals *globals; /* to set */
	void *bytes;                          /* a private copy */
	size_t size;
	struct bpf_object *bpf;
	struct bpf_program *programs[LOAD_PROGRAMS_MAX]; /* by index into the job, as all here */
	uint32_t types[LOAD_PROGRAMS_MAX];               /* enum program_type */
	char targets[LOAD_PROGRAMS_MAX][FUNCTION_NAME_SIZE]; /* what it is loaded for, or empty */
	struct record_xdp_defaults xdp[LOAD_PROGRAMS_MAX];
	struct object_map maps[LOAD_MAPS_MAX]; /* in the object's order */
	char *log; /* VERIFIER_LOG_MAX bytes, of which only what the kernel wrote exists in memory
	            */
	bool digest_made;
	uint8_t digest[DIGEST_SIZE];
};

/* main.c without its process: probes, says WARM, serves one job. The exit status. */
int loader_run(int gate_fd);

/* warmup.c: makes libbpf probe the kernel once, before anybody waits for it. 0 or -errno. */
int warmup_run(struct error *error);

/* job.c: takes the memory that a job needs, before anybody waits for it. 0 or -errno. */
int job_prepare(struct error *error);

/* job.c: does the job. What it loaded, or why not, goes to the gate. */
void job_run(const struct gate_job *job, const struct record_globals *globals, int object_fd);

/* object_check.c: says in plain words what libbpf would say in its own, or not at all. */
int object_check(const void *bytes, size_t size, struct error *error);

/* object_programs.c: finds the job's functions, gives them their types; nothing else is loaded but
 * targets of their tail calls. */
int object_select_programs(struct object *object, struct error *error);

/* object_elf.c */
/* Is there a function symbol of this name in a relocation of the maps' section: a tail call's
 * target? */
bool object_is_tail_target(const struct object *object, const char *function);
bool object_symbol_is_weak(const struct object *object, const char *name);
/* The object's BTF as its file has it, or NULL. The caller frees it. */
struct btf *object_btf_original(const struct object *object);

/* object_externs.c: refuses externs that cannot be resolved without privilege; text for weak ones
 * (or NULL), to be freed. */
int object_check_externs(const struct object *object, char **kconfig, struct error *error);

/* object_globals.c: writes the job's values into the object's data sections. */
int object_set_globals(struct object *object, struct error *error);

/* object_maps.c */
int object_prepare_maps(struct object *object, struct error *error);
/* Finds the maps that are there already and are to be shared, after forward_begin(). */
int object_share_maps(struct object *object, struct error *error);
/*
 * The map that libbpf makes now. The kernel's name for it is cut: it is the first one like it that
 * was not made. NULL for one that is not the object's own, as the pattern of inner maps.
 */
struct object_map *object_map_made_now(struct object *object, const union bpf_attr *attr);
/* The name by which users know the map: as in the object; a data section's is the section's. */
const char *object_map_name(const struct object *object, const struct bpf_map *map);

/* xdp_defaults.c: what the object says about the program's place in a chain. */
int xdp_defaults_read(struct bpf_object *object, const char *function,
                      struct record_xdp_defaults *defaults, struct error *error);

/* messages.c: the warnings of libbpf and libxdp since messages_clear(), as one line. */
void messages_open(void);
void messages_clear(void);
const char *messages_text(void);

/* handles.c: local memfds that stand for what the gate made. */
struct handle {
	uint32_t handle;   /* the gate's; LOADER_HANDLE_NONE: nothing */
	uint32_t map_type; /* of a map, as the size of its values */
	uint32_t value_size;
	bool shared; /* another program's map */
};
void handles_prepare(void);
/* A descriptor for the gate's handle, or -errno. */
int handle_open(uint32_t handle, uint32_t map_type, uint32_t value_size);
/* The same for a map that the load shares. */
int handle_open_shared(uint32_t handle, uint32_t map_type, uint32_t value_size);
/* What a descriptor stands for; LOADER_HANDLE_NONE if for nothing. */
struct handle handle_of(int fd);

/* forward.c: libbpf's bpf() goes to the gate. */
struct forward_refusal {
	const struct bpf_program *program; /* the last one that the kernel refused, or NULL */
	int result;                        /* why: -errno */
};
void forward_open(const struct channel *channel);
/*
 * From here on there is an object: its programs are named to the gate by their place in the job,
 * whose handles begin at 1. With `ask_ahead` most answers are not waited for.
 */
void forward_begin(struct object *object, bool ask_ahead);
/* A handle for a map that is there and is to be shared, 0: there is none, or -errno. */
int forward_map_share(const struct loader_map_share *share);
/*
 * After the results were told: waits until the gate, which then ends, has taken them. False when a
 * call that was asked ahead was refused, so that nothing of the load counts.
 */
bool forward_settle(void);
/* Says what needs no answer; it goes out with what follows, at the latest at forward_flush(). */
void forward_tell(uint16_t type, const void *body);
void forward_flush(void);
/* Says why there is no result; `fd` -1: without a log. */
void forward_fail(uint16_t type, const void *body, int fd);
/* Makes the gate drop everything: once. */
void forward_restart(void);
struct forward_refusal forward_last_refusal(void);

#endif
