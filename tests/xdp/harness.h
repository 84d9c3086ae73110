/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A host of its own for XDP and TC tests: namespaces for network and mounts, bpffs, a veth pair,
 * the real opener, components that leave a trace of the order in which packets met them.
 */
#ifndef BPFD_TESTS_XDP_HARNESS_H
#define BPFD_TESTS_XDP_HARNESS_H

#include "broker/opener_client.h"
#include "broker/tc.h"
#include "broker/xdp.h"
#include "proto/channel_launcher.h"

#include <stdbool.h>
#include <sys/types.h>

#define SKIPPED 77
#define BPFFS "/sys/fs/bpf"

struct host {
	struct launcher_settings settings;
	struct opener_client opener;
	pid_t opener_pid;
	uint32_t ifindex; /* of veth "in", where XDP runs */
	uint32_t peer_ifindex;
	int packet_fd;          /* sends on the other end */
	int out_fd;             /* sends on this end */
	uint32_t program_flags; /* that programs are loaded with: BPF_F_XDP_HAS_FRAGS or nothing */
	int trace_fd;           /* array map: the trace, and one count for each component id */
};

/* Makes the host, in the calling process. Ends the test program with the reason where this machine
 * does not allow it. */
void host_open(struct host *host);
void host_opener_start(struct host *host);
void host_opener_stop(struct host *host);

/* Runs a command line, its output into `output` (terminated; may be NULL). Its exit status. */
int host_run(const char *command, char *output, size_t size);

/*
 * Loads a program that appends the hexadecimal digit `digit` to the trace, counts the packet and
 * returns `verdict`. As a component for `xdp`'s template, or for NULL as a plain XDP program.
 */
int program_load(struct host *host, const struct xdp *xdp, const char *name, unsigned int digit,
                 int verdict, struct chain_member *member);

/* The same as a component for `tc`'s template, or for NULL as a plain TC program. */
int tc_program_load(struct host *host, const struct tc *tc, const char *name, unsigned int digit,
                    int verdict, struct chain_member *member);

/* Opens the TC engine. Ends the test program with the reason where the kernel refuses extension
 * programs. */
struct tc *host_tc_open(struct host *host);

/* Sends one packet to the interface, or out of it, and returns the trace that it left: 0x12 says
 * that 1 saw it, then 2. */
uint64_t packet_trace(struct host *host);
uint64_t packet_trace_out(struct host *host);
uint64_t program_count(const struct host *host, unsigned int digit);
int packet_send(const struct host *host);

/* Open descriptors of this process; files below the pin directories, and dispatchers' directories.
 */
size_t descriptors_count(void);
size_t opener_descriptors(const struct host *host);
size_t pins_count(void);

/* The kernel id of what the interface says is attached. */
uint32_t attached_id(const struct host *host);

#endif
