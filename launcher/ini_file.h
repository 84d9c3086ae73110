/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Files that are root's own: who can write them can choose whom bpfd trusts, so nobody else may.
 * And those of them that are read by inih, with what it does not do by itself: lines that are too
 * long are errors, sections are told in full, every error names file and line.
 */
#ifndef BPFD_LAUNCHER_INI_FILE_H
#define BPFD_LAUNCHER_INI_FILE_H

#include "common/error.h"

#include <stdbool.h>
#include <stdio.h>

/*
 * Opens a regular file that is root's and writable by nobody else, to be read. 0 and `file`, or
 * -errno with `error`, whose sentence calls the file `what`: "configuration file".
 */
int owned_file_open(const char *path, const char *what, FILE **file, struct error *error);

struct ini_file {
	/* The caller's. Both return false after ini_complain(). */
	bool (*section)(struct ini_file *ini, const char *name);
	bool (*key)(struct ini_file *ini, const char *section, const char *name, const char *value);
	void *user;
	bool continues; /* a line that starts with a blank goes on with the value before it: key()
	                   is called again, with the same name, and `continued` is set */

	/* The reader's. */
	bool continued;
	unsigned int line;
	const char *path;
	FILE *file;
	struct error *error;
	int result;
};

/* Reads the whole of an opened file. 0 or -errno with `error`. */
int ini_file_read(struct ini_file *ini, FILE *file, const char *path, struct error *error);

/* "PATH:LINE: ..." becomes the reading's error, unless it has one. Always false. */
bool ini_complain(struct ini_file *ini, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
