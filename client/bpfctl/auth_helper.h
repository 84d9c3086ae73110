/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef BPFD_BPFCTL_AUTH_HELPER_H
#define BPFD_BPFCTL_AUTH_HELPER_H

#include "bpfctl/credentials.h"

/*
 * Runs docker-credential-NAME, which whoever runs bpfctl has in his PATH, and asks it for a
 * registry. 1, 0 if it has nothing, or -errno with a sentence.
 */
int auth_helper_ask(const char *name, const char *registry, struct credentials *credentials,
                    char *complaint, size_t complaint_size);

#endif
