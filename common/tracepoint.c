/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/tracepoint.h"
#include "common/channel.h"

#include <string.h>

bool tracepoint_name_ok(const char *text, size_t size)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:";

	return channel_text_ok(text, size) && text[0] && text[strspn(text, allowed)] == '\0' &&
	       strcmp(text, ".") != 0 && !strstr(text, "..");
}
