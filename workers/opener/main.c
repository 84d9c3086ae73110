/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bpfd-opener: see README.md beside this file. */
#include "common/log.h"
#include "common/sandbox.h"
#include "workers/opener/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static struct launcher_settings settings;

static int settings_receive(const struct channel *launcher)
{
	static struct channel_buffer buffer;
	struct channel_message message;
	int result = channel_receive(launcher, LAUNCHER_STATE_STARTING, &buffer, &message);

	if (result == 0)
		memcpy(&settings, message.body, sizeof(settings));
	return result;
}

/* Opens what the sandbox does not let through, and confines the process. */
static int prepare(struct opener *opener, uint32_t *landlock_abi)
{
	struct error error = {};
	int result = netlink_open(0, &opener->netlink);

	if (result < 0) {
		log_error("cannot open a netlink socket: %s", strerror(-result));
		return result;
	}
	opener->netns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (opener->netns_fd < 0) {
		log_error("cannot open the network namespace: %s", strerror(errno));
		return -errno;
	}
	event_sources_read(opener, "/sys/bus/event_source/devices");
	result = sandbox_enter(settings.containers ? &sandbox_policy_opener_containers
	                                           : &sandbox_policy_opener,
	                       &settings, landlock_abi, &error);
	if (result < 0)
		log_error("%s", error.message);
	return result;
}

int main(void)
{
	const struct channel launcher = { ROLE_FD_LAUNCHER, CHANNEL_LOWER, &channel_launcher };
	struct opener opener = { .settings = &settings,
		                 .channel = { ROLE_FD_PEER, CHANNEL_LOWER, &channel_opener } };
	struct launcher_ready ready = {};
	int result;

	log_open("opener", LOG_LEVEL_INFO);
	result = settings_receive(&launcher);
	if (result < 0) {
		log_error("no settings from the launcher: %s; bpfd starts this program, nobody "
		          "else does",
		          strerror(-result));
		return 1;
	}
	log_open("opener", settings.log_level);
	if (prepare(&opener, &ready.landlock_abi) < 0)
		return 1;
	result = channel_send(&launcher, LAUNCHER_READY, 0, &ready, NULL);
	while (result == 0)
		result = opener_serve(&opener);
	if (result == -EPIPE)
		return 0; /* the broker has gone, and with it the service */
	log_error("the broker's channel: %s", strerror(-result));
	return 1;
}
