/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What is to be done so that bpfd has what the files declare: a pure function of the files and of
 * what bpfd lists. What was declared carries a mark in its metadata, "bpfd.declared": of a program
 * "FILE MARK", of a link "FILE PLACE KEYS"; nothing without one is touched.
 */
#ifndef BPFD_DECLARE_PLAN_H
#define BPFD_DECLARE_PLAN_H

#include "declare/declaration.h"

enum plan_action {
	PLAN_LOAD,   /* the declaration's programs */
	PLAN_DETACH, /* a link that is not declared any more, or that is attached anew */
	PLAN_UPDATE, /* a link in place: its order, or the program behind it */
	PLAN_ATTACH,
	PLAN_UNLOAD /* a program that is not declared any more, or so */
};

struct plan_step {
	enum plan_action action;
	struct declaration *declaration;    /* NULL: of a file that declares nothing any more */
	struct declared_link *link;         /* of UPDATE and ATTACH */
	const struct bpfd_link *present;    /* of UPDATE and DETACH */
	const struct bpfd_program *program; /* of UNLOAD; of UPDATE and ATTACH: what runs, or NULL
	                                       for the one that LOAD loads; of LOAD: whose maps
	                                       are used, in the same way */
	const char *file;
};

struct plan {
	struct plan_step *steps;
	size_t count;
};

/* Only what belongs to `uid` was declared. 0 and `plan` (to be freed), or -ENOMEM. */
int plan_make(const struct declarations *declarations, const struct bpfd_programs *programs,
              const struct bpfd_links *links, uint32_t uid, struct plan *plan);
void plan_free(struct plan *plan);

#define PLAN_MARK_SIZE (DECLARATION_FILE_MAX + DECLARATION_MARK_SIZE + 8)

/* The marks that are put into the metadata. */
void program_mark_print(const struct declaration *declaration, char out[PLAN_MARK_SIZE]);
void link_mark_print(const struct declaration *declaration, const struct declared_link *link,
                     char out[PLAN_MARK_SIZE]);

#endif
