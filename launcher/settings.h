/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* From what the administrator wrote to what the roles are told. */
#ifndef BPFD_LAUNCHER_SETTINGS_H
#define BPFD_LAUNCHER_SETTINGS_H

#include "launcher/config.h"
#include "launcher/users.h"
#include "proto/channel_fetcher.h"
#include "proto/channel_launcher.h"

/* Every value of `config` was checked when it was read: nothing can fail. `demands` is how many
 * rules want a signature. */
void settings_fill(const struct config *config, const struct users *users, size_t demands,
                   struct launcher_settings *out);

/* What fetchers are told. */
void settings_fetcher_fill(const struct config *config, size_t demands,
                           struct fetcher_settings *out);

#endif
