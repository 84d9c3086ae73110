/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Log lines on standard error, one write(2) each, with the journal's `<priority>` prefix when
 * standard error is the journal (JOURNAL_STREAM is set). Only a role's loop logs; libraries return
 * errors.
 */
#ifndef BPFD_COMMON_LOG_H
#define BPFD_COMMON_LOG_H

#include <stddef.h>

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

/* Names the role in every line and sets what is shown. Call once, before the sandbox closes. */
void log_open(const char *role, enum log_level most);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/*
 * Copies `text` for use as a value in a log line: printable ASCII other than quote and backslash
 * stays, every other byte becomes \xNN; the result is always terminated and cut to `size`. Returns
 * `out`.
 */
const char *log_escape(const char *text, char *out, size_t size);

#endif
