/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Perf events that fire at a rate: the CPU's clock, faults, cycles. */
#include "common/attach_point.h"
#include "workers/opener/opener.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CPU_MAX 65535

static const struct sampled_event *sample_check(const struct opener_sample *asked,
                                                struct error *error)
{
	const struct sampled_event *event = sampled_event_by_number(asked->type, asked->config);

	if (!event || asked->by_frequency > 1 || asked->rate == 0 || asked->rate > INT64_MAX ||
	    (asked->by_frequency && asked->rate > SAMPLE_FREQUENCY_MAX) || asked->cpu < -1 ||
	    asked->cpu > CPU_MAX || asked->pid > INT32_MAX || (asked->cpu == -1 && !asked->pid)) {
		(void)error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                "that is no event that can be sampled");
		return NULL;
	}
	return event;
}

static int sample_refusal(const struct opener_sample *asked, const char *name, int result,
                          struct error *error)
{
	switch (result) {
	case -ESRCH:
		return error_set(error, result, ERROR_NOT_FOUND, "there is no process %u",
		                 asked->pid);
	case -ENODEV:
		return error_set(error, result, ERROR_NOT_FOUND,
		                 "CPU %d is not online: "
		                 "/sys/devices/system/cpu/online names those that are",
		                 asked->cpu);
	case -ENOENT:
	case -EOPNOTSUPP:
		return error_set(error, result, ERROR_UNSUPPORTED,
		                 "this machine does not count %s: virtual machines often have no "
		                 "hardware counters; cpu-clock is there on all",
		                 name);
	case -EINVAL:
		return error_set(
			error, result, ERROR_INVALID_ARGUMENT,
			"the kernel refuses to sample %s so on CPU %d: is there such a CPU, "
			"and is the rate within kernel.perf_event_max_sample_rate?",
			name, asked->cpu);
	default:
		return error_set(error, result, ERROR_KERNEL, "the opener cannot sample %s: %s",
		                 name, strerror(-result));
	}
}

int answer_sample(struct opener *opener, const void *question, struct opener_answer *answer,
                  struct error *error)
{
	const struct opener_sample *asked = question;
	const struct sampled_event *event = sample_check(asked, error);
	struct perf_event_attr attr = { .size = sizeof(attr) };
	long fd;

	(void)opener;
	if (!event)
		return -EINVAL;
	attr.type = asked->type;
	attr.config = asked->config;
	attr.freq = asked->by_frequency != 0;
	attr.sample_freq = asked->rate; /* the same field as the period */
	fd = syscall(SYS_perf_event_open, &attr, asked->pid ? (pid_t)asked->pid : -1, asked->cpu,
	             -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return sample_refusal(asked, event->name, -errno, error);
	answer->type = OPENER_OPENED;
	answer->descriptors[0] = (int)fd;
	return 0;
}
