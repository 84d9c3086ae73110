/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The frontend's process: settings, confinement, loop. */
#include "common/log.h"
#include "common/sandbox.h"
#include "frontend/frontend.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int settings_receive(struct launcher_settings *settings)
{
	static struct channel_buffer buffer;
	struct channel launcher = { .fd = ROLE_FD_LAUNCHER,
		                    .self = CHANNEL_LOWER,
		                    .list = &channel_launcher };
	struct channel_message message;
	int r = channel_receive(&launcher, LAUNCHER_STATE_STARTING, &buffer, &message);

	if (r < 0)
		return r;
	if (message.row->type != LAUNCHER_SETTINGS)
		return -EPROTO;
	memcpy(settings, message.body, sizeof(*settings));
	return 0;
}

int main(void)
{
	static struct launcher_settings settings;
	const struct frontend_descriptors descriptors = { .launcher_fd = ROLE_FD_LAUNCHER,
		                                          .broker_fd = ROLE_FD_PEER,
		                                          .listen_fd = ROLE_FD_EXTRA,
		                                          .events_fd = ROLE_FD_EVENTS };
	uint32_t landlock_abi = 0;
	struct error error;

	log_open("frontend", LOG_LEVEL_INFO);

	int r = settings_receive(&settings);

	if (r < 0) {
		log_error("no settings from the launcher: %s: only bpfd(8) starts this program",
		          strerror(-r));
		_exit(1);
	}
	log_open("frontend", (enum log_level)settings.log_level);
	r = sandbox_enter(&sandbox_policy_frontend, &settings, &landlock_abi, &error);
	if (r < 0) {
		log_error("confinement failed, so the frontend ends: %s", error.message);
		_exit(1);
	}
	_exit(frontend_run(&settings, &descriptors, landlock_abi));
}
