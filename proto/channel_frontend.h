/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Frontend (upper end) and broker (lower end). The frontend asks for changes only; everything it
 * shows to clients it answers from its own view, which the broker keeps up to date with rows. Rows
 * of a change precede its answer; only the counters in STATUS may follow it.
 */
#ifndef BPFD_PROTO_CHANNEL_FRONTEND_H
#define BPFD_PROTO_CHANNEL_FRONTEND_H

#include "common/channel.h"
#include "common/error.h"
#include "proto/image_records.h"
#include "proto/kernel_records.h"
#include "proto/records.h"

enum frontend_state { FRONTEND_STATE_STARTING = 1, FRONTEND_STATE_READY = 2 };
#define FRONTEND_STATE_ANY (FRONTEND_STATE_STARTING | FRONTEND_STATE_READY)

struct frontend_load_program {
	char function[FUNCTION_NAME_SIZE]; /* empty is not allowed */
	char target[FUNCTION_NAME_SIZE];   /* kernel function or hook; empty: the section's */
	uint32_t type;                     /* enum program_type; NONE: what its section says */
	uint32_t exclusive; /* XDP: 1 loads PROGRAM_FORM_NATIVE, for attach --exclusive */
};

/* + 1 descriptor: the object, a memfd sealed against writing, growing and shrinking. */
struct frontend_load {
	struct record_peer peer;
	uint8_t request_id[REQUEST_ID_SIZE];
	uint32_t program_count;
	uint32_t persist;   /* 1: loaded again after a reboot */
	uint64_t map_owner; /* a program whose maps are used where they have the same names; 0: none
	                     */
	char application[APPLICATION_SIZE];
	char source_name[128];
	struct frontend_load_program programs[LOAD_PROGRAMS_MAX];
	struct record_metadata metadata;
	struct record_globals globals;
};

/* An object out of an image. + 2 descriptors: the object as for LOAD, and the evidence for a
 * verifier (proto/evidence.h), sealed likewise. */
struct frontend_load_image {
	struct frontend_load load;
	struct record_image_name image;
};

/* A question for a verifier: not a change, and not remembered. + 2 descriptors as above. */
struct frontend_verify_image {
	struct record_peer peer;
	struct record_image_name image;
	uint32_t demand; /* 1: a signature is wanted, whatever the rule says */
	uint32_t reserved;
};

/* The rules about signatures are to be read again. */
struct frontend_rules_read {
	struct record_peer peer;
};

struct frontend_rules {
	uint32_t demands; /* how many want a signature */
	uint32_t changed; /* 1: they are not as they were */
};

/* The answer to VERIFY_IMAGE where nothing was refused. */
struct frontend_verdict {
	struct record_verdict verdict;
};

struct frontend_attach {
	struct record_peer peer;
	uint8_t request_id[REQUEST_ID_SIZE];
	uint64_t program_id;
	uint32_t type; /* enum program_type; must be the program's */
	uint32_t reserved;
	struct record_target target;
	struct record_places places;
	struct record_metadata metadata;
};

/* Change a link in place. What is not given stays as it is. */
struct frontend_update {
	struct record_peer peer;
	uint8_t request_id[REQUEST_ID_SIZE];
	uint64_t link_id;
	uint64_t program_id; /* 0: the program stays */
	int32_t priority;
	uint32_t proceed_on; /* as in struct record_target */
	uint32_t given;      /* 1 << enum target_field: of PRIORITY and PROCEED_ON */
	uint32_t reserved;
};

/* Detach a link or unload a program (which detaches its links first). */
struct frontend_remove {
	struct record_peer peer;
	uint8_t request_id[REQUEST_ID_SIZE];
	uint64_t target_id;
	uint32_t force; /* UNLOAD: 1: also while other programs use its maps */
	uint32_t reserved;
};

enum frontend_map_question {
	FRONTEND_MAP_GET = 1,  /* the value of `key` */
	FRONTEND_MAP_DUMP = 2, /* the entries that follow `key`, or the first ones */
	FRONTEND_MAP_TYPES = 3 /* the BTF that describes keys and values */
};

