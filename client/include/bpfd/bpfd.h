/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libbpfd: a C program's way to bpfd, the eBPF program manager.
 *
 * Open one client and keep it: it holds one connection, which comes back by itself when bpfd was
 * restarted. Every call sends one request and waits for its answer. All functions may be called
 * from any thread; calls on one client wait for each other. A client does not survive fork(): open
 * it in the process that uses it.
 *
 * Functions return 0, or a negative errno:
 *   -EREMOTEIO            bpfd refused; the error says why
 *   -EINVAL               the arguments cannot be sent
 *   -ETIMEDOUT            no answer in time
 *   -ECONNRESET           bpfd closed the connection again and again
 *   -EPROTO               what came back is no answer of bpfd's
 *   -ENOMEM               out of memory
 *   -ENOENT, -ECONNREFUSED, -EACCES, and what else connect(2) says: bpfd cannot be reached
 * Outputs are set on success only; `error` (which may be NULL) on failure only. What a function
 * gives out belongs to the caller, is constant, and goes back in one piece by its _free function,
 * which takes NULL too.
 *
 * Texts are UTF-8. Times are Unix times in seconds. An id of 0 means "none".
 */
#ifndef BPFD_BPFD_H
#define BPFD_BPFD_H

#include <bpfd/events.h>
#include <bpfd/image.h>
#include <bpfd/maps.h>
#include <bpfd/words.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BPFD_SOCKET_PATH "/run/bpfd/bpfd.sock"
#define BPFD_TIMEOUT_MS 60000u           /* how long a call waits, unless told otherwise */
#define BPFD_OBJECT_SIZE_MAX (16u << 20) /* bytes of an object file */
#define BPFD_PLACES_MAX 32               /* functions or offsets under one link */
#define BPFD_TAG_SIZE 8

/* ---- errors ---- */

/* 1 to 99 are bpfd's own (bpfd.v1.ErrorCode), from 100 on the library's. */
enum bpfd_error_code {
	BPFD_ERROR_INVALID_ARGUMENT = 1,
	BPFD_ERROR_NOT_FOUND = 2,
	BPFD_ERROR_PERMISSION_DENIED = 3,
	BPFD_ERROR_ALREADY_EXISTS = 4,
	BPFD_ERROR_BUSY = 5,
	BPFD_ERROR_LIMIT = 6,
	BPFD_ERROR_UNSUPPORTED = 7,
	BPFD_ERROR_BAD_OBJECT = 8,
	BPFD_ERROR_VERIFIER = 9,
	BPFD_ERROR_KERNEL = 10,
	BPFD_ERROR_STORE = 11,
	BPFD_ERROR_UNAVAILABLE = 12,
	BPFD_ERROR_TIMEOUT = 13,
	BPFD_ERROR_INTERNAL = 14,
	BPFD_ERROR_REGISTRY = 15,       /* it refused, or what came from it is no usable image */
	BPFD_ERROR_UNTRUSTED = 16,      /* a signature is wanted, and no good one was found */
	BPFD_ERROR_NOT_REACHABLE = 100, /* no socket, nobody listens, or no permission */
	BPFD_ERROR_NO_ANSWER = 101,     /* time-out: whether the work was done is not known */
	BPFD_ERROR_BAD_ANSWER = 102,
	BPFD_ERROR_NO_MEMORY = 103
};

struct bpfd_error {
	enum bpfd_error_code code;
	const char *message;      /* one sentence: what, why, what to do */
	const char *verifier_log; /* the kernel's, whole and terminated; NULL if there is none */
	size_t verifier_log_size; /* bytes, without the terminator */
};

void bpfd_error_free(struct bpfd_error *error);

/* "invalid argument", "not found", ...; never NULL. */
const char *bpfd_error_code_name(enum bpfd_error_code code);

/* ---- the client ---- */

struct bpfd_client;

/*
 * Connects to the socket (NULL: BPFD_SOCKET_PATH). Fails at once if nobody listens there; without
 * membership of the group "bpfd" (or being root) with -EACCES.
 */
int bpfd_client_open(const char *socket_path, struct bpfd_client **client,
                     struct bpfd_error **error);
void bpfd_client_close(struct bpfd_client *client);

/* How long later calls wait for their answer; 0 is taken as 1. */
void bpfd_client_set_timeout(struct bpfd_client *client, uint32_t timeout_ms);

/* The version of the library that runs, as "0.1.0". */
const char *bpfd_library_version(void);

/*
 * Sixteen random bytes. A change that is repeated with the id it was first sent with is not done
 * twice: the first answer comes back. Where a request id is NULL the library makes one, which is
 * enough unless the caller wants to repeat a call that ended in BPFD_ERROR_NO_ANSWER. 0 or -errno
 * of getrandom(2).
 */
