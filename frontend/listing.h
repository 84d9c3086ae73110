/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A question about what the kernel has: the broker is asked for one kind after the other (programs,
 * maps, links), each is read to its end a piece at a time, so that nobody else waits for it, and
 * then the request is answered as others are. What is read is charged to the client.
 */
#ifndef BPFD_FRONTEND_LISTING_H
#define BPFD_FRONTEND_LISTING_H

#include "bpfd.pb-c.h"
#include "common/channel.h"
#include "common/error.h"

#include <stdbool.h>

struct connection;
struct frontend;
struct listing;

/* Does the view alone not answer this request? */
bool listing_wanted(const Bpfd__V1__Request *request);

/*
 * Begins to work on the request for the connection, which is busy until it is answered. 0, or a
 * negative errno with `error` for the client.
 */
int listing_begin(struct frontend *frontend, struct connection *connection,
                  const Bpfd__V1__Request *request, struct error *error);

/* Takes the broker's KERNEL_RECORDS for the connection's listing. */
void listing_records(struct frontend *frontend, struct connection *connection,
                     struct channel_message *message);

/* Ends the connection's listing, if it has one; what it holds is given back. */
void listing_end(struct frontend *frontend, struct connection *connection);

/* Is there an iterator to read? Then the loop does not wait. */
bool listings_reading(const struct frontend *frontend);

/* Reads a piece of each. */
void listings_read(struct frontend *frontend);

#endif
