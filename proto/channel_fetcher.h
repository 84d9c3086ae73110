/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Frontend (upper end) and one fetcher (lower end): one job down; up its progress, what it is
 * about, the object and the evidence, and the end. A fetcher serves one job and ends.
 *
 * Its settings come from the launcher, as a sealed memfd at ROLE_FD_PEER: the frontend cannot
 * change them.
 */
#ifndef BPFD_PROTO_CHANNEL_FETCHER_H
#define BPFD_PROTO_CHANNEL_FETCHER_H

#include "common/channel.h"
#include "common/error.h"
#include "proto/image_records.h"

enum fetcher_state { FETCHER_STATE_WARM = 1, FETCHER_STATE_WARMING = 2, FETCHER_STATE_WORKING = 4 };

#define FETCHER_INSECURE_MAX 16

/* The launcher's settings, one structure in a sealed memfd. Paths are absolute. */
struct fetcher_settings {
	uint32_t log_level;
	uint32_t signatures; /* 1: some rule wants signatures: they are fetched with the image */
	uint32_t total_timeout_ms; /* for a whole job */
	uint32_t stall_timeout_ms; /* that a registry may send next to nothing */
	uint64_t cache_size_max;   /* bytes */
	uint32_t insecure_count;
	uint32_t reserved;
	char cache_directory[128]; /* <state>/images, the fetcher's own */
	char ca_file[128];         /* PEM bundle of those who may vouch for a registry's name */
	char insecure[FETCHER_INSECURE_MAX][128]; /* host[:port] that may be spoken to by http,
	                                             beside loopback */
};

enum fetcher_operation {
	FETCHER_PULL = 1,    /* into the cache, by the pull policy */
	FETCHER_OBJECT = 2,  /* the same, and hand on the object: for a load, and to be verified */
	FETCHER_LIST = 3,    /* what the cache has; no reference */
	FETCHER_INSPECT = 4, /* what the cache has of this reference; no network */
	FETCHER_REMOVE = 5   /* forget it */
};

struct fetcher_job {
	uint32_t operation;   /* enum fetcher_operation */
	uint32_t pull_policy; /* enum image_pull_policy */
	uint32_t signatures;  /* 1: fetch signatures, whatever the settings say */
	uint32_t reserved;
	char reference[IMAGE_REFERENCE_SIZE]; /* as the user wrote it; INSPECT and REMOVE also take
	                                         "sha256:..." of an image */
	char username[IMAGE_USERNAME_SIZE];   /* empty: anonymous */
	char password[IMAGE_PASSWORD_SIZE];
};

enum fetcher_stage {
	FETCHER_STAGE_RESOLVE = 1, /* asks the registry what the reference is */
	FETCHER_STAGE_LAYER = 2,
	FETCHER_STAGE_SIGNATURES = 3,
	FETCHER_STAGE_CHECK = 4
};

/* At most a few times in a second. */
struct fetcher_progress {
	uint32_t stage; /* enum fetcher_stage */
	uint32_t reserved;
	uint64_t done_bytes;
	uint64_t total_bytes; /* 0: not known */
};

struct fetcher_object {
	uint8_t object[DIGEST_SIZE]; /* SHA-256 of the object, as the fetcher made it */
	uint64_t object_size;
};

struct fetcher_done {
	uint32_t count;  /* IMAGEs sent */
	uint32_t cached; /* 1: nothing was fetched */
};

struct fetcher_failed {
	struct error error;
};

/* X(NAME, type, sender, structure, descriptors, receiver's states) */
#define CHANNEL_FETCHER(X)                                                                   \
	X(JOB, 1, UPPER, struct fetcher_job, 0, FETCHER_STATE_WARM)                          \
	X(WARM, 2, LOWER, struct channel_nothing, 0, FETCHER_STATE_WARMING)                  \
	X(PROGRESS, 3, LOWER, struct fetcher_progress, 0, FETCHER_STATE_WORKING)             \
	X(IMAGE, 4, LOWER, struct record_image, 0, FETCHER_STATE_WORKING)                    \
	/* the object and the evidence (proto/evidence.h), both sealed; follows its IMAGE */ \
	X(OBJECT, 5, LOWER, struct fetcher_object, 2, FETCHER_STATE_WORKING)                 \
	X(DONE, 6, LOWER, struct fetcher_done, 0, FETCHER_STATE_WORKING)                     \
	X(FAILED, 7, LOWER, struct fetcher_failed, 0, FETCHER_STATE_WARMING | FETCHER_STATE_WORKING)

enum fetcher_message {
#define X(name, type, ...) CHANNEL_ENUM_ROW(FETCHER_MESSAGE_, name, type)
	CHANNEL_FETCHER(X)
#undef X
};

extern const struct channel_list channel_fetcher;

#endif
