/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The broker's state and what its parts offer each other. The only process that changes the kernel
 * or the store; it reads fixed-size messages of its siblings, its own records and its own pins, and
 * nothing else.
 */
#ifndef BPFD_BROKER_BROKER_H
#define BPFD_BROKER_BROKER_H

#include "broker/attach.h"
#include "broker/kernel_lists.h"
#include "broker/load_queue.h"
#include "broker/registry.h"
#include "broker/session.h"
#include "broker/store.h"
#include "broker/tc.h"
#include "broker/verifier.h"
#include "broker/xdp.h"
#include "proto/channel_frontend.h"
#include "proto/channel_launcher.h"

#define LOADS_RUNNING_MAX 8
#define LOAD_SLOTS (LOADS_RUNNING_MAX + 1) /* one more: the session that is kept warm */

struct load_slot {
	struct session *session; /* NULL: the slot is free */
	struct load_job *job;    /* NULL: warming, warm or answered */
	bool answered;           /* its job is done: it is cleared at the deadline */
	uint64_t deadline_ms;
};

struct loads {
	struct load_slot slots[LOAD_SLOTS];
	struct load_queue queue;
	unsigned int deaths;  /* sessions that died before they had a job, in a row */
	uint64_t start_at_ms; /* no new session before */
	uint64_t spare_at_ms; /* nor before this, unless a job waits */
};

/* When the store's copy is written, and how that went. */
struct copies {
	uint64_t at_ms;        /* not before; 0: nothing is to be copied */
	unsigned int retry_ms; /* 0: the last one was written */
};

/* Persistent programs that are being loaded again. */
struct restore {
	bool active;
	uint64_t ready_at_ms; /* READY is said then, whatever is left to do */
};

/* Network namespaces with links, beside bpfd's own. */
struct netns_seen {
	uint32_t id;     /* inode number, which a later one may get again */
	uint64_t cookie; /* which it does not; 0: unknown */
};

struct netns_list {
	struct netns_seen *seen;
	size_t count;
	uint64_t look_at_ms; /* 0: there is nothing to look at */
};

/* The request that the kernel lets no processor sleep. */
struct cpu_latency {
	int fd;            /* /dev/cpu_dma_latency, or -1 */
	uint64_t until_ms; /* 0: it is not made */
	uint64_t again_ms; /* not before */
};

/* What of a request is needed to answer it. */
struct origin {
	uint64_t message_id;
	enum store_operation operation;
	struct record_peer peer;
	uint8_t request_id[REQUEST_ID_SIZE];
};

struct broker {
	struct launcher_settings settings;
	void *heap; /* where it begins */
	struct channel launcher;
	struct channel frontend;
	struct channel_outbox told; /* what the frontend is still to be told */
	uint32_t launcher_state;    /* enum launcher_state */
	struct opener_client opener;
	struct store *store;
	struct registry registry;
	struct xdp *xdp;
	struct tc *tc;
	struct netlink netlink; /* for TC */
	struct netlink tc_monitor;
	uint64_t tcx_sum;        /* of what was there at the last look */
	uint64_t tcx_look_at_ms; /* 0: nothing is attached that is to be looked at */
	int cgroup_monitor_fd;   /* inotify */
	struct attach_context attach;
	struct loads loads;
	struct verifiers verifiers;
	struct origin rules_origin; /* who wants the rules read again; message id 0: nobody */
	uint64_t worker_ids;        /* the last one that was given to a WORKER_START */
	struct copies copies;
	struct netns_list netns;
	struct kernel_lists lists;
	struct restore restore;
	struct cpu_latency latency;
	int objects_fd; /* where the objects of persistent programs are kept */
	struct record_status status;
	uint32_t possible_cpus;
	uint32_t map_cpus; /* how many values a per-CPU map has for a key; 0: not known */
	int epoll_fd;
	int signal_fd;
	bool view_open; /* the frontend gets rows: not before the reconciliation is through */
	bool collect; /* somebody replaced a dispatcher: look for left-over pins once it is quiet */
	bool stopping;
	bool failed; /* the service is broken: the loop ends with exit status 1 */
	struct channel_buffer buffer;
};

/* tell.c: rows go out with the answer that they precede, or when nothing else is to be done. */
void tell_later(struct broker *broker, uint16_t type, const void *body);
/* With what was to be told before it; `descriptors` may be closed afterwards. */
void tell_now(struct broker *broker, uint16_t type, uint64_t id, const void *body,
              const int *descriptors);
void tell_flush(struct broker *broker);

/* broker.c: life */

/* Descriptors that a role finds after exec; -1 for what is switched off, or not there. They are
 * taken. */
struct broker_descriptors {
	int launcher_fd;
	int frontend_fd;
	int opener_fd;
	int latency_fd;
};

