/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Answers about images; see answer.h. */
#ifndef BPFD_FRONTEND_ANSWER_IMAGE_H
#define BPFD_FRONTEND_ANSWER_IMAGE_H

#include "frontend/answer.h"
#include "frontend/fetch.h"

/* The answer of this case of the protocol, with the fetch's images; `verdict` may be NULL. 0 or
 * -ENOMEM. */
int answer_images(const struct answer_source *source, const struct fetch *fetch,
                  const struct record_verdict *verdict, Bpfd__V1__Response *response);

/* NULL without memory. It points into the verdict. */
Bpfd__V1__Verification *answer_verification(const struct answer_source *source,
                                            const struct record_verdict *verdict);

#endif
