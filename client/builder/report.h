/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef BPFD_BUILDER_REPORT_H
#define BPFD_BUILDER_REPORT_H

#include "client/builder/builder.h"
#include "client/builder/pieces.h"

/* What was made, and where it is now, on the standard output. 0, or -errno with a sentence. */
int report_print(const struct builder *builder, const struct pieces *pieces, struct error *error);

#endif
