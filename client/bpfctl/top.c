/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which programs run: the kernel's counters are read again and again, and what they grew by is
 * shown. */
#include "bpfctl/json.h"
#include "bpfctl/session.h"
#include "bpfctl/top_rates.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define LEASE_SPARE_S 5 /* for which the kernel counts beyond the interval */
#define HEAD_ROWS 2     /* of the screen: columns' names, and the line that the cursor is on */

struct top {
	struct bpfd_client *client;
	struct bpfd_program_filter filter;
	enum output_format output;
	uint32_t interval_s;
	uint32_t count; /* 0: until somebody ends it */
	_Bool screen;   /* each reading takes the place of the one before */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static size_t screen_rows(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row <= HEAD_ROWS)
		return 0;
	return (size_t)size.ws_row - HEAD_ROWS;
}

static int rates_print(const struct top *top, const struct top_rates *rates)
{
	int result;

	if (top->output == OUTPUT_JSON)
		return json_print(stdout, top_rates_json(rates));
	if (top->screen)
		(void)fputs("\033[H\033[2J", stdout);
	result = top_rates_show(stdout, rates, top->screen ? screen_rows() : 0, 0);
	(void)fflush(stdout);
	return result;
}

/* Waits, reads, and prints what grew since `*before`, whose place the reading takes. */
static enum exit_code turn(const struct top *top, struct bpfd_programs **before, uint64_t *then_ns)
{
	struct bpfd_programs *after = NULL;
	struct bpfd_error *error = NULL;
	struct top_rates rates;
	uint64_t read_ns;
	int result;

	(void)sleep(top->interval_s);
	if (bpfd_list_programs(top->client, &top->filter, &after, &error) < 0)
		return error_report(stderr, NULL, error);
	read_ns = now_ns();
	result = top_rates_make(*before, after, read_ns - *then_ns, &rates);
	if (result == 0) {
		result = rates_print(top, &rates);
		free(rates.items);
	}
	bpfd_programs_free(*before);
	*before = after;
	*then_ns = read_ns;
	return result < 0 ? memory_report() : EXIT_DONE;
}

static enum exit_code turns(const struct top *top)
{
	struct bpfd_programs *before = NULL;
	struct bpfd_error *error = NULL;
	enum exit_code code = EXIT_DONE;
	uint64_t then_ns;

	if (bpfd_list_programs(top->client, &top->filter, &before, &error) < 0)
		return error_report(stderr, NULL, error);
	then_ns = now_ns();
	for (uint32_t i = 0; code == EXIT_DONE && (top->count == 0 || i < top->count); i++)
		code = turn(top, &before, &then_ns);
	bpfd_programs_free(before);
	return code;
}

enum exit_code top_run(struct arguments *arguments)
{
	struct top top = {
		.filter = { .type = arguments->type,
		            .application = arguments->application,
		            .metadata = arguments->metadata,
		            .metadata_count = arguments->metadata_count,
		            .all = 1,
		            .owner_set = arguments->owner_set,
		            .owner_uid = arguments->owner_uid,
		            .interface = arguments->interface },
		.output = arguments->output,
		.interval_s = arguments->interval_s ? arguments->interval_s : 1,
		.count = arguments->count,
		.screen = arguments->output == OUTPUT_TABLE && isatty(STDOUT_FILENO),
	};
	enum exit_code code = session_open(arguments, &top.client);

	if (code != EXIT_DONE)
		return code;
	if (!top.count && !top.screen)
		top.count = 1;
	top.filter.statistics_s = top.interval_s + LEASE_SPARE_S;
	return turns(&top);
}