/* Opens the store and the kernel's side: everything that the sandbox forbids later. */
int broker_open(const struct launcher_settings *settings,
                const struct broker_descriptors *descriptors, struct broker **out,
                struct error *error);
/* Reconciles, tells the frontend everything, starts the first loader and says READY. */
int broker_start(struct broker *broker, uint32_t landlock_abi, struct error *error);
/* Tells the frontend everything and says READY. A failure marks the broker as failed. */
void broker_ready(struct broker *broker);
/* Serves until the launcher says STOP (0) or the service is broken (-EPROTO or another -errno). */
int broker_run(struct broker *broker);
void broker_close(struct broker *broker);

uint64_t clock_now_ms(void);
uint64_t clock_now_s(void);

/* loop.c: slots are watched under their numbers; a closed descriptor is forgotten by the kernel */
int loop_open(struct broker *broker);
int loop_watch_slot(struct broker *broker, size_t slot);
int loop_watch_verifier(struct broker *broker, size_t slot);

/* requests.c */
int request_dispatch(struct broker *broker, struct channel_message *message);

/* view.c: rows and answers to the frontend. A failure to send marks the broker as failed. */
void view_program(struct broker *broker, const struct record_program *program);
void view_globals(struct broker *broker, uint64_t program_id, const struct record_globals *globals);
void view_link(struct broker *broker, const struct record_link *link);
void view_chain(struct broker *broker, const struct record_chain *chain);
void view_status(struct broker *broker);
void view_gone(struct broker *broker, enum frontend_gone_kind kind, uint64_t id);
/* Everything that the store and the registry hold, then VIEW_COMPLETE. */
int view_send_all(struct broker *broker, struct error *error);

/* answer.c: answers, each with its audit line; `detail` says what it was about, in key=value form
 */
void answer_done(struct broker *broker, const struct origin *origin,
                 const struct store_answer *answer, const char *detail);
/* The same in two steps: the detail can then be made while the client has its answer. */
void answer_done_tell(struct broker *broker, const struct origin *origin,
                      const struct store_answer *answer);
void answer_done_audit(const struct origin *origin, const char *detail);
void answer_refused(struct broker *broker, const struct origin *origin, const struct error *error,
                    const char *detail);
void answer_refused_with_log(struct broker *broker, const struct origin *origin,
                             const struct error *error, int log_fd, uint32_t log_size,
                             const char *detail);
/* The answer to VERIFY_IMAGE. */
void answer_verdict(struct broker *broker, const struct origin *origin,
                    const struct record_verdict *verdict, const char *detail);
/* The answer to RULES_READ. */
void answer_rules(struct broker *broker, const struct origin *origin,
                  const struct frontend_rules *rules);
/* What was asked of a map: no change, so no audit line. `fd` stays the caller's. */
void answer_map(struct broker *broker, uint64_t message_id, const struct frontend_map_data *data,
                int fd);
void answer_question_refused(struct broker *broker, uint64_t message_id, const struct error *error);
/*
 * True when the request id was answered before: then that answer (or, for another operation, a
 * refusal) is sent. Also true when the store cannot be read, which is answered too.
 */
bool answer_repeated(struct broker *broker, const struct origin *origin);

/* cpu_latency.c */
/* Has the kernel keep processors awake for a few milliseconds, unless it just did. Changes nothing
 * else. */
int load_coming(struct broker *broker, struct channel_message *message);
/* Takes the request back, if it is made: before something that takes long. */
void cpu_latency_end(struct broker *broker);
/* The same when it is time; returns the milliseconds until then, or -1. */
int cpu_latency_tick(struct broker *broker);

/* load_request.c */
int load_request(struct broker *broker, struct channel_message *message);
/*
 * Lets a load in, with what is known of its image (NULL: it comes out of a file): its checks, what
 * was asked before, the limits. 0, and `job` is a new job, which has taken the message's first
 * descriptor, or NULL: the request is answered or joined to a job. -EPROTO.
 */
int load_admit(struct broker *broker, struct channel_message *message,
               const struct frontend_load *request, const struct record_image_name *image,
               struct load_job **job);
/* Loads bpfd's own iterator over `kind` (enum kernel_kind); kernel_iterator_loaded() or
 * kernel_iterator_refused() follows, at once if it cannot even wait. */
void load_iterator(struct broker *broker, uint32_t kind);

/* loads.c */
/* Queues the job, which is the queue's from then on; answered with a refusal when there is no room.
 */
void load_push(struct broker *broker, struct load_job *job);
/* Counts and answers a load that will not happen, and frees it. */
void load_fail(struct broker *broker, struct load_job *job, const struct error *error);
/* The job that an earlier copy of the request made, or NULL. */
struct load_job *loads_find(const struct broker *broker, const struct frontend_load *request);
void loads_start_session(struct broker *broker); /* if none is warm or warming, and it is time */
void loads_session_ready(struct broker *broker, size_t slot);
/* Ends what is overdue; returns the milliseconds until the next deadline, or -1 for none. */
int loads_tick(struct broker *broker);
void loads_close(struct broker *broker);

