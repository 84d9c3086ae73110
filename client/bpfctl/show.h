/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What bpfctl prints for people. `width` 0: as wide as the terminal. All return 0 or -ENOMEM. */
#ifndef BPFD_BPFCTL_SHOW_H
#define BPFD_BPFCTL_SHOW_H

#include "bpfd/bpfd.h"

#include <stdio.h>

int programs_show(FILE *out, const struct bpfd_programs *programs, size_t width);
int links_show(FILE *out, const struct bpfd_link *links, size_t count, size_t width);
int maps_list_show(FILE *out, const struct bpfd_maps *maps, size_t width);
int program_details_show(FILE *out, const struct bpfd_program_details *details, size_t width);
int link_details_show(FILE *out, const struct bpfd_link *link);
int images_show(FILE *out, const struct bpfd_images *images, size_t width);
/* `verification` may be NULL: nothing was found out. */
int image_show(FILE *out, const struct bpfd_image *image,
               const struct bpfd_verification *verification, size_t width);
/* One line of it. */
void verification_show(FILE *out, const struct bpfd_verification *verification);
int status_show(FILE *out, const struct bpfd_daemon_status *status, size_t width);

#endif
