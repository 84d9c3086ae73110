/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* BTF objects by id. They describe types, and can be pinned nowhere. */
#include "workers/opener/opener.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int answer_btf(struct opener *opener, const void *question, struct opener_answer *answer,
               struct error *error)
{
	const struct opener_btf *asked = question;
	union bpf_attr attr = {};
	long fd;

	(void)opener;
	attr.btf_id = asked->id;
	fd = syscall(SYS_bpf, BPF_BTF_GET_FD_BY_ID, &attr, sizeof(attr));
	if (fd < 0)
		return error_set(error, -errno, ERROR_KERNEL,
		                 "the opener cannot open the types of a map: %s", strerror(errno));
	answer->descriptors[0] = (int)fd;
	answer->type = OPENER_OPENED;
	return 0;
}