/* True while a session works on a job, or a job waits for one. */
bool loads_running(const struct broker *broker);

/* verifier.c */
/* Does anything want signatures here? */
bool verifier_wanted(const struct broker *broker);
void verifiers_open(struct verifiers *verifiers);
void verifiers_close(struct broker *broker);
/* Queues the question, which ends in verify_passed() or verify_refused(). False: there is no room.
 */
bool verifier_push(struct broker *broker, struct verify_job *job);
/* The load of an earlier copy of the request that is being verified, or NULL. */
struct load_job *verifier_load_find(const struct broker *broker,
                                    const struct frontend_load *request);
void verifier_ready(struct broker *broker, size_t slot);
/* Ends what is overdue; returns the milliseconds until the next deadline, or -1 for none. */
int verifiers_tick(struct broker *broker);
void verify_job_free(struct verify_job *job);

/* Ends those that have no question yet, who judge by old rules. */
void verifiers_renew(struct broker *broker);

/* rules.c */
int rules_request(struct broker *broker, struct channel_message *message);
/* The launcher's answer. 0 or -EPROTO. */
int rules_take(struct broker *broker, const struct channel_message *message);

/* image.c */
#define IMAGE_DETAIL_SIZE 1536
int image_load_request(struct broker *broker, struct channel_message *message);
int image_verify_request(struct broker *broker, struct channel_message *message);
/* Both take the job. */
void verify_passed(struct broker *broker, struct verify_job *job,
                   const struct record_verdict *verdict);
void verify_refused(struct broker *broker, struct verify_job *job, const struct error *error);
/* May a file be loaded here? 0, or -EPERM with `error`. */
int image_file_check(const struct broker *broker, struct error *error);
/* May what was loaded before a reboot be loaded again? 0, or -EPERM with `error`. */
int image_restore_check(const struct broker *broker, const struct load_job *job,
                        struct error *error);
/* image="..." digest=... verdict=... and who verified, for an audit line. */
void image_detail(const struct record_image_name *image, const struct record_verdict *verdict,
                  char *out, size_t size);

/* copies.c: the store's copy. Writes it if that cannot wait; returns the milliseconds until it is
 * to be written, or -1 where it is up to date. */
int copies_tick(struct broker *broker);
/* Nothing has happened: writes it if it is time. */
void copies_idle(struct broker *broker);
/*
 * Writes it now, whatever the time, and waits for the disk: before the first change, where a change
 * is to outlive the machine before it is answered, and, with `last`, after the last. Fails as
 * store_copy() does; log and status have been told.
 */
int copies_now(struct broker *broker, bool last, struct error *error);

/* load_finish.c: checks, pins, stores and answers what a session loaded. False when the load is to
 * be done again: another one has made a map meanwhile that both share by name. */
bool load_finish(struct broker *broker, struct load_job *job, struct session_result *result);
void load_answer_refused(struct broker *broker, const struct load_job *job,
                         const struct error *error, int log_fd, uint32_t log_size);
struct origin load_origin(const struct load_job *job, size_t waiter);

/* persist.c */
bool persist_program(const struct broker *broker, uint64_t program_id);
/* Makes a change that was committed outlive the machine, where it concerns something persistent: 0,
 * or -errno with `error`, and then the caller takes the change back. */
int persist_copy(struct broker *broker, bool persistent, struct error *error);
/* Removes the object unless a persistent program needs it. */
void persist_object_release(struct broker *broker, const uint8_t digest[DIGEST_SIZE]);
/* Removes all objects that none needs. */
void persist_collect(struct broker *broker);
void persist_reason(char reason[REASON_SIZE], const struct error *error);

/* restore.c: loads persistent programs again that a reboot took from the kernel. Its jobs end in
 * restore_done() or restore_failed(), which start the next. */
void restore_mark(struct broker *broker, uint64_t id);
void restore_begin(struct broker *broker);
void restore_next(struct broker *broker);
void restore_done(struct broker *broker, const struct load_job *job);
void restore_failed(struct broker *broker, const struct load_job *job, const struct error *error);
/* Says READY if it is time; the milliseconds until then, or -1. */
int restore_tick(struct broker *broker);

/* restore_links.c: attaches links again. */
void restore_link_wait(struct broker *broker, uint64_t id);
/* Every one that waits, that failed, or that follows an interface which was gone. */
void restore_links(struct broker *broker);
/* Tries one of them now. */
void restore_link(struct broker *broker, uint64_t id);
/* Does the link wait for its interface? */
bool restore_waits(const struct link_entry *link);
/* Those that wait for an interface of this name, which is there (or is another one) now. */
void restore_interface(struct broker *broker, const char *interface);

