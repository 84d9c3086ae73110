/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/account.h"

#include <errno.h>
#include <stdlib.h>

void accounts_init(struct accounts *accounts, uint64_t budget_bytes)
{
	*accounts = (struct accounts){ .budget = budget_bytes };
}

struct account *account_ref(struct accounts *accounts, uid_t uid)
{
	for (size_t i = 0; i < accounts->count; i++) {
		if (accounts->items[i]->uid == uid) {
			accounts->items[i]->references++;
			return accounts->items[i];
		}
	}

	struct account **items =
		reallocarray(accounts->items, accounts->count + 1, sizeof(struct account *));

	if (!items)
		return NULL;
	accounts->items = items;

	struct account *account = calloc(1, sizeof(*account));

	if (!account)
		return NULL;
	account->uid = uid;
	account->references = 1;
	accounts->items[accounts->count++] = account;
	return account;
}

void account_unref(struct accounts *accounts, struct account *account)
{
	if (!account || --account->references)
		return;
	for (size_t i = 0; i < accounts->count; i++) {
		if (accounts->items[i] == account) {
			accounts->items[i] = accounts->items[--accounts->count];
			break;
		}
	}
	free(account);
}

int account_charge(struct accounts *accounts, struct account *account, uint64_t bytes)
{
	if (bytes > accounts->budget - accounts->bytes ||
	    bytes > accounts->budget / 2 - account->bytes)
		return -EDQUOT;
	accounts->bytes += bytes;
	account->bytes += bytes;
	return 0;
}

void account_refund(struct accounts *accounts, struct account *account, uint64_t bytes)
{
	accounts->bytes -= bytes;
	account->bytes -= bytes;
}
