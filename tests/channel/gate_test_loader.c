/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The loader without its sandbox, which wants a user of its own: for the tests of what it does. */
#include "proto/channel_launcher.h"
#include "workers/loader/loader.h"

int main(void)
{
	return loader_run(ROLE_FD_LAUNCHER);
}
