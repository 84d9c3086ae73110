/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The options of the commands; each list ends with a row without a name. */
#ifndef BPFD_BPFCTL_OPTIONS_H
#define BPFD_BPFCTL_OPTIONS_H

#include "bpfctl/arguments.h"

extern const struct option_row load_options[];
extern const struct option_row attach_xdp_options[];
extern const struct option_row attach_tracepoint_options[];
extern const struct option_row list_programs_options[];
extern const struct option_row list_links_options[];

/* What must be given, and ids that must be numbers. */
_Bool load_check(struct arguments *arguments);
_Bool attach_xdp_check(struct arguments *arguments);
_Bool attach_tracepoint_check(struct arguments *arguments);
_Bool ids_check(struct arguments *arguments);

#endif
