/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What each uid uses of the frontend: connections, changes under way, bytes held for it. Bytes have
 * a budget over all and one per uid, half as large, so that one user cannot take it all.
 */
#ifndef BPFD_FRONTEND_ACCOUNT_H
#define BPFD_FRONTEND_ACCOUNT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct account {
	uid_t uid;
	uint32_t references;
	uint32_t connections;
	uint32_t changes;
	uint32_t fetches;
	uint64_t bytes;
};

struct accounts {
	uint64_t budget; /* bytes */
	uint64_t bytes;
	struct account **items;
	size_t count;
};

void accounts_init(struct accounts *accounts, uint64_t budget_bytes);

/* The uid's account with one more reference, or NULL without memory. */
struct account *account_ref(struct accounts *accounts, uid_t uid);
void account_unref(struct accounts *accounts, struct account *account);

/* Charges bytes to an account. 0, or -EDQUOT when they are beyond its budget or everybody's. */
int account_charge(struct accounts *accounts, struct account *account, uint64_t bytes);
void account_refund(struct accounts *accounts, struct account *account, uint64_t bytes);

#endif
