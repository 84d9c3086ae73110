/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What questions may name: the filters of lists, and ids. Pure. */
#ifndef BPFD_FRONTEND_QUESTION_H
#define BPFD_FRONTEND_QUESTION_H

#include "bpfd.pb-c.h"
#include "common/error.h"

/* 0, or -EINVAL with `error`. The request is no change. */
int question_check(const Bpfd__V1__Request *request, struct error *error);

#endif
