/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Each process on the way of a load sleeps until the one before it has done its part. To wake it on
 * a processor that sleeps, too, takes longer than most of them need for theirs. So while a load
 * comes the kernel is asked to let none of them sleep: a PM QoS request (the kernel's
 * Documentation/power/pm_qos_interface.rst), which ends with this process if not before.
 *
 * The frontend announces a load when it begins to come. For a few milliseconds the processors poll
 * instead of sleeping; how often that can be is bounded, whatever is announced.
 */
#include "broker/broker.h"

#include "common/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define HOLD_MS 4    /* the load of a small object takes one, with its client's part */
#define PERIOD_MS 50 /* loads that come faster keep the processors awake by themselves */

/* What the device takes: the longest time that a processor may need to wake up. */
#define LATENCY_NONE_US INT32_C(0)
#define LATENCY_ANY_US INT32_MAX

static void request(struct cpu_latency *latency, int32_t latency_us)
{
	if (write(latency->fd, &latency_us, sizeof(latency_us)) == sizeof(latency_us))
		return;
	log_warning("the kernel takes no request about the latency of processors any more: %s",
	            strerror(errno));
	(void)close(latency->fd); /* which takes back what was asked for */
	latency->fd = -1;
}

int load_coming(struct broker *broker, struct channel_message *message)
{
	struct cpu_latency *latency = &broker->latency;
	uint64_t now_ms = clock_now_ms();

	(void)message;
	if (latency->fd < 0 || now_ms < latency->again_ms)
		return 0;
	latency->until_ms = now_ms + HOLD_MS;
	latency->again_ms = now_ms + PERIOD_MS;
	request(latency, LATENCY_NONE_US);
	return 0;
}

void cpu_latency_end(struct broker *broker)
{
	struct cpu_latency *latency = &broker->latency;

	if (latency->until_ms && latency->fd >= 0)
		request(latency, LATENCY_ANY_US);
	latency->until_ms = 0;
}

int cpu_latency_tick(struct broker *broker)
{
	uint64_t until_ms = broker->latency.until_ms;
	uint64_t now_ms;

	if (until_ms == 0)
		return -1;
	now_ms = clock_now_ms();
	if (now_ms < until_ms)
		return (int)(until_ms - now_ms);
	cpu_latency_end(broker);
	return -1;
}
