/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/verifier/reason.h"

#include <stdarg.h>
#include <stdio.h>

bool reason_set(struct reason *reason, enum reason_step step, const char *format, ...)
{
	va_list arguments;

	if (step < reason->step)
		return false;
	reason->step = step;
	va_start(arguments, format);
	(void)vsnprintf(reason->text, sizeof(reason->text), format, arguments);
	va_end(arguments);
	for (char *text = reason->text; *text; text++) {
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
	}
	return false;
}
