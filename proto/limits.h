/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Bounds that every process agrees on. Text sizes include the terminating zero. */
#ifndef BPFD_PROTO_LIMITS_H
#define BPFD_PROTO_LIMITS_H

#define OBJECT_SIZE_MAX (16u << 20) /* bytes of an ELF object */
#define FUNCTION_NAME_SIZE 128      /* a program's function name in the object */
#define MAP_NAME_SIZE 64            /* a map's name in the object */
#define GLOBAL_NAME_SIZE 128
#define METADATA_KEY_SIZE 64
#define METADATA_VALUE_SIZE 192
#define APPLICATION_SIZE 64
#define INTERFACE_SIZE 16  /* IFNAMSIZ */
#define TRACEPOINT_SIZE 64 /* a group's or an event's name */
#define TARGET_PATH_SIZE 256
#define PLACES_MAX 32      /* functions or offsets under one link of a _multi type */
#define REQUEST_ID_SIZE 16 /* bytes, chosen by the client at random; all zero means none */
#define DIGEST_SIZE 32     /* SHA-256 */
#define LOAD_PROGRAMS_MAX 32
#define LOAD_MAPS_MAX 64
#define LOAD_GLOBALS_MAX 64
#define GLOBAL_DATA_MAX 16384 /* bytes of all values of one load together */
#define METADATA_MAX 32
#define XDP_PROGRAMS_MAX 10   /* by libxdp's protocol */
#define CHAIN_PROGRAMS_MAX 64 /* of a place that is no dispatcher's: the kernel's own bound */
#define PRIORITY_DEFAULT 50
#define PRIORITY_MAX 1000000 /* priorities go from 0 to here */
#define REASON_SIZE 256      /* why a program or link is not as it was asked for */
#define VERIFIER_LOG_MAX (16u << 20)
#define MAP_KEY_MAX 512           /* bytes of a key that clients may ask about */
#define MAP_VALUE_MAX (4u << 20)  /* bytes of a value, of all processors where each has its own */
#define MAP_VALUE_INLINE_MAX 4096 /* longer ones travel in a memfd */
#define MAP_PAGE_ENTRIES_MAX 1024 /* of one answer to a dump */
#define BTF_SIZE_MAX (16u << 20)  /* of a map's types */
#define IMAGE_REFERENCE_SIZE 512  /* registry/repository:tag@sha256:... */
#define IMAGE_USERNAME_SIZE 256
#define IMAGE_PASSWORD_SIZE 4096 /* registries' tokens are long */
#define IMAGE_TYPE_SIZE 32
#define IMAGE_FETCHES_MAX 8      /* fetchers that work at one time; one more is kept warm */
#define IMAGE_QUEUE_MAX 64       /* requests that may wait for a fetcher; half of them one user's */
#define IMAGE_CACHED_MAX 4096    /* references in the cache */
#define IMAGE_RULE_TEXT_SIZE 256 /* a pattern, a file's name, an identity, an issuer */

#endif
