/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a message of the frontend must look like beyond its size. Two kinds of wrong: -EPROTO is a
 * message that no working frontend sends (unterminated text, a count beyond its array, reserved
 * bits), which ends the service; -EINVAL with `error` is a request that cannot be granted, which is
 * refused. All functions are pure but validate_object().
 */
#ifndef BPFD_BROKER_VALIDATE_H
#define BPFD_BROKER_VALIDATE_H

#include "common/error.h"
#include "proto/channel_frontend.h"
#include "proto/channel_verifier.h"

#include <stdbool.h>

bool validate_metadata(const struct record_metadata *metadata);
bool validate_globals(const struct record_globals *globals);
/* A name that can become a file name once its dots are replaced: letters, digits, '_' and '.'. */
bool validate_map_name(const char name[MAP_NAME_SIZE]);

int validate_load(const struct frontend_load *load, struct error *error);
int validate_attach(const struct frontend_attach *attach, struct error *error);
int validate_update(const struct frontend_update *update, struct error *error);
int validate_remove(const struct frontend_remove *remove, struct error *error);

/* About entries of maps: 0 or -EPROTO. Whether the map is there, and its sizes, is the caller's to
 * see. */
int validate_map_read(const struct frontend_map_read *read);
int validate_map_set(const struct frontend_map_entry *entry, bool inline_value);
int validate_map_delete(const struct frontend_map_entry *entry);

/* Out of an image, or a question about one: 0 or -EPROTO. The load in it has a check of its own. */
int validate_load_image(const struct frontend_load_image *load);
int validate_verify_image(const struct frontend_verify_image *verify);
/* A verdict that does not contradict itself. */
bool validate_verdict(const struct record_verdict *verdict);
/* The same, beside what the verifier was asked. */
bool validate_verifier_answer(const struct verifier_answer *answer,
                              const struct verifier_question *question);
/* The evidence is such a memfd, too, of at most EVIDENCE_SIZE_MAX bytes; else -EPROTO. */
int validate_evidence(int fd);

/* The object is a memfd that nobody can change any more, of 1 to OBJECT_SIZE_MAX bytes; else
 * -EPROTO. */
int validate_object(int fd);

#endif
