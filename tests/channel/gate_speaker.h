/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A test that speaks to a real gate as a loader in a stranger's hands would. */
#ifndef BPFD_TESTS_GATE_SPEAKER_H
#define BPFD_TESTS_GATE_SPEAKER_H

#include "proto/channel_loader.h"
#include "tests/channel/gate_harness.h"

#include <linux/bpf.h>

#define SPEAKER_ENDED 12345 /* instead of an answer: the gate ended the load */

extern struct harness speaker_harness;
extern struct channel speaker_channel;

/* A gate whose loader still probes. */
void speaker_probing(void);
/* A gate that waits for the calls of a load of one XDP program and one tracepoint. */
void speaker_loading(void);
/* The same, where maps may be another program's. */
void speaker_loading_sharing(void);
/* The same for programs of these types. */
void speaker_loading_types(const uint32_t *types, size_t count);
void speaker_end(void);

/* The gate must have ended the load, told the broker what it thinks of the loader, and handed up
 * nothing. */
void speaker_expect_broken(void);

/* Asks, and returns the plain answer's result. */
int speaker_ask(uint16_t type, const void *body, int fd);
int speaker_ask_raw(const void *bytes, size_t size);

/* An array of four values of 8 bytes, and the same made. */
struct loader_map_create speaker_array(void);
int speaker_map_new(void);

/* "return 0" as a program of this enum bpf_prog_type, and of the first program type that is loaded
 * as that; and the same loaded. */
struct loader_program_load_short speaker_program(uint32_t index, uint32_t type);
int speaker_program_new(uint32_t index, uint32_t type);

#endif