/* A question about a program's map: not a change, and not remembered. */
struct frontend_map_read {
	struct record_peer peer;
	uint64_t program_id;
	uint64_t seen; /* DUMP: keys that the pages before have been through */
	char map[MAP_NAME_SIZE];
	uint32_t question;    /* enum frontend_map_question */
	uint32_t entries_max; /* DUMP: at most so many; 0: as many as bpfd gives at once */
	uint32_t key_size;    /* 0: no key is given */
	uint32_t reserved;
	uint8_t key[MAP_KEY_MAX];
};

/* Which entry is to be changed, and how. Set alone has a mode and a value. */
struct frontend_map_entry {
	struct record_peer peer;
	uint8_t request_id[REQUEST_ID_SIZE];
	uint64_t program_id;
	char map[MAP_NAME_SIZE];
	uint32_t mode; /* BPF_ANY, BPF_NOEXIST or BPF_EXIST */
	uint32_t key_size;
	uint32_t value_size;
	uint32_t reserved;
	uint8_t key[MAP_KEY_MAX];
};

/* Set an entry whose value fits; a longer value is in the memfd that comes with MAP_SET_LONG. */
struct frontend_map_set {
	struct frontend_map_entry entry;
	uint8_t value[MAP_VALUE_INLINE_MAX];
};

/* The answer to MAP_READ. GET and DUMP: `count` times a key and a value; TYPES: BTF. */
struct frontend_map_data {
	uint32_t question; /* as asked */
	uint32_t count;
	uint32_t key_size;
	uint32_t value_size; /* in the memfd: of all processors where each has its own */
	uint32_t cpus;       /* how many values that are, each rounded up to 8 bytes; 0: one */
	uint32_t complete;   /* DUMP: 1: nothing follows */
	uint32_t disturbed;  /* DUMP: 1: entries went meanwhile, others may come twice or not at all
	                      */
	uint32_t key_type;   /* TYPES: their ids; 0: not known */
	uint32_t value_type;
	uint32_t reserved;
	uint64_t seen;
	uint64_t size;                 /* bytes in the memfd */
	uint8_t last_key[MAP_KEY_MAX]; /* DUMP, not complete: where to go on */
};

enum frontend_gone_kind {
	FRONTEND_GONE_PROGRAM = 1,
	FRONTEND_GONE_LINK = 2,
	FRONTEND_GONE_CHAIN = 3
};

struct frontend_gone {
	uint32_t kind; /* enum frontend_gone_kind */
	uint32_t reserved;
	uint64_t id; /* of the program or link; a chain's RECORD_CHAIN_ID */
};

/* The change is done (and stored): ids of the loaded programs, of the new link, or of what was
 * removed. */
struct frontend_done {
	uint32_t count;
	uint32_t repeated; /* 1: this request id was answered before; the first answer again */
	uint64_t ids[LOAD_PROGRAMS_MAX];
};

struct frontend_refused {
	struct error error;
	uint32_t log_size; /* REFUSED_WITH_LOG: bytes of verifier log in the memfd */
};

#define STATISTICS_S_MAX 300

/* The kernel's programs, maps or links, whoever made them. */
struct frontend_kernel_list {
	uint32_t kind;         /* enum kernel_kind */
	uint32_t after_id;     /* only what has a higher id, if the answer comes in slices */
	uint32_t statistics_s; /* run counts are kept up for so long; at most STATISTICS_S_MAX */
	uint32_t reserved;
};

enum frontend_kernel_form {
	FRONTEND_KERNEL_ITERATOR = 1, /* to be read to its end: everything there is */
	FRONTEND_KERNEL_SLICE = 2     /* a sealed memfd; `more` says whether to ask again */
};

/* + 1 descriptor: records of proto/kernel_records.h. */
struct frontend_kernel_records {
	uint32_t form;       /* enum frontend_kernel_form */
	uint32_t count;      /* records in the slice */
	uint32_t more;       /* 1: what follows the slice's last id is still to be asked for */
	uint32_t statistics; /* 1: the kernel counts runs now */
};

