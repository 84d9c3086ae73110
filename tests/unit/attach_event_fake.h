/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * An opener and a kernel for links on perf events that fail when they are told to. An event is a
 * file that holds the kernel id of the program that runs on it.
 */
#ifndef BPFD_TESTS_ATTACH_EVENT_FAKE_H
#define BPFD_TESTS_ATTACH_EVENT_FAKE_H

#include "broker/attach.h"
#include "broker/opener_client.h"
#include "proto/channel_launcher.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define FD_OFFSET 1000 /* a program's descriptor is its kernel id and this */

/* What the opener answers. */
struct fake_opener {
	struct channel channel;
	pthread_t thread;
	uint32_t online; /* processors from 0 on, but for `offline` */
	int32_t offline;
	int32_t broken; /* the opener refuses this processor; -2: none */
	uint32_t asked;
};
extern struct fake_opener opener;

/* What the kernel answers. */
struct fake_host {
	bool links;      /* it has perf links */
	int fail;        /* the so-manieth link or program on an event is refused; 0: none */
	int refusal;     /* with this errno */
	int pins_failed; /* the so-manieth pin is refused; 0: none */
	int runs, pins;  /* how many were asked for */
	bool loads_refused;
};
extern struct fake_host host;

extern struct launcher_settings settings;
extern struct attach_context context;

/* The program that an event, a link or a pin stands for. */
uint32_t number_read(int fd);

/* A host with so many processors and, as told, perf links; `context` is the one to attach by. */
void setup(bool links, uint32_t online);
/* Sees that nothing is left, too. */
void teardown(void);

#endif
