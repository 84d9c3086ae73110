/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What an honest bpfd says of what others loaded. */
#ifndef BPFD_TESTS_CLIENT_SAMPLES_KERNEL_H
#define BPFD_TESTS_CLIENT_SAMPLES_KERNEL_H

#include "bpfd.pb-c.h"

/* Kernel id 301. */
Bpfd__V1__Program *sample_kernel_program(void);
/* Of that program. */
Bpfd__V1__Link *sample_kernel_link(void);
/* One of bpfd's maps, and one of somebody else's. */
void sample_list_maps(Bpfd__V1__Response *response);

/* Two processes, and how many maps there are. */
void sample_processes(Bpfd__V1__StatusResponse *status);

#endif
