/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Runs a program and keeps what it printed; compares with golden files. */
#ifndef BPFD_TESTS_CLIENT_RUN_COMMAND_H
#define BPFD_TESTS_CLIENT_RUN_COMMAND_H

struct run_result {
	int exit_code; /* -1: ended by a signal */
	char *out;
	char *err;
};

/* Runs argv[0] with argv; fails the test if it cannot be started. */
struct run_result command_run(char *const *argv);
void run_result_free(struct run_result *result);

/*
 * Compares with tests/client/golden/<name>, byte for byte, and fails the test with both if they
 * differ. With BPFD_GOLDEN_WRITE set in the environment the file is written instead, to be looked
 * at before it is committed.
 */
void golden_compare(const char *name, const char *text);

#endif
