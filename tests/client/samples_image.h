/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What an honest bpfd says of images. */
#ifndef BPFD_TESTS_CLIENT_SAMPLES_IMAGE_H
#define BPFD_TESTS_CLIENT_SAMPLES_IMAGE_H

#include "bpfd.pb-c.h"

/* Puts into a program's source that it came out of an image, verified by a key. */
void sample_source_image(Bpfd__V1__Source *source);

/* Answers a request about images: to verify one is by an identity; "r.example/untrusted" is
 * untrusted, "r.example/nosuch" is in no registry. False: it is about something else. */
_Bool sample_image_answer(const Bpfd__V1__Request *request, Bpfd__V1__Response *response);

#endif
