/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What an administrator declares in programs.d: one object in each file, its programs, and where
 * they run. The keys are the options of "bpfctl load file" and "bpfctl attach", understood by the
 * same code.
 */
#ifndef BPFD_DECLARE_DECLARATION_H
#define BPFD_DECLARE_DECLARATION_H

#include "bpfctl/arguments.h"

#define DECLARATION_FILE_MAX 64 /* bytes of a file's name */
#define DECLARATION_MARK_SIZE 33
#define DECLARATION_KEY "bpfd.declared" /* the metadata that marks what was declared */

struct declaration_text;

struct declared_link {
	struct arguments arguments; /* type, target, metadata */
	const char *function;
	unsigned int line;
	char *lines;                       /* what says where, sorted; without what the order is */
	char place[DECLARATION_MARK_SIZE]; /* the same as a mark */
};

struct declaration {
	char file[DECLARATION_FILE_MAX + 1];
	unsigned int line; /* of [load] */
	char *object_path;
	unsigned char *object;
	size_t object_size;
	struct arguments load; /* programs, globals, metadata, application, exclusive, persist */
	char *lines;           /* of [load], sorted, without the object's path */
	char mark[DECLARATION_MARK_SIZE];   /* of the object and of [load] */
	char digest[DECLARATION_MARK_SIZE]; /* of the object */
	struct declared_link **links;
	size_t link_count;
	/* whose maps its programs use, where it says so: */
	const char *owner_file;     /* NULL: nobody's */
	const char *owner_function; /* one of that file's programs */
	unsigned int owner_line;
	struct declaration *owner;      /* that file's declaration, once all of it was read */
	struct declaration_text *texts; /* what the arguments point into */
	/* while it is carried out: */
	struct bpfd_programs *loaded; /* NULL: not now */
	_Bool load_failed;            /* then nothing else is done */
	_Bool failed;                 /* then what ran before stays loaded */
};

struct declaration_error {
	char message[sizeof(((struct arguments *)0)->complaint) + 512];
};

/*
 * Reads one file: 0 and `out`, or -errno with `error` ("path:line: what is wrong"). It must be
 * root's own and writable by nobody else, or it chooses what root's programs are.
 */
int declaration_read(const char *directory, const char *file, struct declaration **out,
                     struct declaration_error *error);
/* The same without the checks of the file and without its object: what a text means. */
int declaration_parse(FILE *stream, const char *path, const char *file, struct declaration **out,
                      struct declaration_error *error);
/*
 * Finds the declaration whose maps this one's programs use, among those of the files before it, and
 * makes it a part of the mark: another owner's maps are other maps. 0, or -errno with `error`.
 */
struct declarations;
int declaration_owner_find(struct declaration *declaration, const struct declarations *earlier,
                           struct declaration_error *error);
/* Computes the marks from what was read. */
void declaration_mark(struct declaration *declaration);
void declaration_free(struct declaration *declaration);

/* Refuses whoever may not write root's declarations: not a regular file, not root's, writable by
 * others. 0 or -errno with `error`. */
int declaration_owner_check(int fd, const char *path, struct declaration_error *error);

struct declarations {
	struct declaration **items;
	size_t count;
	char (*bad)[DECLARATION_FILE_MAX + 1]; /* files that could not be read: what they declared
	                                          stays */
	size_t bad_count;
};

/*
 * Reads every "*.conf" of the directory, in the order of their names. A file that is wrong is told
 * to `tell` and left out, as is one that declares what another one did. 0, or -errno with `error`
 * when the directory cannot be read or is not root's own.
 */
int declarations_read(const char *directory,
                      void (*tell)(void *state, const struct declaration_error *error), void *state,
                      struct declarations *out, struct declaration_error *error);
void declarations_free(struct declarations *declarations);

/* Says in `error` what the later one declares that the earlier one did; false if nothing. */
_Bool declarations_collide(const struct declaration *earlier, const struct declaration *later,
                           struct declaration_error *error);

#endif
