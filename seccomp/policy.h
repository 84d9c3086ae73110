/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The policy compiler: reads a seccomp/<role>.policy, written for reviewers (README.md), and writes
 * the role's struct sandbox_policy as C. Build time only.
 */
#ifndef BPFD_SECCOMP_POLICY_H
#define BPFD_SECCOMP_POLICY_H

#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define POLICY_ROLE_SIZE 32
#define POLICY_ENTRIES_MAX 64
#define POLICY_SYSCALLS_MAX 256

struct policy_rlimit {
	int resource;
	uint64_t value;
};

struct policy_path {
	char *path;
	uint64_t access;
	bool optional;
};

/* A system call that already has a rule; another with conditions may follow only if this one has
 * some too. */
struct policy_syscall {
	int number;
	bool conditional;
};

struct policy {
	char role[POLICY_ROLE_SIZE];
	bool root_given;
	bool root;
	bool any_user;
	bool default_given;
	bool narrows;
	bool survives_parent;
	bool landlock_inherited;
	uint64_t landlock_scope;
	uint64_t landlock_tcp;
	uint64_t capabilities;
	size_t rlimit_count;
	struct policy_rlimit rlimits[POLICY_ENTRIES_MAX];
	size_t path_count;
	struct policy_path paths[POLICY_ENTRIES_MAX];
	size_t needed_count;
	char *needed[POLICY_ENTRIES_MAX];
	size_t syscall_count;
	struct policy_syscall syscalls[POLICY_SYSCALLS_MAX];
	scmp_filter_ctx filter;
};

/*
 * Reads a policy. 0, or -EINVAL after a message "file:line: what is wrong" on `messages`.
 * policy_free() afterwards in both cases.
 */
int policy_parse(struct policy *policy, const char *file, FILE *input, FILE *messages);

void policy_free(struct policy *policy);

/* Writes the C source. 0 or -errno. */
int policy_emit(const struct policy *policy, const char *file, FILE *output);

/* Values by name; each true and `value`, or false for a name that is none. */
bool symbol_constant(const char *name, size_t length, uint64_t *value);
bool symbol_errno(const char *name, uint16_t *value);
bool symbol_rlimit(const char *name, int *resource);
bool symbol_access(const char *name, size_t length, uint64_t *access);
bool symbol_scope(const char *name, size_t length, uint64_t *scope);
bool symbol_tcp(const char *name, size_t length, uint64_t *access);

#endif
