/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the fetcher's parts share. It serves one job in its life. */
#ifndef BPFD_WORKERS_FETCHER_FETCHER_H
#define BPFD_WORKERS_FETCHER_FETCHER_H

#include "image/evidence.h"
#include "image/http.h"
#include "image/layer.h"
#include "image/reference.h"
#include "image/registry.h"
#include "proto/channel_fetcher.h"
#include "workers/fetcher/cache.h"

#include <stdbool.h>
#include <stdint.h>

struct fetcher {
	struct fetcher_settings settings;
	struct channel channel;
	struct cache cache;
	struct http *http;
	uint32_t stage; /* enum fetcher_stage: what a PROGRESS says */
	uint64_t total_bytes;
};

struct job {
	struct fetcher *fetcher;
	const struct fetcher_job *asked;
	struct reference reference;
	char name[IMAGE_REFERENCE_SIZE]; /* its normal form */
	bool signatures;                 /* are wanted */
};

/* settings.c: takes the sealed memfd's structure and checks every member. 0 or -errno with a
 * sentence. */
int settings_read(int fd, struct fetcher_settings *settings, struct error *error);

/* run.c: before the sandbox: everything that is expensive or opens files. 0 or -errno with a
 * sentence. */
int fetcher_open(struct fetcher *fetcher, struct error *error);
/* Says WARM, or FAILED with `failed`, and serves one job. The exit status. */
int fetcher_run(struct fetcher *fetcher, const struct error *failed);
/* Says nothing more often than a few times in a second: http's. */
int fetcher_progress(void *context, uint64_t done_bytes);

/* The memory for jobs is there afterwards. */
void job_prepare(void);
void pull_prepare(void);

/* job.c: does it; everything but FAILED is sent. 0, or -errno with a sentence. */
int job_run(struct fetcher *fetcher, const struct fetcher_job *asked, struct error *error);

/* pull.c: PULL and OBJECT. */
int job_pull(struct job *job, struct error *error);

/*
 * examine.c: an image as its evidence proves it: from the digest to the object, by hashing alone.
 * The same for what a registry just sent and for what the cache kept.
 */
struct image {
	int evidence_fd; /* sealed */
	struct layer_object object;
	struct record_image record;
	bool signatures_fetched; /* somebody looked for them: there may be none */
};
#define IMAGE_INIT                                 \
	{                                          \
		.evidence_fd = -1, .object.fd = -1 \
	}
void image_close(struct image *image);
/*
 * Fills the record's digests, sizes and the number of signatures, and opens the object. The names
 * are left alone. 0, or -errno with a sentence; `image` keeps what it had then.
 */
int image_examine(struct image *image, const uint8_t digest[DIGEST_SIZE], struct error *error);

/* cached.c */

/* The image as the cache has it, hashed again. 0, or -ENOENT: it has none that is whole. */
int cached_open(const struct cache *cache, const uint8_t digest[DIGEST_SIZE], struct image *image);
/* The same for what the reference leads to. */
int cached_find(const struct cache *cache, const char *reference, struct cache_reference *found,
                struct image *image);
/*
 * Opens those that were used last and are small, before anybody asks, each with a reference to it:
 * the two above then have them, where they are still the same. What a job does is done once that
 * way, so that the memory for it is there, too.
 */
void cached_prepare(const struct cache *cache);

/* fetch.c: what a tag or a digest is, as the registry has it. */
struct fetched {
	struct registry *registry;
	struct registry_document root;
	struct evidence_writer evidence;
	bool has_config;
	struct image_config config;
};
int fetch_root(struct job *job, struct fetched *fetched, struct error *error);
/* The rest of the image: manifest, configuration, layer. */
int fetch_image(struct job *job, struct fetched *fetched, struct error *error);
void fetched_close(struct fetched *fetched);

/* signatures.c: adds what is found beside that digest to the evidence: nothing is no error. */
int fetch_signatures(struct job *job, struct registry *registry, const uint8_t digest[DIGEST_SIZE],
                     struct evidence_writer *evidence, struct error *error);

#endif
