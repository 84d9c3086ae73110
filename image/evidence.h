/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Writes and reads proto/evidence.h: what a verifier follows from an image's digest to its object.
 */
#ifndef BPFD_IMAGE_EVIDENCE_H
#define BPFD_IMAGE_EVIDENCE_H

#include "common/error.h"
#include "proto/evidence.h"

#include <stddef.h>
#include <stdint.h>

struct evidence_writer {
	int fd; /* a memfd of the bytes so far; -1: not begun, or finished */
	uint32_t count;
	uint64_t size; /* bytes in it */
	struct evidence_entry entries[EVIDENCE_ENTRIES_MAX];
};
#define EVIDENCE_WRITER_INIT \
	{                    \
		.fd = -1     \
	}

/* Adds one entry, from memory or `size` bytes of a file. Nothing is kept of the source. 0; -E2BIG
 * and LIMIT where the evidence is full (the writer is then as it was), -errno. */
int evidence_add(struct evidence_writer *writer, enum evidence_kind kind, const void *bytes,
                 size_t size, struct error *error);
int evidence_add_fd(struct evidence_writer *writer, enum evidence_kind kind, int fd, uint64_t size,
                    struct error *error);

/* The sealed memfd, or -errno with a sentence. The writer is empty again. */
int evidence_finish(struct evidence_writer *writer, struct error *error);

/* Forgets what was added; for _cleanup_ too. */
void evidence_writer_close(struct evidence_writer *writer);

struct evidence_part {
	enum evidence_kind kind;
	uint64_t offset; /* in the memfd: for layer_open() and digest_of_fd() */
	uint64_t size;
};

struct evidence {
	int fd; /* the caller's, who keeps it open */
	uint32_t count;
	struct evidence_part parts[EVIDENCE_ENTRIES_MAX];
};

/*
 * Checks a memfd from another process: seals, size, magic, that kinds are known and the parts lie
 * one after the other up to its very end. 0, or -EPROTO with a sentence (INTERNAL: only a broken or
 * subverted fetcher writes it otherwise). What the parts hold is a stranger's.
 */
int evidence_open(int fd, struct evidence *evidence, struct error *error);

/* The part's bytes in memory, at most `size_max` of them: 0 and *bytes (free()), -EMSGSIZE,
 * -ENOMEM, -errno. An empty one is one byte of memory, never NULL. */
int evidence_read(const struct evidence *evidence, uint32_t part, size_t size_max, void **bytes,
                  size_t *size);

/* The first part of that kind from `from` on, or -ENOENT. */
int evidence_find(const struct evidence *evidence, enum evidence_kind kind, uint32_t from);

#endif
