/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Opens layers that are refused, and looks at what is left. */
#ifndef BPFD_TESTS_UNIT_IMAGE_LAYER_CHECK_H
#define BPFD_TESTS_UNIT_IMAGE_LAYER_CHECK_H

#include "common/error.h"
#include "image/digest.h"
#include "tests/unit/image_maker.h"

#define ELF "\177ELF and more of it" /* what begins as an object does */
#define ELF_SIZE 9

extern struct error layer_error;          /* of the last one */
extern uint8_t layer_digest[DIGEST_SIZE]; /* of the last object that there was */

/* What layer_open_bytes() returns; with an error there is a sentence, and nothing is left of the
 * object. */
int layer_result(const struct made_bytes *layer);

/* The same, of which result, code and a part of the sentence are known. */
void layer_expect(const struct made_bytes *layer, const char *which, int result, unsigned int code,
                  const char *why);

/* Plain, by gzip, by zstd: it makes no difference. Takes the layer over. */
void layer_refused(struct made_bytes *layer, const char *which, int result, unsigned int code,
                   const char *why);

#endif
