/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Times as trusted roots write them, and the span that something is trusted for. */
#ifndef BPFD_WORKERS_VERIFIER_TIME_SPAN_H
#define BPFD_WORKERS_VERIFIER_TIME_SPAN_H

#include <stdbool.h>
#include <stdint.h>

#define TIME_TEXT_SIZE 32

/* Both ends belong to it. Seconds since 1970. */
struct time_span {
	int64_t start_s;
	int64_t end_s;
};

static inline bool time_span_holds(const struct time_span *span, int64_t time_s)
{
	return time_s >= span->start_s && time_s <= span->end_s;
}

/* RFC 3339 in UTC: "2021-10-07T13:56:59.000Z", a fraction is dropped. 0 or -EBADMSG. */
int time_parse(const char *text, int64_t *time_s);

/* "2021-10-07T13:56:59Z" */
void time_format(int64_t time_s, char text[TIME_TEXT_SIZE]);

#endif