int bpfd_request_id_new(uint8_t request_id[BPFD_REQUEST_ID_SIZE]);

/* ---- what is described ---- */

struct bpfd_metadata {
	const char *key;   /* 1 to 63 bytes */
	const char *value; /* at most 191 bytes */
};

struct bpfd_global {
	const char *name;
	const void *value; /* raw, in memory order, exactly as long as the variable */
	size_t size;
};

struct bpfd_source {
	const char *kind;                       /* "file" or "image" */
	const char *name;                       /* of an image: its reference */
	uint8_t digest[BPFD_DIGEST_SIZE];       /* SHA-256 of the object */
	bool image;                             /* it is one, and the next two are set */
	uint8_t image_digest[BPFD_DIGEST_SIZE]; /* SHA-256 of what the reference led to */
	struct bpfd_verification verification;  /* when it was loaded */
};

struct bpfd_kernel_program {
	const char *name;
	const char *type;
	uint64_t loaded_at;
	const uint32_t *map_ids;
	size_t map_id_count;
	uint32_t id;
	uint32_t btf_id;
	uint32_t bytes_xlated;
	uint32_t bytes_jited;
	uint32_t bytes_memlock; /* 0: unknown */
	uint32_t verified_insns;
	uint8_t tag[BPFD_TAG_SIZE];
	bool gpl_compatible;
	uint64_t run_time_ns; /* counted while the kernel keeps statistics; 0 unless they were asked
	                         for, or everything was */
	uint64_t run_count;
};

/* What others loaded has an id of 0, and beside its name and owner only `kernel` and what is said
 * of maps. */
struct bpfd_program {
	uint64_t id;
	const char *name;
	const char *application; /* "" if none */
	const char *target;      /* what in the kernel it was loaded for; "" otherwise */
	const char *reason;      /* why it failed; "" otherwise */
	enum bpfd_program_type type;
	enum bpfd_program_state state;
	uint32_t owner_uid;
	bool exclusive;     /* an xdp program that attaches only alone */
	bool persist;       /* it is loaded and attached again after a reboot */
	uint64_t map_owner; /* whose maps it was loaded with; 0: nobody's, or that was unloaded */
	struct bpfd_source source;
	struct bpfd_kernel_program kernel;
	const struct bpfd_map *maps;
	size_t map_count;
	const char *map_pin_dir;
	const uint64_t *link_ids;
	size_t link_count;
	const struct bpfd_global *globals;
	size_t global_count;
	const struct bpfd_metadata *metadata;
	size_t metadata_count;
};

/* One more place of a program that runs at several. */
struct bpfd_place {
	const char *function; /* NULL or "": none */
	uint64_t offset;      /* bytes */
};

/*
 * Where a program runs. Each type takes some of the fields (bpfctl(1) has the list for each); any
 * other that is given is refused. Zeroed it says nothing.
 */
struct bpfd_target {
	const char *interface;
	const char *netns;        /* a network namespace's file; NULL: bpfd's own */
	const char *group, *name; /* of a tracepoint */
	const char *path;         /* of a binary or a control group */
	const char *function;
	const int32_t *proceed_on; /* return values after which the next program runs; none: what
	                              the object says */
	size_t proceed_on_count;
	uint64_t offset;   /* bytes */
	bool follow;       /* attach again when an interface of this name returns */
	bool exclusive;    /* xdp: without a chain: nothing else can then be attached there */
	bool priority_set; /* otherwise what the object says, else 50 */
	bool cpu_set;
	int32_t priority; /* lower runs first */
	uint32_t cpu;
	uint32_t pid;
	uint32_t container_pid;
	uint32_t frequency; /* Hz */
	enum bpfd_direction direction;
	enum bpfd_xdp_mode mode;
	enum bpfd_netfilter_family family;
	enum bpfd_netfilter_hook hook;
	const struct bpfd_place *places; /* of the ..._multi types: those beside function and
	                                    offset, at most BPFD_PLACES_MAX - 1 */
	size_t place_count;
};

struct bpfd_link {
	uint64_t id;         /* 0: attached by somebody else */
	uint64_t program_id; /* 0: loaded by somebody else */
	const char *program_name;
	enum bpfd_program_type type;
	enum bpfd_link_state state;
	uint32_t owner_uid;
	uint32_t kernel_program_id;
	struct bpfd_target target; /* no text is NULL */
	const char *where;         /* the target in a few words, for people */
	const char *reason;        /* why it waits, failed or is gone; "" otherwise */
	uint64_t
		netns_id; /* inode number of its network namespace; 0: bpfd's own, or it has none */
	uint32_t ifindex;
	bool running;      /* `position` counts */
	uint32_t position; /* 0 runs first */
	const struct bpfd_metadata *metadata;
	size_t metadata_count;
	uint32_t kernel_link_id; /* of a link that is not bpfd's, if everything was asked for */
	const char *kernel_type; /* and its type: "xdp", "tracing", ...; "" otherwise */
};

