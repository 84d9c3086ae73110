/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef BPFD_CLIENT_ELF_SYMBOLS_H
#define BPFD_CLIENT_ELF_SYMBOLS_H

#include "bpfd/bpfd.h"

/*
 * Where in the ELF file `fd` the function begins, in bytes from its start, by .symtab and .dynsym.
 * "NAME" is found as "NAME@@VERSION" too, and before "NAME@VERSION". `path` is for errors. 0;
 * -ENOEXEC for what is no program and no library, -ENOENT without such a function, -ENOTUNIQ if
 * there are several, -EOPNOTSUPP for one that is chosen at run time, -EFBIG, -ENOMEM, or what
 * pread(2) says, with `error`.
 */
int elf_function_find(int fd, const char *path, const char *function, uint64_t *offset,
                      struct bpfd_error **error);

#endif
