/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/fetcher/fetcher.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "common/memfd.h"
#include "common/memory.h"
#include "image/object.h"
#include "workers/fetcher/pull.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* What the pull is about to hand on, and where it is from. */
struct pull {
	struct job *job;
	struct image image;
	struct cache_reference reference; /* what the cache knew of the reference */
	bool has_reference;
	bool is_cached;  /* nothing was fetched */
	bool is_changed; /* the cache has to be told */
};

static bool cache_search(struct pull *pull)
{
	const struct cache *cache = &pull->job->fetcher->cache;

	pull->has_reference =
		cached_find(cache, pull->job->name, &pull->reference, &pull->image) == 0;
	return pull->has_reference;
}

static void names_take(struct record_image *record, const struct image_names *names,
                       enum image_programs_from from)
{
	record->programs_from = from;
	record->program_count = names->program_count;
	record->map_count = names->map_count;
	record->programs_more = names->programs_more;
	record->maps_more = names->maps_more;
	memcpy(record->programs, names->programs, sizeof(record->programs));
	memcpy(record->maps, names->maps, sizeof(record->maps));
}

/* What the image calls its programs, or, where it does not say, what the object does. */
static int record_describe(struct image *image, const struct fetched *fetched, struct error *error)
{
	static struct image_names names;
	const struct image_config *config = &fetched->config;
	int result;

	if (fetched->has_config) {
		memcpy(image->record.architecture, config->architecture,
		       sizeof(image->record.architecture));
		result = config_check_layer(config, image->object.diff, error);
		if (result < 0)
			return result;
		if (config->labelled) {
			names_take(&image->record, &config->names, IMAGE_PROGRAMS_FROM_LABEL);
			return 0;
		}
	}
	result = image_object_names(image->object.fd, image->object.size, &names, error);
	if (result == 0)
		names_take(&image->record, &names, IMAGE_PROGRAMS_FROM_OBJECT);
	return result;
}

static int image_take(struct pull *pull, struct fetched *fetched, struct error *error)
{
	struct image *image = &pull->image;
	int result;

	pull->job->fetcher->stage = FETCHER_STAGE_CHECK;
	image->evidence_fd = evidence_finish(&fetched->evidence, error);
	if (image->evidence_fd < 0)
		return image->evidence_fd;
	result = image_examine(image, fetched->root.digest, error);
	if (result == 0)
		result = record_describe(image, fetched, error);
	image->signatures_fetched = pull->job->signatures;
	pull->is_changed = true;
	return result;
}

static int image_fetch(struct pull *pull, struct fetched *fetched, struct error *error)
{
	struct job *job = pull->job;
	int result = fetch_image(job, fetched, error);

	if (result == 0 && job->signatures)
		result = fetch_signatures(job, fetched->registry, fetched->root.digest,
		                          &fetched->evidence, error);
	image_close(&pull->image);
	memset(&pull->image.record, 0, sizeof(pull->image.record));
	pull->is_cached = false;
	return result == 0 ? image_take(pull, fetched, error) : result;
}

/* Looks for the signatures of an image that the cache has. */
static int signatures_refresh(struct pull *pull, struct registry *registry, struct error *error)
{
	struct evidence_writer evidence = EVIDENCE_WRITER_INIT;
	struct image *image = &pull->image;
	int fd = -1, result = evidence_copy_image(image->evidence_fd, &evidence, error);

	if (result == 0)
		result = fetch_signatures(pull->job, registry, image->record.digest, &evidence,
		                          error);
	if (result == 0) {
		fd = evidence_finish(&evidence, error);
		result = fd < 0 ? fd : 0;
	}
	evidence_writer_close(&evidence);
	if (result < 0)
		return result;
	if (image->signatures_fetched && evidence_equal(image->evidence_fd, fd)) {
		(void)close(fd);
		return 0;
	}
	image_close(image);
	image->evidence_fd = fd;
	image->signatures_fetched = true;
	pull->is_cached = false;
	pull->is_changed = true;
	return image_examine(image, image->record.digest, error);
}

