/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a fetcher hands on beside an object so that a verifier can follow, by hashing alone, from
 * the image's digest to the object, and find the signatures: a sealed memfd. The header, `count`
 * entries, then the entries' bytes one after the other, each filled up to a multiple of 8.
 * Everything in it is a stranger's; whoever reads it checks bounds first and hashes for himself.
 */
#ifndef BPFD_PROTO_EVIDENCE_H
#define BPFD_PROTO_EVIDENCE_H

#include <stdint.h>

#define EVIDENCE_MAGIC UINT64_C(0x31656469766570) /* "pevide1" */
#define EVIDENCE_ENTRIES_MAX 64
#define EVIDENCE_SIZE_MAX (48u << 20)

enum evidence_kind {
	EVIDENCE_INDEX = 1,
	EVIDENCE_MANIFEST = 2,
	EVIDENCE_LAYER = 3, /* as the registry sent it */
	EVIDENCE_SIGNATURE_MANIFEST =
		4,                  /* cosign's, of the tag sha256-<hex>.sig or of a referrer */
	EVIDENCE_SIGNATURE_BLOB = 5 /* a layer of one of those: a payload or a bundle */
};

struct evidence_header {
	uint64_t magic;
	uint32_t count;
	uint32_t reserved;
};

struct evidence_entry {
	uint32_t kind; /* enum evidence_kind */
	uint32_t reserved;
	uint64_t size; /* bytes */
};

#endif
