/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One line each of everything about one thing: a label and a value, cleaned; an empty value is "-".
 */
#ifndef BPFD_BPFCTL_DETAIL_H
#define BPFD_BPFCTL_DETAIL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

void detail(FILE *out, const char *label, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void detail_hex(FILE *out, const char *label, const char *prefix, const uint8_t *bytes,
                size_t size);
void detail_time(FILE *out, const char *label, uint64_t seconds);

#endif