/* The registry was asked what the reference is: the cache may have just that, under whatever name.
 */
static int root_follow(struct pull *pull, struct fetched *fetched, struct error *error)
{
	struct job *job = pull->job;
	const uint8_t *digest = fetched->root.digest;
	bool is_here = pull->has_reference && digest_equal(pull->reference.digest, digest);

	if (!is_here) {
		image_close(&pull->image);
		if (cached_open(&job->fetcher->cache, digest, &pull->image) < 0)
			return image_fetch(pull, fetched, error);
	}
	pull->is_cached = true;
	return job->signatures ? signatures_refresh(pull, fetched->registry, error) : 0;
}

static int registry_begin(struct job *job, struct registry *registry, struct error *error)
{
	return registry_open(job->fetcher->http, &job->reference, job->asked->username,
	                     job->asked->password, false, registry, error);
}

/* Says that there is another way, where the registry is out of reach. */
static void hint_add(const struct pull *pull, int result, struct error *error)
{
	static const int unreachable[] = { -EHOSTUNREACH, -ECONNREFUSED,    -ETIMEDOUT,
		                           -EIO,          -EPROTONOSUPPORT, -EKEYREJECTED };
	time_t pulled = (time_t)pull->reference.pulled_at_s;
	size_t length = strnlen(error->message, 330);
	struct tm date;

	if (!pull->has_reference || !gmtime_r(&pulled, &date))
		return;
	for (size_t i = 0; i < sizeof(unreachable) / sizeof(unreachable[0]); i++) {
		if (unreachable[i] != result)
			continue;
		(void)snprintf(error->message + length, sizeof(error->message) - length,
		               "; the cache has the image as it was on %04d-%02d-%02d: pull policy "
		               "IfNotPresent or Never takes that",
		               date.tm_year + 1900, date.tm_mon + 1, date.tm_mday);
	}
}

static int network_pull(struct pull *pull, struct error *error)
{
	static struct registry registry;
	static struct fetched fetched;
	int result;

	fetched = (struct fetched){ .registry = &registry, .evidence = EVIDENCE_WRITER_INIT };
	result = registry_begin(pull->job, &registry, error);
	if (result == 0)
		result = fetch_root(pull->job, &fetched, error);
	if (result == 0)
		result = root_follow(pull, &fetched, error);
	fetched_close(&fetched);
	if (result < 0)
		hint_add(pull, result, error);
	return result;
}

/*
 * The cache has it, but was not asked for signatures when it got it. Without the registry it goes
 * on without them, unless this job wants them: who demands a signature refuses it then.
 */
static int signatures_late(struct pull *pull, struct error *error)
{
	static struct registry registry;
	struct job *job = pull->job;
	int result = registry_begin(job, &registry, error);

	if (result == 0)
		result = signatures_refresh(pull, &registry, error);
	if (result == 0 || job->asked->signatures || job->asked->pull_policy == IMAGE_PULL_ALWAYS) {
		if (result < 0)
			hint_add(pull, result, error);
		return result;
	}
	log_warning("%s is taken from the cache without its signatures: %s", job->name,
	            error->message);
	if (pull->image.object.fd >= 0)
		return 0;
	return cache_search(pull) ? 0 : result;
}

static int image_get(struct pull *pull, struct error *error)
{
	const struct job *job = pull->job;
	uint32_t policy = job->asked->pull_policy;
	bool is_fixed = job->reference.has_digest || policy != IMAGE_PULL_ALWAYS;

	if (cache_search(pull) && is_fixed) {
		bool refresh = policy == IMAGE_PULL_ALWAYS || !pull->image.signatures_fetched;

		pull->is_cached = true;
		return job->signatures && refresh && policy != IMAGE_PULL_NEVER
		               ? signatures_late(pull, error)
		               : 0;
	}
	if (policy == IMAGE_PULL_NEVER)
		return error_set(
			error, -ENOENT, ERROR_NOT_FOUND,
			"the cache has no image %s, and with pull policy Never no registry "
			"is asked: pull it with another one first",
			job->name);
	return network_pull(pull, error);
}

