/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bpfd-loader: reads one stranger's eBPF object with libbpf, without any privilege. Started by the
 * launcher, not by hand. */
#include "common/log.h"
#include "common/sandbox.h"
#include "workers/loader/loader.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Until the load is answered: to tear this process's memory down takes longer than that, and would
 * compete with it. */
static void end_wait(int gate_fd)
{
	struct msghdr nothing = {};

	while (recvmsg(gate_fd, &nothing, 0) < 0 && errno == EINTR)
		continue;
}

int main(void)
{
	struct error error = {};

	log_open("loader", LOG_LEVEL_INFO);
	if (sandbox_enter(&sandbox_policy_loader, NULL, NULL, &error) < 0) {
		log_error("%s", error.message);
		return EXIT_FAILURE;
	}
	int status = loader_run(ROLE_FD_LAUNCHER);

	end_wait(ROLE_FD_LAUNCHER);
	return status;
}
