/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef BPFD_IMAGE_WARM_H
#define BPFD_IMAGE_WARM_H

/*
 * What OpenSSL and jansson do once for a process, which opens files: a role calls it before it
 * locks itself down. Without it the first digest and the first JSON object would. 0 or -errno.
 */
int image_warm(void);

#endif