struct bpfd_programs {
	const struct bpfd_program *items;
	size_t count;
	bool statistics; /* the kernel counts runs now; known if they, or everything, were asked for
	                  */
};

struct bpfd_links {
	const struct bpfd_link *items;
	size_t count;
};

/* One program with its links. */
struct bpfd_program_details {
	struct bpfd_program program;
	const struct bpfd_link *links;
	size_t link_count;
};

/* ---- places in programs and libraries ---- */

/* What a uprobe is to be put to. The process numbers are the caller's. */
struct bpfd_symbol_query {
	const char *binary;   /* a path, or a library's name without '/', as "libc" or "libc.so.6":
	                         then   what the process maps, or without one what ld.so.cache has */
	const char *function; /* NULL: only the path is asked for */
	uint32_t pid;         /* 0: no process */
	uint32_t container_pid; /* the path is one in this process's root directory; 0: here */
};

struct bpfd_symbol {
	const char *path; /* absolute, for struct bpfd_target */
	uint64_t offset;  /* of the function, in bytes from the beginning of the file; 0: none was
	                     asked for */
};

/*
 * Looks a function up in the symbol tables of a program or library, in the calling process and
 * with its rights: bpfd reads no such file. Beside the errors above: -ENOENT, no such library or
 * function; -ENOTUNIQ, several; -EOPNOTSUPP, it is chosen when a program starts (IFUNC); -ENOEXEC,
 * no program or library; -ESRCH, no such process; -EXDEV, it sees another file there; -ESTALE, its
 * file was replaced; -EFBIG; and what open(2) and read(2) say.
 */
int bpfd_symbol_find(const struct bpfd_symbol_query *query, struct bpfd_symbol **symbol,
                     struct bpfd_error **error);
void bpfd_symbol_free(struct bpfd_symbol *symbol);

/* ---- changes ---- */

struct bpfd_load_program {
	enum bpfd_program_type type; /* NONE: what the function's section says */
	const char *function;        /* in the object */
	const char *target; /* the kernel's function, hook, ... (fentry, fexit, fmod_ret, lsm,
	                       tp_btf, iter); NULL: the section's */
	bool exclusive;     /* xdp: to be attached alone, not in a chain with others */
};

struct bpfd_load_request {
	const void *object; /* an ELF object, 1 byte to BPFD_OBJECT_SIZE_MAX; or `image` */
	size_t object_size;
	const struct bpfd_image_source *image;    /* NULL: `object` is given */
	const struct bpfd_load_program *programs; /* one at least; none with an image: those that
	                                             it names, or else its object */
	size_t program_count;
	const struct bpfd_global *globals;
	size_t global_count;
	const struct bpfd_metadata *metadata;
	size_t metadata_count;
	const char *application; /* NULL: none */
	const char *source_name; /* shown to people; NULL: none */
	bool persist;            /* load and attach again after a reboot */
	uint64_t map_owner; /* a program whose maps are used where the object has maps of the same
	                       names; 0: none */
	const uint8_t *request_id; /* NULL: made by the library */
};

/*
 * Loads programs of one object into the kernel, all or none. They run once they are attached. What
 * is said of bpfd_image_pull() is so for an image here, too.
 */
int bpfd_load(struct bpfd_client *client, const struct bpfd_load_request *request,
              struct bpfd_programs **programs, struct bpfd_error **error);
void bpfd_programs_free(struct bpfd_programs *programs);

struct bpfd_attach_request {
	uint64_t program_id;
	enum bpfd_program_type type; /* the program's */
	struct bpfd_target target;
	const struct bpfd_metadata *metadata;
	size_t metadata_count;
	const uint8_t *request_id; /* NULL: made by the library */
};

int bpfd_attach(struct bpfd_client *client, const struct bpfd_attach_request *request,
                struct bpfd_link **link, struct bpfd_error **error);
void bpfd_link_free(struct bpfd_link *link);

struct bpfd_update_request {
	uint64_t link_id;
	uint64_t program_id;       /* runs instead, of the same type; 0: the program stays */
	const int32_t *proceed_on; /* none: it stays */
	size_t proceed_on_count;
	bool priority_set; /* otherwise it stays */
	int32_t priority;
	const uint8_t *request_id; /* NULL: made by the library */
};

