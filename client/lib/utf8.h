/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef BPFD_CLIENT_UTF8_H
#define BPFD_CLIENT_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* True if the bytes are UTF-8 as RFC 3629 has it: nothing overlong, no surrogate, nothing above
 * U+10FFFF. */
bool utf8_ok(const char *text, size_t length);

#endif
