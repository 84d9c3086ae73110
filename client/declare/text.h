/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Texts of a declaration: kept until it is freed, sorted, and made into marks. */
#ifndef BPFD_DECLARE_TEXT_H
#define BPFD_DECLARE_TEXT_H

#include "declare/declaration.h"

/* A copy that lives as long as the list; NULL: no memory. */
char *text_keep(struct declaration_text **texts, const char *text);
void texts_free(struct declaration_text *texts);

/* Adds "name=value\n" in its place among sorted lines. 0 or -ENOMEM. */
int lines_add(char **lines, const char *name, const char *value);
/* Is there a line of this name? `lines` may be NULL. */
_Bool lines_have(const char *lines, const char *name);
/* Copies the lines but those that say a link's place in the order: to be freed; NULL: no memory. */
char *lines_without_order(const char *lines);

/* 32 hexadecimal digits for bytes and lines; both may be NULL. */
void mark_make(const void *bytes, size_t size, const char *lines, char mark[DECLARATION_MARK_SIZE]);

#endif
