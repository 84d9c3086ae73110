/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/bench/samples.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void sleep_ms(unsigned int time_ms)
{
	struct timespec time = { .tv_sec = time_ms / 1000,
		                 .tv_nsec = (long)(time_ms % 1000) * 1000000 };

	while (nanosleep(&time, &time) < 0 && errno == EINTR)
		continue;
}

void die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	// NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it was started a line above
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	(void)fputc('\n', stderr);
	exit(1);
}

unsigned int number_read(const char *text, unsigned int most)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (end == text || *end || number == 0 || number > most)
		die("\"%s\" is no number from 1 to %u", text, most);
	return (unsigned int)number;
}

void samples_add(struct samples *samples, uint64_t time_ns)
{
	if (samples->count == samples->room) {
		samples->room = samples->room ? 2 * samples->room : 1024;
		samples->times_ns =
			realloc(samples->times_ns, samples->room * sizeof(*samples->times_ns));
		if (!samples->times_ns)
			die("out of memory");
	}
	samples->times_ns[samples->count++] = time_ns;
}

static int compare(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static double percentile_us(const struct samples *samples, unsigned int percent)
{
	size_t rank = (samples->count - 1) * percent / 100;

	return (double)samples->times_ns[rank] / 1000;
}

void samples_print(struct samples *samples, uint64_t total_ns)
{
	if (!samples->count)
		die("nothing was measured");
	qsort(samples->times_ns, samples->count, sizeof(*samples->times_ns), compare);
	(void)printf("{\"count\": %zu, \"p50_us\": %.2f, \"p99_us\": %.2f, \"per_s\": %.0f}\n",
	             samples->count, percentile_us(samples, 50), percentile_us(samples, 99),
	             (double)samples->count * 1e9 / (double)total_ns);
	(void)fflush(stdout);
	free(samples->times_ns);
	*samples = (struct samples){};
}