/* The cache has it under this name. */
static bool is_known(const struct pull *pull)
{
	return pull->has_reference &&
	       digest_equal(pull->reference.digest, pull->image.record.digest);
}

static int cache_tell(struct pull *pull, struct error *error)
{
	static struct cache_image kept;
	const struct job *job = pull->job;
	const struct cache *cache = &job->fetcher->cache;
	const struct record_image *record = &pull->image.record;

	if (pull->is_changed) {
		kept = (struct cache_image){ .record = *record,
			                     .signatures_fetched = pull->image.signatures_fetched };
		return cache_keep(cache, job->name, &kept, pull->image.evidence_fd, error);
	}
	cache_image_touch(cache, record->digest);
	return is_known(pull) ? 0 : cache_point(cache, job->name, record->digest, error);
}

/* What goes out together: one packet wakes the frontend once. */
static struct channel_outbox outbox;

static int image_queue(const struct pull *pull)
{
	const struct channel *channel = &pull->job->fetcher->channel;
	const struct image *image = &pull->image;
	const int fds[] = { image->object.fd, image->evidence_fd };
	struct fetcher_object about = { .object_size = image->object.size };
	int result =
		channel_queue(channel, &outbox, FETCHER_MESSAGE_IMAGE, 0, &image->record, NULL);

	memcpy(about.object, image->object.digest, sizeof(about.object));
	if (result == 0 && pull->job->asked->operation == FETCHER_OBJECT)
		result = channel_queue(channel, &outbox, FETCHER_MESSAGE_OBJECT, 0, &about, fds);
	return result;
}

static int done_send(const struct pull *pull)
{
	const struct channel *channel = &pull->job->fetcher->channel;
	const struct fetcher_done done = { .count = 1, .cached = pull->is_cached };
	int result = channel_queue(channel, &outbox, FETCHER_MESSAGE_DONE, 0, &done, NULL);

	return result < 0 ? result : channel_flush(channel, &outbox);
}

static void record_finish(struct pull *pull)
{
	struct record_image *record = &pull->image.record;
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	memcpy(record->reference, pull->job->name, sizeof(record->reference));
	record->used_at_s = (uint64_t)now.tv_sec;
	record->pulled_at_s = record->used_at_s;
	if (is_known(pull))
		record->pulled_at_s = pull->reference.pulled_at_s;
	record->stored_size = cache_image_size(pull->image.evidence_fd);
}

/* A load does not need the cache to keep what it is of. */
static void load_keep(struct pull *pull)
{
	struct error error = {};

	if (cache_tell(pull, &error) < 0)
		log_warning("%s is loaded, but not kept: %s", pull->job->name, error.message);
}

/* Of what the cache has already under this name it is told afterwards that it was used. */
static int image_deliver(struct pull *pull, struct error *error)
{
	bool is_load = pull->job->asked->operation == FETCHER_OBJECT;
	bool is_kept = pull->is_cached && !pull->is_changed && is_known(pull);
	int result = 0;

	record_finish(pull);
	if (is_load && !is_kept)
		load_keep(pull);
	else if (!is_load)
		result = cache_tell(pull, error);
	if (result == 0)
		result = image_queue(pull);
	if (result == 0)
		result = done_send(pull);
	if (result == 0 && is_load && is_kept)
		load_keep(pull);
	return result;
}

static struct pull pull = { .image = IMAGE_INIT };

void pull_prepare(void)
{
	memory_touch(&pull, sizeof(pull));
}

int job_pull(struct job *job, struct error *error)
{
	int result;

	pull.job = job;
	result = image_get(&pull, error);
	if (result == 0)
		result = image_deliver(&pull, error);
	image_close(&pull.image);
	return result;
}
