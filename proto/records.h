/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Fixed-size records that travel between broker and frontend and lie in the store. No pointers, no
 * padding that is not named, texts zero-filled to their size (channel_text_ok).
 */
#ifndef BPFD_PROTO_RECORDS_H
#define BPFD_PROTO_RECORDS_H

#include "proto/image_records.h"
#include "proto/limits.h"

#include <stdint.h>

/* Who asked: SO_PEERCRED of the client, taken by the frontend. */
struct record_peer {
	uint32_t uid;
	uint32_t gid;
	uint32_t pid;
	uint32_t reserved;
};

struct record_metadata_entry {
	char key[METADATA_KEY_SIZE];
	char value[METADATA_VALUE_SIZE];
};

struct record_metadata {
	uint32_t count;
	uint32_t reserved;
	struct record_metadata_entry entries[METADATA_MAX];
};

enum record_map_flag {
	RECORD_MAP_BY_NAME =
		1 /* shared with every object that declares it so: LIBBPF_PIN_BY_NAME */
};

struct record_map {
	char name[MAP_NAME_SIZE]; /* as in the object; the pin has this name with '.' written '_' */
	uint64_t origin; /* load_id of the load that made it, which those that share it keep */
	uint32_t kernel_id;
	uint32_t type; /* enum bpf_map_type */
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t flags; /* enum record_map_flag */
};

struct record_global {
	char name[GLOBAL_NAME_SIZE];
	uint32_t offset; /* into the value bytes */
	uint32_t size;
};

struct record_globals {
	uint32_t count;
	uint32_t data_size;
	struct record_global entries[LOAD_GLOBALS_MAX];
	uint8_t data[GLOBAL_DATA_MAX];
};

enum program_form {
	PROGRAM_FORM_NATIVE =
		0, /* loaded as its own type; an XDP program of this form attaches only alone */
	PROGRAM_FORM_EXTENSION =
		1 /* XDP loaded as BPF_PROG_TYPE_EXT, a component for dispatchers */
};

/* What an XDP program's object says about its place in a chain (DATASEC .xdp_run_config), else
 * libxdp's defaults. */
struct record_xdp_defaults {
	uint32_t priority;
	uint32_t proceed_on; /* bit n: go on to the next program when this one returns n */
	uint32_t frags;      /* 1: the program was loaded with BPF_F_XDP_HAS_FRAGS */
	uint32_t reserved;
};

enum program_state {
	PROGRAM_STATE_LOADED = 0,
	PROGRAM_STATE_RESTORING = 1, /* persistent, and to be loaded again */
	PROGRAM_STATE_FAILED = 2     /* it could not be: the reason says why */
};

/* A program: one loaded function of one object. Its id is bpfd's own and never used again. */
struct record_program {
	uint64_t id;
	uint32_t type; /* enum program_type */
	uint32_t form; /* enum program_form */
	uint32_t kernel_id;
	uint32_t kernel_type; /* enum bpf_prog_type as loaded */
	uint32_t owner_uid;
	uint32_t owner_gid;
	uint64_t loaded_at_s; /* Unix time */
	uint32_t bytes_xlated;
	uint32_t bytes_jited;
	uint32_t bytes_memlock; /* 0: unknown; /proc/<pid>/fdinfo has it, which the broker may not
	                           read */
	uint32_t verified_insns;
	uint32_t btf_id;
	uint32_t gpl_compatible;
	uint32_t map_count;
	uint32_t persist; /* 1: loaded and attached again after a reboot */
	struct record_xdp_defaults xdp;
	uint64_t load_id;   /* id of the first program of the load: those of one load share maps */
	uint64_t map_owner; /* the program that it was loaded with the maps of; 0: none */
	uint32_t exclusive; /* 1: it was loaded with --exclusive */
	uint32_t state;     /* enum program_state */
	char name[FUNCTION_NAME_SIZE];
	char target[FUNCTION_NAME_SIZE]; /* what it was loaded for: a kernel function or hook */
	char kernel_name[16];
	uint8_t tag[8];
	uint8_t digest[DIGEST_SIZE]; /* SHA-256 of the object */
	char application[APPLICATION_SIZE];
	char source_name[128]; /* what the client called the object: the base name of its file */
	struct record_image_name image; /* it came out of; an empty reference: out of a file */
	struct record_verdict verdict;  /* on that image, when it was loaded */
	struct record_map maps[LOAD_MAPS_MAX];
	struct record_metadata metadata;
	char reason[REASON_SIZE]; /* while FAILED: why */
};

enum link_state {
	LINK_STATE_ATTACHING = 1, /* intent: undone at start if found so */
	LINK_STATE_ATTACHED = 2,
	LINK_STATE_DETACHING = 3, /* intent: finished at start if found so */
	LINK_STATE_REMOVED = 4,   /* somebody else took it off the interface */
	LINK_STATE_GONE = 5,      /* its interface, control group or namespace is gone */
	LINK_STATE_UPDATING = 6,  /* intent: taken back at start if found so */
	LINK_STATE_WAITING = 7,   /* to be attached again, once its interface is there */
	LINK_STATE_FAILED = 8     /* it could not be attached again: the reason says why */
};

enum xdp_mode { XDP_MODE_DEFAULT = 0, XDP_MODE_NATIVE = 1, XDP_MODE_GENERIC = 2 };

enum direction { DIRECTION_NONE = 0, DIRECTION_INGRESS = 1, DIRECTION_EGRESS = 2 };

/*
 * Where a program is to run, for every program type. Which of the fields a type takes, and in which
 * ranges, is in common/target.h; all others are zero.
 */
