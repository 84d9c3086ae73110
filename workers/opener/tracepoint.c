/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Perf events of tracepoints: under perf_event_paranoid 3, Debian's default, only CAP_SYS_ADMIN
 * opens them. */
#include "common/tracepoint.h"
#include "workers/opener/opener.h"

int answer_tracepoint(struct opener *opener, const void *question, struct opener_answer *answer,
                      struct error *error)
{
	const struct opener_tracepoint *asked = question;
	int result = tracepoint_open(opener->settings->tracefs_directory, asked->group, asked->name,
	                             &answer->descriptors[0], error);

	if (result == 0)
		answer->type = OPENER_OPENED;
	return result;
}
