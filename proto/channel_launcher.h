/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Launcher (upper end) and each role (lower end): settings down once, READY up once, and from the
 * broker and the frontend the wish for a worker. A role whose channel ends must end too.
 */
#ifndef BPFD_PROTO_CHANNEL_LAUNCHER_H
#define BPFD_PROTO_CHANNEL_LAUNCHER_H

#include "common/channel.h"
#include "common/error.h"

#include <stdint.h>

/* A role finds its channels at these descriptor numbers after exec. */
enum role_descriptor {
	ROLE_FD_LAUNCHER =
		3,          /* this channel (a worker: that of who asked for it; it has no other) */
	ROLE_FD_PEER = 4,   /* broker: the frontend; frontend and opener: the broker; fetcher and
	                       verifier: their settings, a sealed memfd */
	ROLE_FD_EXTRA = 5,  /* broker: the opener, if it runs; frontend: the listening socket */
	ROLE_FD_EVENTS = 6, /* frontend: the listening socket for those who watch */
	ROLE_FD_CPU_LATENCY = 6 /* broker: /dev/cpu_dma_latency, if it has it */
};

enum launcher_state { LAUNCHER_STATE_STARTING = 1, LAUNCHER_STATE_RUNNING = 2 };

/* Settings for every role; each uses what concerns it. Paths are absolute. */
struct launcher_settings {
	uint32_t log_level;
	uint32_t opener;     /* 1: the opener runs */
	uint32_t access_gid; /* members of this group may do everything, like root */
	uint32_t maps_gid;   /* the group that owns map pins */
	uint32_t connections_max;
	uint32_t connections_per_uid_max;
	uint32_t send_timeout_ms;
	uint32_t load_timeout_ms;
	uint64_t map_memory_max; /* bytes of map memory one load may ask for */
	uint32_t programs_max;   /* programs bpfd holds at most */
	uint32_t containers;     /* 1: the opener may look into containers */
	uint32_t signed_only;    /* 1: only what a rule's key or identity has signed is loaded */
	uint32_t image_rules;    /* how many rules about signatures there are: with none no verifier
	                            runs, unless signed_only */
	uint32_t images; /* 0: bpfd knows no images; 1: fetchers are started when some are asked
	                    for; 2: one is always ready */
	uint32_t fetch_timeout_ms; /* that a fetcher gives itself for a whole job */
	uint32_t cpu_latency;      /* 1: the broker has /dev/cpu_dma_latency */
	uint32_t reserved;
	char state_directory[128];   /* the store's copy: /var/lib/bpfd */
	char runtime_directory[128]; /* sockets, the lock, the live store: /run/bpfd */
	char bpffs_directory[128];   /* bpfd's own pins: /sys/fs/bpf/bpfd */
	char xdp_directory[128];     /* libxdp's pins: /sys/fs/bpf/xdp */
	char tracefs_directory[128]; /* /sys/kernel/tracing */
	char helpers_directory[128]; /* where the roles' binaries lie */
	char ca_directory[128];      /* where the certificates lie that fetchers trust */
	char rules_directory[128];   /* where policy.d lies, and beside it the keys */
};

/* The role is confined and serves. */
struct launcher_ready {
	uint32_t landlock_abi; /* what the kernel has; 0: none */
	uint32_t reserved;
};

/* To the frontend: one of bpfd's processes, as /proc has it once all are confined. */
struct launcher_process {
	char role[16];
	uint32_t pid;
	uint32_t uid;
	uint64_t capabilities; /* in effect, as 1 << CAP_* */
	uint32_t seccomp;      /* as /proc says: 2 is a filter */
	uint32_t no_new_privileges;
	uint32_t landlock_abi; /* of its rules; 0: it has none */
	uint32_t reserved;
};

/* What a role may have started: the broker loaders and verifiers, the frontend fetchers. */
enum worker_kind {
	WORKER_LOADER = 1,
	WORKER_VERIFIER = 2,
	WORKER_FETCHER = 3,
	WORKER_KIND_END = 4 /* one above the last of them */
};

struct launcher_worker_start {
	uint32_t kind; /* enum worker_kind */
	uint32_t reserved;
};

struct launcher_worker_gone {
	uint32_t pid;
	int32_t wait_status; /* as waitpid(2) gives it */
};

/* The rules about signatures, read again. */
struct launcher_rules {
	uint32_t demands;   /* how many want a signature */
	uint32_t changed;   /* 1: verifiers that run already judge by others */
	struct error error; /* with a code they could not be read, and nothing has changed */
};

/* X(NAME, type, sender, structure, descriptors, receiver's states) */
#define CHANNEL_LAUNCHER(X)                                                         \
	X(SETTINGS, 1, UPPER, struct launcher_settings, 0, LAUNCHER_STATE_STARTING) \
	X(READY, 2, LOWER, struct launcher_ready, 0, LAUNCHER_STATE_STARTING)       \
	/* start a worker whose descriptor 3 is the one sent */                     \
	X(WORKER_START, 3, LOWER, struct launcher_worker_start, 1,                  \
	  LAUNCHER_STATE_STARTING | LAUNCHER_STATE_RUNNING)                         \
	/* to who asked for it; the id is that of its WORKER_START */               \
	X(WORKER_GONE, 4, UPPER, struct launcher_worker_gone, 0,                    \
	  LAUNCHER_STATE_STARTING | LAUNCHER_STATE_RUNNING)                         \
	/* kill the worker started by this role's WORKER_START with this id */      \
	X(WORKER_KILL, 5, LOWER, struct channel_nothing, 0,                         \
	  LAUNCHER_STATE_STARTING | LAUNCHER_STATE_RUNNING)                         \
	/* finish what is being written and end */                                  \
	X(STOP, 6, UPPER, struct channel_nothing, 0,                                \
	  LAUNCHER_STATE_STARTING | LAUNCHER_STATE_RUNNING)                         \
	X(PROCESS, 7, UPPER, struct launcher_process, 0, LAUNCHER_STATE_RUNNING)    \
	/* broker only: read the rules again; the answer has this one's id */       \
	X(RULES_READ, 8, LOWER, struct channel_nothing, 0, LAUNCHER_STATE_RUNNING)  \
	X(RULES, 9, UPPER, struct launcher_rules, 0, LAUNCHER_STATE_RUNNING)

enum launcher_message {
#define X(name, type, ...) CHANNEL_ENUM_ROW(LAUNCHER_, name, type)
	CHANNEL_LAUNCHER(X)
#undef X
};

extern const struct channel_list channel_launcher;

#endif
