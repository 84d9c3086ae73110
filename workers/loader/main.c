/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bpfd-loader: reads one stranger's eBPF object with libbpf, without any privilege. Started by the
 * launcher, not by hand. */
#include "common/log.h"
#include "common/sandbox.h"
#include "workers/loader/loader.h"

#include <stdlib.h>

int main(void)
{
	struct error error = {};

	log_open("loader", LOG_LEVEL_INFO);
	if (sandbox_enter(&sandbox_policy_loader, NULL, NULL, &error) < 0) {
		log_error("%s", error.message);
		return EXIT_FAILURE;
	}
	return loader_run(ROLE_FD_LAUNCHER);
}