/* X(NAME, type, sender, structure, descriptors, receiver's states) */
#define CHANNEL_FRONTEND(X)                                                                   \
	X(LOAD, 1, UPPER, struct frontend_load, 1, FRONTEND_STATE_READY)                      \
	X(ATTACH, 2, UPPER, struct frontend_attach, 0, FRONTEND_STATE_READY)                  \
	X(DETACH, 3, UPPER, struct frontend_remove, 0, FRONTEND_STATE_READY)                  \
	X(UNLOAD, 4, UPPER, struct frontend_remove, 0, FRONTEND_STATE_READY)                  \
	X(STATUS, 5, LOWER, struct record_status, 0, FRONTEND_STATE_ANY)                      \
	X(PROGRAM, 6, LOWER, struct record_program, 0, FRONTEND_STATE_ANY)                    \
	X(GLOBALS, 7, LOWER, struct frontend_globals, 0, FRONTEND_STATE_ANY)                  \
	X(LINK, 8, LOWER, struct record_link, 0, FRONTEND_STATE_ANY)                          \
	X(CHAIN, 9, LOWER, struct record_chain, 0, FRONTEND_STATE_ANY)                        \
	X(GONE, 10, LOWER, struct frontend_gone, 0, FRONTEND_STATE_ANY)                       \
	X(VIEW_COMPLETE, 11, LOWER, struct channel_nothing, 0, FRONTEND_STATE_STARTING)       \
	X(DONE, 12, LOWER, struct frontend_done, 0, FRONTEND_STATE_READY)                     \
	X(REFUSED, 13, LOWER, struct frontend_refused, 0, FRONTEND_STATE_READY)               \
	X(REFUSED_WITH_LOG, 14, LOWER, struct frontend_refused, 1, FRONTEND_STATE_READY)      \
	X(UPDATE, 15, UPPER, struct frontend_update, 0, FRONTEND_STATE_READY)                 \
	X(KERNEL_LIST, 16, UPPER, struct frontend_kernel_list, 0, FRONTEND_STATE_READY)       \
	X(KERNEL_RECORDS, 17, LOWER, struct frontend_kernel_records, 1, FRONTEND_STATE_READY) \
	X(MAP_READ, 18, UPPER, struct frontend_map_read, 0, FRONTEND_STATE_READY)             \
	X(MAP_SET, 19, UPPER, struct frontend_map_set, 0, FRONTEND_STATE_READY)               \
	X(MAP_SET_LONG, 20, UPPER, struct frontend_map_entry, 1, FRONTEND_STATE_READY)        \
	X(MAP_DELETE, 21, UPPER, struct frontend_map_entry, 0, FRONTEND_STATE_READY)          \
	X(MAP_DATA, 22, LOWER, struct frontend_map_data, 1, FRONTEND_STATE_READY)             \
	X(LOAD_IMAGE, 23, UPPER, struct frontend_load_image, 2, FRONTEND_STATE_READY)         \
	X(VERIFY_IMAGE, 24, UPPER, struct frontend_verify_image, 2, FRONTEND_STATE_READY)     \
	X(VERDICT, 25, LOWER, struct frontend_verdict, 0, FRONTEND_STATE_READY)               \
	X(RULES_READ, 26, UPPER, struct frontend_rules_read, 0, FRONTEND_STATE_READY)         \
	X(RULES, 27, LOWER, struct frontend_rules, 0, FRONTEND_STATE_READY)                   \
	X(LOAD_COMING, 28, UPPER, struct channel_nothing, 0, FRONTEND_STATE_READY)

/* The globals that were set when the program was loaded. */
struct frontend_globals {
	uint64_t program_id;
	struct record_globals globals;
};

enum frontend_message {
#define X(name, type, ...) CHANNEL_ENUM_ROW(FRONTEND_, name, type)
	CHANNEL_FRONTEND(X)
#undef X
};

extern const struct channel_list channel_frontend;

#endif
