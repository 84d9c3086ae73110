/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/listing.h"

#include "common/cleanup.h"
#include "common/memfd.h"
#include "frontend/frontend.h"
#include "frontend/kernel_view.h"
#include "frontend/operations.h"
#include "frontend/request.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define LISTING_BYTES_MAX (48u << 20) /* of one kind */
#define READ_LEAST 32768              /* room for one read: the kernel gives no more at a time */
#define SLICE_RECORDS_MAX 256         /* OPENER_LIST_MAX */

#define KIND_BIT(kind) (1u << KERNEL_KIND_##kind)

struct listing {
	struct listing *next; /* in the list of those that are being read */
	uint16_t slot;        /* of its connection */
	bool statistics;
	int iterator_fd; /* -1: the broker has to be asked, or was */
	uint32_t kinds;  /* that are still to be read, as bits */
	uint32_t kind;   /* the one that is read now */
	uint32_t statistics_s;
	struct payer payer;
	struct buffer request; /* packed, to be answered at the end */
	struct buffer records[KERNEL_KIND_COUNT];
};

/* ---- what a request wants to see ---- */

static uint32_t request_kinds(const Bpfd__V1__Request *request)
{
	switch (request->operation_case) {
	case BPFD__V1__REQUEST__OPERATION_LIST_PROGRAMS:
		return request->list_programs->all || request->list_programs->statistics
		               ? KIND_BIT(PROGRAM)
		               : 0;
	case BPFD__V1__REQUEST__OPERATION_LIST_LINKS:
		return request->list_links->all ? KIND_BIT(PROGRAM) | KIND_BIT(LINK) : 0;
	case BPFD__V1__REQUEST__OPERATION_LIST_MAPS:
		return request->list_maps->all ? KIND_BIT(PROGRAM) | KIND_BIT(MAP) : 0;
	case BPFD__V1__REQUEST__OPERATION_GET_PROGRAM:
		return request->get_program->kernel_id
		               ? KIND_BIT(PROGRAM) | KIND_BIT(MAP) | KIND_BIT(LINK)
		               : 0;
	default:
		return 0;
	}
}

bool listing_wanted(const Bpfd__V1__Request *request)
{
	return request_kinds(request) != 0;
}

/* ---- its life ---- */

static void reading_remove(struct frontend *frontend, const struct listing *listing)
{
	for (struct listing **at = &frontend->listings; *at; at = &(*at)->next) {
		if (*at == listing) {
			*at = listing->next;
			return;
		}
	}
}

void listing_end(struct frontend *frontend, struct connection *connection)
{
	struct listing *listing = steal_ptr(&connection->listing);

	if (!listing)
		return;
	reading_remove(frontend, listing);
	close_cleanup(&listing->iterator_fd);
	buffer_free(&listing->payer, &listing->request);
	for (size_t i = 0; i < KERNEL_KIND_COUNT; i++)
		buffer_free(&listing->payer, &listing->records[i]);
	free(listing);
}

static struct listing *listing_new(const struct connection *connection,
                                   const Bpfd__V1__Request *request)
{
	struct listing *listing = calloc(1, sizeof(*listing));
	size_t size = bpfd__v1__request__get_packed_size(request);

	if (!listing)
		return NULL;
	listing->slot = connection->slot;
	listing->iterator_fd = -1;
	listing->kinds = request_kinds(request);
	listing->payer = connection->payer;
	if (request->operation_case == BPFD__V1__REQUEST__OPERATION_LIST_PROGRAMS)
		listing->statistics_s = request->list_programs->statistics;
	if (buffer_reserve(&listing->payer, &listing->request, size) < 0) {
		free(listing);
		return NULL;
	}
	listing->request.used = bpfd__v1__request__pack(request, listing->request.bytes);
	return listing;
}

static int memory_refuse(struct error *error)
{
	return error_set(error, -ENOMEM, ERROR_LIMIT,
	                 "what the kernel has takes more memory than bpfd has for this user now: "
	                 "try again when other requests are done");
}

/* ---- asking and answering ---- */

static int kind_ask(struct frontend *frontend, struct connection *connection, uint32_t after_id,
                    struct error *error)
{
	const struct listing *listing = connection->listing;
	const struct frontend_kernel_list body = {
		.kind = listing->kind,
		.after_id = after_id,
		.statistics_s = listing->kind == KERNEL_KIND_PROGRAM ? listing->statistics_s : 0,
	};

	return change_ask(frontend, connection, FRONTEND_KERNEL_LIST, &body, -1, 0, error);
}

/* Takes the next kind off the list of those to be read. False: there is none. */
static bool kind_next(struct listing *listing)
{
	if (!listing->kinds)
		return false;
	listing->kind = (uint32_t)__builtin_ctz(listing->kinds);
	listing->kinds &= listing->kinds - 1;
	return true;
}

int listing_begin(struct frontend *frontend, struct connection *connection,
                  const Bpfd__V1__Request *request, struct error *error)
{
	int r;

	connection->listing = listing_new(connection, request);
	if (!connection->listing)
		return memory_refuse(error);
	(void)kind_next(connection->listing);
	r = kind_ask(frontend, connection, 0, error);
	if (r < 0)
		listing_end(frontend, connection);
	return r;
}

static uint64_t clock_s(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec;
}

