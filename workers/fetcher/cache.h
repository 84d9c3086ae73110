/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Images on disk, by digest. In the cache's directory:
 *
 *	<digest>.image      one image: its header with the record, then its evidence as it was
 *	<hash>.reference    what a reference led to; the hash is the SHA-256 of its normal form
 *
 * The directory itself is locked by whoever changes anything. A file is written beside its place,
 * synced and renamed, so that it is whole or not there whatever ends the process; readers need no
 * lock. What is read is hashed again before it is used: a damaged file is one that is not there.
 * When an image was used last is the time of its file.
 */
#ifndef BPFD_WORKERS_FETCHER_CACHE_H
#define BPFD_WORKERS_FETCHER_CACHE_H

#include "common/error.h"
#include "image/digest.h"
#include "proto/image_records.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CACHE_REFERENCES_MAX 4096

struct cache {
	uint64_t size_max;
	uint64_t references_max; /* at most CACHE_REFERENCES_MAX */
	int directory_fd;
};
#define CACHE_INIT                  \
	{                           \
		.directory_fd = -1, \
	}

/* What a reference led to. */
struct cache_reference {
	char reference[IMAGE_REFERENCE_SIZE]; /* normal form */
	uint8_t digest[DIGEST_SIZE];
	uint64_t pulled_at_s; /* Unix time */
};

#define CACHE_NAME_SIZE 80 /* of a file */

/* A file that is held open: what is not current has been replaced, or removed. */
struct cache_held {
	int fd; /* -1: none */
	ino_t number;
	char name[CACHE_NAME_SIZE];
};

struct cache_image {
	struct record_image record; /* without what belongs to a reference, and the times */
	uint32_t signatures_fetched;
	uint32_t reserved;
};

/*
 * Opens the cache, and removes what a fetcher that was killed has left. 0 or -errno with a
 * sentence.
 */
int cache_open(const char *directory, uint64_t size_max, struct cache *cache, struct error *error);
void cache_close(struct cache *cache);

/* cache_reference.c. 0 and *found; -ENOENT: not there, or damaged; -errno. */
int cache_reference_read(const struct cache *cache, const char *reference,
                         struct cache_reference *found);
/* Calls `each` for every one that is whole, in no order, until it answers something but 0, which is
 * returned. */
int cache_reference_each(const struct cache *cache,
                         int (*each)(void *context, const struct cache_reference *reference),
                         void *context);
/* The caller holds the lock. */
int cache_reference_write(const struct cache *cache, const struct cache_reference *reference);
int cache_reference_remove(const struct cache *cache, const char *reference);
/* From its file. */
int cache_reference_take(int fd, struct cache_reference *found);
/* Whether any reference leads to it. */
bool cache_reference_any(const struct cache *cache, const uint8_t digest[DIGEST_SIZE]);

/* cache_image.c */

/* Its file, to read: a descriptor, or -errno. */
int cache_image_open(const struct cache *cache, const uint8_t digest[DIGEST_SIZE]);

/*
 * Reads the header, and, where `evidence_fd` is not NULL, copies the evidence into a
 * sealed memfd; nobody has looked at that. The record's sizes and times are filled in. 0; -ENOENT:
 * its header is damaged; -errno.
 */
int cache_image_read(int fd, const uint8_t digest[DIGEST_SIZE], struct cache_image *image,
                     int *evidence_fd);
/* What an image with that evidence takes. */
uint64_t cache_image_size(int evidence_fd);
/* It was used now. */
void cache_image_touch(const struct cache *cache, const uint8_t digest[DIGEST_SIZE]);
/* The caller holds the lock. -EFBIG, and nothing is written: it alone is more than the cache may
 * have. */
int cache_image_write(const struct cache *cache, const struct cache_image *image, int evidence_fd);
int cache_image_remove(const struct cache *cache, const uint8_t digest[DIGEST_SIZE]);

/* cache_change.c: each takes the lock. */

/*
 * Keeps the image under the reference. What the reference led to before is forgotten if nothing
 * else leads there, and then the images that were not used longest, until the rest has room; never
 * this one. 0, or -errno and STORE with a sentence.
 */
int cache_keep(const struct cache *cache, const char *reference, const struct cache_image *image,
               int evidence_fd, struct error *error);
/* The reference leads to an image that is there already. */
int cache_point(const struct cache *cache, const char *reference, const uint8_t digest[DIGEST_SIZE],
                struct error *error);
/* -ENOENT without a sentence: there was none. An image goes with the last reference to it. */
int cache_forget_reference(const struct cache *cache, const char *reference, struct error *error);
int cache_forget_image(const struct cache *cache, const uint8_t digest[DIGEST_SIZE],
                       struct error *error);

/* cache_clean.c: removes what a fetcher that was killed has left: files that were not finished, and
 * images that no reference leads to. Does nothing while somebody else changes the cache. */
void cache_clean(const struct cache *cache);

/* cache_file.c: what the above share. */

void cache_image_name(const uint8_t digest[DIGEST_SIZE], char name[CACHE_NAME_SIZE]);
int cache_reference_name(const char *reference, char name[CACHE_NAME_SIZE]);
bool cache_name_is_image(const char *name);
bool cache_name_is_reference(const char *name);
bool cache_name_is_temporary(const char *name);
/* Of an image. */
int cache_name_digest(const char *name, uint8_t digest[DIGEST_SIZE]);

/* Begins a file beside its place: a descriptor, and its name; -errno. */
int cache_file_begin(const struct cache *cache, char name[CACHE_NAME_SIZE]);
/* Syncs it and puts it in its place, or, where `result` is negative, removes it. */
int cache_file_finish(const struct cache *cache, int fd, const char *temporary, const char *name,
                      int result);
int cache_file_write(int fd, const void *bytes, size_t size);
/* Exactly `size` bytes from `offset` on: -ENOENT where there are fewer. */
int cache_file_read(int fd, void *bytes, size_t size, uint64_t offset);
/* The same from `offset` of one file on to where another one's position is, through a small block.
 */
int cache_file_copy(int from, uint64_t offset, uint64_t size, int to);
int cache_held_open(const struct cache *cache, const char *name, struct cache_held *held);
bool cache_held_is_current(const struct cache *cache, const struct cache_held *held);
void cache_held_close(struct cache_held *held);
int cache_file_remove(const struct cache *cache, const char *name);
/* Calls `each` with every name that `is_wanted` takes, until it answers something but 0, which is
 * returned. */
int cache_files_each(const struct cache *cache, bool (*is_wanted)(const char *name),
                     int (*each)(void *context, const char *name), void *context);
int cache_lock(const struct cache *cache);
void cache_unlock(const struct cache *cache);

#endif
