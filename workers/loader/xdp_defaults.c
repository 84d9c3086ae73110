/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The run configuration that libxdp's protocol lets an object carry: priority and chain call
 * actions. */
#include "workers/loader/libxdp.h"
#include "workers/loader/loader.h"

#include <errno.h>

#define DISPATCHER_RETURN (1u << 31) /* what an empty slot returns: always goes on */
#define ACTIONS 5                    /* XDP_ABORTED to XDP_REDIRECT */

int xdp_defaults_read(struct bpf_object *object, const char *function,
                      struct record_xdp_defaults *defaults, struct error *error)
{
	DECLARE_LIBXDP_OPTS(xdp_program_opts, options, .obj = object, .prog_name = function);
	struct xdp_program *program = xdp_program__create(&options);
	struct record_xdp_defaults read = { .proceed_on = DISPATCHER_RETURN };

	if (libxdp_get_error(program))
		return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
		                 "the XDP run configuration of \"%s\" cannot be read (section "
		                 ".xdp_run_config): %s",
		                 function, messages_text());
	read.priority = xdp_program__run_prio(program);
	for (unsigned int action = 0; action < ACTIONS; action++) {
		if (xdp_program__chain_call_enabled(program, (enum xdp_action)action))
			read.proceed_on |= 1u << action;
	}
	xdp_program__close(program);
	if (read.priority > PRIORITY_MAX)
		return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
		                 "the object gives \"%s\" the priority %u, which is above %d",
		                 function, read.priority, PRIORITY_MAX);
	*defaults = read;
	return 0;
}