/* Answers from what was read; the listing is then over. */
static void listing_answer(struct frontend *frontend, struct connection *connection)
{
	struct listing *listing = connection->listing;
	struct kernel_view kernel = {
		.statistics = listing->statistics,
		.booted_at_s = clock_s(CLOCK_REALTIME) - clock_s(CLOCK_BOOTTIME),
	};

	for (uint32_t kind = 0; kind < KERNEL_KIND_COUNT; kind++) {
		struct buffer *buffer = &listing->records[kind];

		if (kernel_table_take(kind, buffer->bytes, buffer->used, &kernel.tables[kind]) <
		    0) {
			frontend_fail(frontend, "the kernel's list of kind %u cannot be", kind);
			return;
		}
	}
	operation_answer_kernel(frontend, connection, &listing->request, &kernel);
	/* the answer may have dropped the connection, and the listing with it */
	if (connection->fd >= 0)
		listing_end(frontend, connection);
}

static void listing_refuse(struct frontend *frontend, struct connection *connection,
                           const struct error *error)
{
	listing_end(frontend, connection);
	operation_refuse(frontend, connection, error);
}

/* A kind has been read: the next one, or the answer. */
static void kind_done(struct frontend *frontend, struct connection *connection)
{
	struct error error;

	if (!kind_next(connection->listing))
		listing_answer(frontend, connection);
	else if (kind_ask(frontend, connection, 0, &error) < 0)
		listing_refuse(frontend, connection, &error);
}

/* ---- what the broker sends ---- */

static void slice_take(struct frontend *frontend, struct connection *connection,
                       const struct frontend_kernel_records *records, int fd)
{
	struct listing *listing = connection->listing;
	struct buffer *buffer = &listing->records[listing->kind];
	size_t size = records->count * kernel_record_size(listing->kind);
	struct error error;
	int r = buffer_reserve(&listing->payer, buffer, buffer->used + size);

	if (r < 0 || buffer->used + size > LISTING_BYTES_MAX) {
		(void)memory_refuse(&error);
		listing_refuse(frontend, connection, &error);
		return;
	}
	if (size && memfd_read(fd, buffer->bytes + buffer->used, size) < 0) {
		frontend_fail(frontend, "the broker sent a list that is not as it says");
		return;
	}
	buffer->used += size;
	if (!records->more || !records->count)
		kind_done(frontend, connection);
	else if (kind_ask(frontend, connection,
	                  kernel_last_id(listing->kind, buffer->bytes, buffer->used), &error) < 0)
		listing_refuse(frontend, connection, &error);
}

void listing_records(struct frontend *frontend, struct connection *connection,
                     struct channel_message *message)
{
	const struct frontend_kernel_records *records = message->body;
	struct listing *listing = connection->listing;

	if (listing->kind == KERNEL_KIND_PROGRAM)
		listing->statistics = records->statistics != 0;
	if (records->form == FRONTEND_KERNEL_ITERATOR) {
		listing->iterator_fd = steal_fd(&message->descriptors[0]);
		listing->next = frontend->listings;
		frontend->listings = listing;
	} else if (records->form == FRONTEND_KERNEL_SLICE && records->count <= SLICE_RECORDS_MAX) {
		slice_take(frontend, connection, records, message->descriptors[0]);
	} else {
		frontend_fail(frontend, "the broker sent a list in no form that there is");
	}
}

/* ---- iterators ---- */

bool listings_reading(const struct frontend *frontend)
{
	return frontend->listings != NULL;
}

/* Reads once. More than 0: there may be more; 0: that was all; or -errno. */
static ssize_t iterator_read(struct listing *listing)
{
	struct buffer *buffer = &listing->records[listing->kind];
	ssize_t got;

	if (buffer->capacity - buffer->used < READ_LEAST) {
		size_t more = buffer->used > READ_LEAST ? buffer->used : READ_LEAST;

		if (buffer->used > LISTING_BYTES_MAX ||
		    buffer_reserve(&listing->payer, buffer, buffer->used + more) < 0)
			return -ENOMEM;
	}
	got = read(listing->iterator_fd, buffer->bytes + buffer->used,
	           buffer->capacity - buffer->used);
	if (got < 0)
		return errno == EINTR || errno == EAGAIN ? 1 : -errno;
	buffer->used += (size_t)got;
	return got;
}

static void iterator_step(struct frontend *frontend, struct listing *listing)
{
	struct connection *connection = &frontend->connections.slots[listing->slot];
	ssize_t got = iterator_read(listing);
	struct error error;

	if (got > 0)
		return;
	reading_remove(frontend, listing);
	close_cleanup(&listing->iterator_fd);
	listing->iterator_fd = -1;
	if (got == 0) {
		kind_done(frontend, connection);
	} else {
		if (got == -ENOMEM)
			(void)memory_refuse(&error);
		else
			(void)error_set(&error, 0, ERROR_KERNEL,
			                "the kernel's list cannot be read: %s",
			                strerrordesc_np((int)-got));
		listing_refuse(frontend, connection, &error);
	}
	connection_resume(frontend, connection);
}

void listings_read(struct frontend *frontend)
{
	struct listing *next;

	for (struct listing *listing = frontend->listings; listing && !frontend->ended;
	     listing = next) {
		next = listing->next;
		iterator_step(frontend, listing);
	}
}
