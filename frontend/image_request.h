/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Requests about images: their values checked, and a fetcher's job made of them. Pure. */
#ifndef BPFD_FRONTEND_IMAGE_REQUEST_H
#define BPFD_FRONTEND_IMAGE_REQUEST_H

#include "bpfd.pb-c.h"
#include "common/error.h"
#include "proto/channel_fetcher.h"

#include <stdbool.h>
#include <stddef.h>

/* True for everything that a fetcher is needed for: image_pull and its like, and the load of an
 * image. */
bool image_request_is(const Bpfd__V1__Request *request);

/* Checks the request (not the rest of a load) and makes the job of it. 0, or -EINVAL with `error`;
 * what `out` holds then is to be wiped too. */
int image_job_take(const Bpfd__V1__Request *request, struct fetcher_job *out, struct error *error);

/* The reference that the request names, "" where there is none. */
const char *image_reference_asked(const Bpfd__V1__Request *request);

/* Overwrites the credentials where they are unpacked. */
void image_credentials_wipe(const Bpfd__V1__Request *request);

#endif
