/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/rules.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "common/memfd.h"
#include "launcher/policy.h"
#include "launcher/supervisor.h"
#include "launcher/trust.h"
#include "proto/channel_fetcher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int rules_make(const char *policy, const char *trusted_root, struct rules *out, struct error *error)
{
	static struct policy read; /* one thread; too long for the stack */
	int fd;
	int result = policy_read(policy, &read, error);

	if (result == 0)
		result = trust_make(&read, trusted_root, &fd, error);
	if (result == 0)
		*out = (struct rules){ fd, read.rule_count, policy_demands(&read) };
	return result;
}

/* Both are sealed memfds of the launcher's own. */
static bool memfd_equal(int one, int other)
{
	_cleanup_free_ char *bytes = NULL;
	size_t size, other_size;

	if (memfd_check(one, &size) < 0 || memfd_check(other, &other_size) < 0 ||
	    size != other_size)
		return false;
	bytes = malloc(2 * size);
	return bytes && memfd_read(one, bytes, size) == 0 &&
	       memfd_read(other, bytes + size, size) == 0 && memcmp(bytes, bytes + size, size) == 0;
}

/* What only the launcher's start may read, before it is confined. */
static void confinement_explain(const struct supervisor *supervisor, struct error *error)
{
	size_t used = strlen(error->message);

	(void)snprintf(
		error->message + used, sizeof(error->message) - used,
		"; a bpfd that runs already reads files below %s and /etc alone: put it there, "
		"or start bpfd again",
		supervisor->settings.rules_directory);
}

/* Fetchers fetch signatures where somebody will ask for them. */
static int fetcher_settings_renew(struct supervisor *supervisor, size_t demands)
{
	int *current = &supervisor->worker_settings[WORKER_FETCHER];
	struct fetcher_settings settings;
	int fd = memfd_read(*current, &settings, sizeof(settings));

	if (fd < 0)
		return fd;
	settings.signatures = demands > 0 || supervisor->settings.signed_only;
	fd = memfd_from_bytes("bpfd-fetcher-settings", &settings, sizeof(settings));
	if (fd < 0)
		return fd;
	(void)close(*current);
	*current = fd;
	return 0;
}

void rules_read_again(struct supervisor *supervisor, struct launcher_rules *out)
{
	int *current = &supervisor->worker_settings[WORKER_VERIFIER];
	struct rules rules = { .fd = -1 };
	int result;

	if (!supervisor->policy)
		return;
	result = rules_make(supervisor->policy, supervisor->trusted_root, &rules, &out->error);
	if (result == -EACCES)
		confinement_explain(supervisor, &out->error);
	if (result < 0)
		return;
	result = fetcher_settings_renew(supervisor, rules.demands);
	if (result < 0) {
		(void)close(rules.fd);
		(void)error_set(&out->error, result, ERROR_KERNEL,
		                "cannot make a memfd of settings: %s", strerror(-result));
		return;
	}
	out->demands = (uint32_t)rules.demands;
	out->changed = !memfd_equal(*current, rules.fd);
	(void)close(*current);
	*current = rules.fd;
	if (out->changed)
		log_info("the rules about signatures were read again: %zu, of which %zu want one",
		         rules.count, rules.demands);
}