/* Changes a link in place, in one step: what it serves sees it as it was or as it is, whole. */
int bpfd_update(struct bpfd_client *client, const struct bpfd_update_request *request,
                struct bpfd_link **link, struct bpfd_error **error);

int bpfd_detach(struct bpfd_client *client, uint64_t link_id, const uint8_t *request_id,
                struct bpfd_error **error);

/*
 * Detaches whatever links the program has, and removes it from the kernel. BPFD_ERROR_BUSY while
 * other programs were loaded with its maps.
 */
int bpfd_unload(struct bpfd_client *client, uint64_t program_id, const uint8_t *request_id,
                struct bpfd_error **error);
/* The same, in any case: the maps stay, pinned and shared, with the programs that use them. */
int bpfd_unload_force(struct bpfd_client *client, uint64_t program_id, const uint8_t *request_id,
                      struct bpfd_error **error);

/* ---- questions ---- */

/* All that is given must match; zeroed it matches everything. */
struct bpfd_program_filter {
	enum bpfd_program_type type;
	const char *application;
	const struct bpfd_metadata *metadata;
	size_t metadata_count;
	bool all; /* what others loaded, too */
	bool owner_set;
	uint32_t owner_uid;
	const char *interface; /* what runs there; of others' only where bpfd manages it */
	uint32_t statistics_s; /* run counts, which the kernel is to keep for so many seconds, at
	                          most 300 */
};

int bpfd_list_programs(struct bpfd_client *client, const struct bpfd_program_filter *filter,
                       struct bpfd_programs **programs, struct bpfd_error **error);

/* `program_id` 0: the links of all programs, and what others attached to the same interfaces. */
int bpfd_list_links(struct bpfd_client *client, uint64_t program_id, struct bpfd_links **links,
                    struct bpfd_error **error);
void bpfd_links_free(struct bpfd_links *links);

/* The same with a filter. All that is given must match; zeroed it matches everything. */
struct bpfd_link_filter {
	uint64_t program_id;
	enum bpfd_program_type type;
	const char *application; /* the program's */
	const char *interface;
	const struct bpfd_metadata *metadata; /* the link's */
	size_t metadata_count;
	bool all; /* every link of the kernel's, too */
	bool owner_set;
	uint32_t owner_uid;
};

int bpfd_find_links(struct bpfd_client *client, const struct bpfd_link_filter *filter,
                    struct bpfd_links **links, struct bpfd_error **error);

int bpfd_get_program(struct bpfd_client *client, uint64_t program_id,
                     struct bpfd_program_details **details, struct bpfd_error **error);
/* Any program of the kernel's, by its kernel id: its `id` is 0 if somebody else loaded it. */
int bpfd_get_kernel_program(struct bpfd_client *client, uint32_t kernel_id,
                            struct bpfd_program_details **details, struct bpfd_error **error);
void bpfd_program_details_free(struct bpfd_program_details *details);

int bpfd_get_link(struct bpfd_client *client, uint64_t link_id, struct bpfd_link **link,
                  struct bpfd_error **error);

/* ---- the daemon ---- */

struct bpfd_feature {
	const char *name;
	const char *detail; /* why not, or what follows; "" if there is nothing to say */
	bool present;
};

/* One of bpfd's processes, as the kernel described it when it was confined. */
struct bpfd_process {
	const char *role;                /* "launcher", "broker", "frontend", "opener" */
	const char *const *capabilities; /* "CAP_BPF", ...: those in effect */
	size_t capability_count;
	uint32_t pid;
	uint32_t uid;
	uint32_t landlock_abi; /* 0: this kernel has no Landlock, or the role none */
	bool seccomp;
	bool no_new_privileges;
};

struct bpfd_daemon_status {
	const char *version;
	const char *kernel_release;
	uint64_t started_at;
	uint64_t programs;
	uint64_t links;
	uint64_t interfaces;
	uint64_t loads;
	uint64_t loads_failed;
	uint64_t attaches;
	uint64_t connections;
	const struct bpfd_feature *features;
	size_t feature_count;
	uint64_t maps;
	const struct bpfd_process *processes;
	size_t process_count;
};

int bpfd_status(struct bpfd_client *client, struct bpfd_daemon_status **status,
                struct bpfd_error **error);
void bpfd_status_free(struct bpfd_daemon_status *status);

/* The daemon's version, and the version of the protocol it speaks. */
struct bpfd_daemon_version {
	const char *version;
	uint32_t protocol;
};

int bpfd_version(struct bpfd_client *client, struct bpfd_daemon_version **version,
                 struct bpfd_error **error);
void bpfd_version_free(struct bpfd_daemon_version *version);

#ifdef __cplusplus
}
#endif

#endif