struct record_target {
	char interface[INTERFACE_SIZE];
	char netns[TARGET_PATH_SIZE]; /* a network namespace's file; empty: bpfd's own */
	char path[TARGET_PATH_SIZE];  /* of a binary or a control group */
	char function[FUNCTION_NAME_SIZE];
	char group[TRACEPOINT_SIZE];
	char name[TRACEPOINT_SIZE];
	uint64_t offset;   /* bytes */
	uint64_t netns_id; /* inode number of the namespace or control group; the broker's */
	uint32_t ifindex;  /* filled in by the broker */
	int32_t priority;
	uint32_t proceed_on; /* one bit for each return value: see struct action_table */
	uint32_t mode;       /* enum xdp_mode; what it became, once attached */
	uint32_t exclusive;  /* 1: the program itself is attached, without a dispatcher */
	uint32_t direction;  /* enum direction */
	uint32_t follow;     /* 1: attached again when an interface of this name returns */
	uint32_t pid;
	uint32_t container_pid;
	uint32_t cpu;
	uint32_t frequency_hz;
	uint32_t family; /* 1: IPv4, 2: IPv6 */
	uint32_t hook;   /* NF_INET_* and 1 */
	uint32_t given;  /* 1 << enum target_field: what the client said, also where it is zero */
	uint32_t reserved[2];
};

/* One more place of a link that has several: what `function` and `offset` are of its target. */
struct record_place {
	char function[FUNCTION_NAME_SIZE];
	uint64_t offset; /* bytes */
};

/* The places of a link beside the one that its target says: common/places.h. */
struct record_places {
	uint32_t count;
	uint32_t reserved;
	struct record_place entries[PLACES_MAX - 1];
};

/* A link: one attachment of a program. */
struct record_link {
	uint64_t id;
	uint64_t program_id;
	uint32_t type;  /* enum program_type */
	uint32_t state; /* enum link_state */
	uint32_t owner_uid;
	uint32_t owner_gid;
	uint64_t attached_at_s;
	uint64_t updating_to; /* while UPDATING: the program that shall run instead; else 0 */
	struct record_target target;
	struct record_places places;
	struct record_metadata metadata;
	char reason[REASON_SIZE]; /* while WAITING or FAILED: why */
};

/* What runs on one interface now, in order: the broker derives it from the kernel, nobody stores
 * it. Each type has a chain of its own there, and each direction of a type that has them. */
struct record_chain_entry {
	uint64_t link_id; /* 0: a foreign program */
	uint32_t kernel_id;
	uint32_t priority;
	uint32_t proceed_on;
	uint32_t reserved;
	char kernel_name[16];
};

struct record_chain {
	uint32_t ifindex;
	uint32_t dispatcher_id; /* kernel id of what is attached to the interface; 0: nothing */
	uint32_t dispatcher_version; /* 2; 0: attached without a dispatcher */
	uint32_t mode;               /* enum xdp_mode as the kernel says */
	uint32_t foreign_dispatcher; /* 1: somebody else built the dispatcher that is there */
	uint32_t count;
	uint32_t direction; /* enum direction; NONE: XDP */
	uint32_t type;      /* enum program_type */
	uint32_t netns;     /* inode number of the interface's network namespace; 0: bpfd's own */
	uint32_t reserved;
	char interface[INTERFACE_SIZE];
	struct record_chain_entry entries[CHAIN_PROGRAMS_MAX];
};

/*
 * Tells one chain from another, and names it in GONE. Whole: of a namespace's number the two upper
 * bits are always set (the kernel counts from 0xeffffff0), of an index one is not, only xdp (1) and
 * types 9 to 11 have chains, and only two directions are directions.
 */
#define RECORD_CHAIN_ID(type, netns, ifindex, direction)                              \
	((uint64_t)((type)&2 ? ((type)&1) + 2 : (type) >> 3) << 62 |                  \
	 (uint64_t)((netns)&0x3fffffffu) << 32 | (uint64_t)((direction) >> 1) << 31 | \
	 ((ifindex)&0x7fffffffu))
/* The least number of a network namespace that is not bpfd's own. */
#define RECORD_NETNS_LEAST 0xc0000001u

/* Run counts. */
enum record_statistics {
	RECORD_STATISTICS_NONE = 0,
	RECORD_STATISTICS_WATCHED = 1, /* while somebody looks: the opener sees to it */
	RECORD_STATISTICS_ALWAYS = 2   /* kernel.bpf_stats_enabled was set when bpfd started */
};

/* What the broker found out about this host, for `bpfctl status`. */
struct record_status {
	uint32_t extension_programs; /* 1: this kernel loads BPF_PROG_TYPE_EXT */
	int32_t extension_errno;     /* why not */
	uint32_t perf_link;          /* 1: perf attachments are pinnable links */
	uint32_t opener;             /* 1: the opener runs */
	uint32_t landlock_abi;       /* 0: none */
	uint32_t store_copy;         /* 1: the store's copy is written after changes */
	int32_t store_copy_errno;    /* why not */
	uint32_t iterators;          /* 1 << enum kernel_kind: bpfd's own, which are loaded */
	uint32_t statistics;         /* enum record_statistics */
	uint32_t iterators_refused;  /* 1 << enum kernel_kind: those that the kernel refused */
	uint32_t images;             /* 1: fetchers may be started */
	uint32_t signed_only;        /* 1: nothing is loaded without a verified signature */
	uint32_t image_rules;        /* how many rules want signatures */
	uint32_t reserved;
	uint64_t started_at_s;
	uint64_t loads;
	uint64_t loads_failed;
	uint64_t attaches;
	char kernel_release[64];
};

#endif
