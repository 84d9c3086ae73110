/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Times of one operation, many times over; read by the script that runs these programs. */
#ifndef BPFD_TESTS_BENCH_SAMPLES_H
#define BPFD_TESTS_BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

/* CLOCK_MONOTONIC */
uint64_t now_ns(void);

void sleep_ms(unsigned int time_ms);

/* Says why on standard error and ends the program with status 1. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A number from 1 to `most`, or the program ends. */
unsigned int number_read(const char *text, unsigned int most);

struct samples {
	uint64_t *times_ns;
	size_t count;
	size_t room;
};

void samples_add(struct samples *samples, uint64_t time_ns);

/* One line of JSON: {"count", "p50_us", "p99_us", "per_s"}; `total_ns` is the time that all of them
 * took. Empties `samples`. */
void samples_print(struct samples *samples, uint64_t total_ns);

#endif
