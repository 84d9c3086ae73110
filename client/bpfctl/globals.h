/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Values for an object's global variables, by the types that its BTF gives them. */
#ifndef BPFD_BPFCTL_GLOBALS_H
#define BPFD_BPFCTL_GLOBALS_H

#include "bpfctl/arguments.h"

/*
 * Makes bytes of the texts that --global gave: "hex:" and bytes is taken as it is, anything else as
 * plain_parse() has it, by the BTF of the object at `path` (NULL: the object is not here, and only
 * "hex:" can be). The bytes live until the process ends. True, or false with
 * `arguments->complaint`.
 */
_Bool globals_encode(struct arguments *arguments, const char *path);

#endif
