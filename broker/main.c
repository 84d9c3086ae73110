/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/broker.h"

#include "common/log.h"
#include "common/sandbox.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The launcher says when to stop, and its end is one's own: signals that a terminal or systemd
 * sends to all are not for us. */
static void signals_ignore(void)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN);
}

static int settings_receive(struct launcher_settings *settings)
{
	static struct channel_buffer buffer;
	const struct channel launcher = { ROLE_FD_LAUNCHER, CHANNEL_LOWER, &channel_launcher };
	struct channel_message message;
	int result = channel_receive(&launcher, LAUNCHER_STATE_STARTING, &buffer, &message);

	if (result)
		return result;
	if (message.row->type != LAUNCHER_SETTINGS)
		return -EPROTO;
	memcpy(settings, message.body, sizeof(*settings));
	return 0;
}

/* Opens what the sandbox forbids later, confines the process, and only then looks at pins, records
 * and messages. */
static int broker_begin(const struct launcher_settings *settings, struct broker **broker,
                        struct error *error)
{
	const struct broker_descriptors descriptors = {
		.launcher_fd = ROLE_FD_LAUNCHER,
		.frontend_fd = ROLE_FD_PEER,
		.opener_fd = settings->opener ? ROLE_FD_EXTRA : -1,
		.latency_fd = settings->cpu_latency ? ROLE_FD_CPU_LATENCY : -1,
	};
	uint32_t landlock_abi = 0;
	int result = broker_open(settings, &descriptors, broker, error);

	if (!result)
		result = sandbox_enter(&sandbox_policy_broker, settings, &landlock_abi, error);
	if (!result)
		result = broker_start(*broker, landlock_abi, error);
	return result;
}

int main(void)
{
	struct launcher_settings settings;
	struct error error = {};
	struct broker *broker = NULL;
	int result;

	log_open("broker", LOG_LEVEL_INFO);
	signals_ignore();
	(void)umask(0027);
	result = settings_receive(&settings);
	if (result) {
		log_error("no settings came from the launcher (%s): bpfd-broker is started by "
		          "bpfd, not by hand",
		          strerror(-result));
		return 1;
	}
	log_open("broker", (enum log_level)settings.log_level);
	result = broker_begin(&settings, &broker, &error);
	if (result) {
		log_error("cannot start: %s", error.message);
		return 1;
	}
	result = broker_run(broker);
	broker_close(broker);
	return result ? 1 : 0;
}
