/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Files of credentials, as docker, podman, skopeo and others write them (containers-auth.json(5)).
 */
#ifndef BPFD_BPFCTL_AUTH_FILE_H
#define BPFD_BPFCTL_AUTH_FILE_H

#include "bpfctl/credentials.h"

#define AUTH_FILE_SIZE_MAX (1u << 20)

/*
 * What a file has for the image: of the keys of `auths` that are a beginning of its registry and
 * repository the longest; or what the program says that `credHelpers` or `credsStore` name. 1 if
 * something was found, 0 if the file is not there or does not know the registry, or -errno with a
 * sentence.
 */
int auth_file_search(const char *path, const char *reference, struct credentials *credentials,
                     char *complaint, size_t complaint_size);

/* "user:password" in base64, as `auth` has it. 0 or -EINVAL. */
int auth_text_decode(const char *text, struct credentials *credentials);

#endif