/* links.c */
int attach_request(struct broker *broker, struct channel_message *message);
int detach_request(struct broker *broker, struct channel_message *message);
/* Takes a link off the kernel, whatever its state; 0 when there is nothing left of it. */
int link_take_off(struct broker *broker, const struct record_link *link, struct error *error);

/* An attached link with the same program at the same place or places, or NULL. */
const struct link_entry *link_same(struct broker *broker, const struct record_link *link);

/* Stores a link with its state, which is an intent or takes one back. */
int link_store(struct broker *broker, const struct record_link *link, struct error *error);
/* The same with the answer that the change gets. */
int link_store_answered(struct broker *broker, const struct record_link *link,
                        const struct origin *origin, struct error *error);
/* -ESRCH with `error` unless the program is in the kernel. */
int program_loaded_check(const struct record_program *program, struct error *error);
struct store_answer answer_of_one(enum store_operation operation, uint64_t id);

/* update.c */
int update_request(struct broker *broker, struct channel_message *message);

/* map_read.c, map_write.c: the contents of programs' maps */
int map_read_request(struct broker *broker, struct channel_message *message);
int map_set_request(struct broker *broker, struct channel_message *message);
int map_delete_request(struct broker *broker, struct channel_message *message);

/* unload.c. A program whose maps others use stays, unless the request says force. */
int unload_request(struct broker *broker, struct channel_message *message);

/* reconcile.c */
int reconcile_run(struct broker *broker, struct error *error);

/* monitor.c */
void monitor_ready(struct broker *broker);
/* Reads what runs on the interface, tells the frontend, and marks links that are no longer there.
 */
void monitor_interface_read(struct broker *broker, const struct xdp_place *place);
/* Marks the links of an interface that is gone, and takes what ran there out of the view. */
void monitor_interface_gone(struct broker *broker, uint32_t netns, uint32_t ifindex);
/* The same for every interface that an attached link is on. */
void monitor_read_all(struct broker *broker);
/* Takes what runs on the interface out of the view when no link of bpfd's is left there. */
void monitor_chain_forget(struct broker *broker, const struct record_target *target);
/* What a link says of itself besides its state, which was just changed. */
void monitor_reason_set(struct record_link *link);
/* Stores and shows a link's new state and interface name. */
void monitor_link_update(struct broker *broker, uint64_t id, uint32_t state, const char *interface);
/* Is the link in a state in which it follows what others do? */
bool monitor_follows(const struct link_entry *link);

/* monitor_tc.c: the same for TC's directions */
void monitor_tc_ready(struct broker *broker);
void monitor_tc_read(struct broker *broker, struct netlink *netlink, const struct tc_place *place);
/* Every direction of one interface that a link is on, or of all for 0. */
void monitor_tc_read_all(struct broker *broker, uint32_t ifindex);

/* monitor_tcx.c: the same for tcx and netkit, on one interface, or on all for 0 */
void monitor_tcx_read_all(struct broker *broker, uint32_t ifindex);
/* Nobody tells what others do there: so bpfd looks from time to time, once something was told to be
 * there. The milliseconds until the next time, or -1 when there is nothing to look at. */
/* Looks at the hook of a link in another network namespace, if this is its first link; `all` tells
 * what has not changed, too. `interface` is the name that it has now. */
void monitor_tcx_look(struct broker *broker, uint64_t id, const char *interface, bool all);
void monitor_tcx_begin(struct broker *broker);
int monitor_tcx_tick(struct broker *broker);

/*
 * monitor_netns.c: interfaces in other network namespaces, XDP and TC. bpfd looks from time to
 * time: a socket in there, which would tell it, would keep the namespace.
 */
void monitor_netns_read_all(struct broker *broker);
/* The same for what has changed. */
void monitor_netns_look(struct broker *broker);
/* The milliseconds until the next look, or -1 when there is nothing to look at. */
int monitor_netns_tick(struct broker *broker);
/* Removes what bpfd's pins have too much of the target's namespace, if no link is left there. */
void monitor_netns_collect(struct broker *broker, const struct record_target *target);
/* The same for all namespaces, at start. */
void monitor_netns_collect_all(struct broker *broker);

/* monitor_cgroup.c: control groups that vanish. A link, or all, are watched from here on. */
void monitor_cgroup_ready(struct broker *broker);
void monitor_cgroup_read(struct broker *broker, uint64_t id);
void monitor_cgroup_read_all(struct broker *broker);

/* The bpfd link of a component on an interface, as xdp_read() asks for it; `state` is the broker.
 */
uint64_t monitor_link_of(void *state, const struct xdp_place *place, uint32_t kernel_id);

#endif
