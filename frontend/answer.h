/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The clients' answers, composed from the view. Everything is taken from the arena, or points into
 * the view: pack an answer before either changes.
 */
#ifndef BPFD_FRONTEND_ANSWER_H
#define BPFD_FRONTEND_ANSWER_H

#include "bpfd.pb-c.h"
#include "frontend/arena.h"
#include "frontend/kernel_view.h"
#include "frontend/view.h"

/* What answers are composed with. */
struct answer_source {
	const struct view *view;
	const struct kernel_view *kernel; /* what others loaded too; NULL: not asked for */
	struct arena *arena;
	const char *bpffs_directory; /* maps/<program id>/ is below it */
	uint64_t connections;        /* open now, for status */
};

/*
 * Each fills `response` (initialised by the caller) with its result. 0; -ENOMEM when the arena's
 * budget does not do; where an id is given, -ENOENT when there is no such thing.
 */
int answer_list_programs(const struct answer_source *source,
                         const Bpfd__V1__ListProgramsRequest *request,
                         Bpfd__V1__Response *response);
int answer_list_links(const struct answer_source *source, const Bpfd__V1__ListLinksRequest *request,
                      Bpfd__V1__Response *response);
int answer_list_maps(const struct answer_source *source, const Bpfd__V1__ListMapsRequest *request,
                     Bpfd__V1__Response *response);
/* Any program of the kernel's, by its kernel id. */
int answer_get_kernel_program(const struct answer_source *source, uint32_t kernel_id,
                              Bpfd__V1__Response *response);
int answer_get_program(const struct answer_source *source, uint64_t id,
                       Bpfd__V1__Response *response);
int answer_get_link(const struct answer_source *source, uint64_t id, Bpfd__V1__Response *response);
int answer_status(const struct answer_source *source, Bpfd__V1__Response *response);
int answer_version(const struct answer_source *source, Bpfd__V1__Response *response);

/*
 * What the broker has done: the programs loaded, the link made, or the id of what was removed. What
 * an answer that is repeated names and that is gone since has its id alone.
 */
int answer_load(const struct answer_source *source, const uint64_t *ids, size_t count,
                Bpfd__V1__Response *response);
int answer_attach(const struct answer_source *source, uint64_t id, Bpfd__V1__Response *response);
int answer_update(const struct answer_source *source, uint64_t id, Bpfd__V1__Response *response);
int answer_detach(const struct answer_source *source, uint64_t id, Bpfd__V1__Response *response);
int answer_unload(const struct answer_source *source, uint64_t id, Bpfd__V1__Response *response);

/* What was done with an entry of a program's map; `set` or deleted. */
int answer_map_change(const struct answer_source *source, bool set, uint64_t program_id,
                      Bpfd__V1__Response *response);

/* An error; `log` (may be NULL) is the verifier's. `storage` and what is pointed to must outlive
 * `response`. */
void answer_error(const struct error *error, const void *log, size_t log_size,
                  Bpfd__V1__Error *storage, Bpfd__V1__Response *response);

#endif
