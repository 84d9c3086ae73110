/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a registry is told by whoever runs bpfctl: a name, and a password or token. They come from
 * the standard input or out of the files that other tools for images keep, never from the command
 * line; no complaint ever quotes them.
 */
#ifndef BPFD_BPFCTL_CREDENTIALS_H
#define BPFD_BPFCTL_CREDENTIALS_H

#include "bpfctl/arguments.h"

struct credentials {
	char username[IMAGE_USERNAME_SIZE]; /* empty: anonymous */
	char password[IMAGE_PASSWORD_SIZE];
};

/*
 * The credentials for the registry of `reference`: with --password-stdin those, else what the first
 * of these files has that knows the registry: config.json in $DOCKER_CONFIG, $REGISTRY_AUTH_FILE,
 * ~/.docker/config.json, $XDG_RUNTIME_DIR/containers/auth.json. None knows it: anonymous. True, or
 * false with `arguments->complaint`.
 */
_Bool credentials_find(struct arguments *arguments, const char *reference,
                       struct credentials *credentials);

/* The same without --password-stdin; where nothing is to be found out but mistakes, `complaint` has
 * them. 0, 1 if they were found, or -errno. */
int credentials_look_up(const char *reference, struct credentials *credentials, char *complaint,
                        size_t complaint_size);

/* 0, or -EINVAL, and nothing is changed, if one is too long or the name is empty. */
int credentials_set(struct credentials *credentials, const char *username, const char *password);

/* Overwrites them. */
void credentials_forget(struct credentials *credentials);

#endif
