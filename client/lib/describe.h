/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * From decoded messages to the library's structures. Texts are not copied: both lie in the same
 * arena. All return 0, or -EPROTO or -ENOMEM with `error`.
 */
#ifndef BPFD_CLIENT_DESCRIBE_H
#define BPFD_CLIENT_DESCRIBE_H

#include "bpfd/bpfd.h"
#include "bpfd.pb-c.h"
#include "client/lib/arena.h"

int program_describe(struct arena *arena, const Bpfd__V1__Program *message,
                     struct bpfd_program *program, struct bpfd_error **error);

int link_describe(struct arena *arena, const Bpfd__V1__Link *message, struct bpfd_link *link,
                  struct bpfd_error **error);

/* NULL when out of memory. */
const struct bpfd_map *maps_describe(struct arena *arena, Bpfd__V1__Map *const *messages,
                                     size_t count);

int programs_describe(struct arena *arena, Bpfd__V1__Program *const *messages, size_t count,
                      const struct bpfd_program **programs, struct bpfd_error **error);

int links_describe(struct arena *arena, Bpfd__V1__Link *const *messages, size_t count,
                   const struct bpfd_link **links, struct bpfd_error **error);

/* The same as results, which take the arena over: *arena is NULL afterwards. */
int programs_give(struct arena **arena, Bpfd__V1__Program *const *messages, size_t count,
                  struct bpfd_programs **programs, struct bpfd_error **error);

int link_give(struct arena **arena, const Bpfd__V1__Link *message, struct bpfd_link **link,
              struct bpfd_error **error);

#endif
