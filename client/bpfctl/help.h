/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef BPFD_BPFCTL_HELP_H
#define BPFD_BPFCTL_HELP_H

#include "bpfctl/arguments.h"

/* What --help prints: about the command if one is named, else about all (that start with the first
 * word). */
void help_print(FILE *out, const struct arguments *arguments);

/* What is said about a command line that is wrong: the complaint, and where to read on. */
void complaint_print(FILE *out, const struct arguments *arguments);

#endif
