/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The options of the commands; each list ends with a row without a name. */
#ifndef BPFD_BPFCTL_OPTIONS_H
#define BPFD_BPFCTL_OPTIONS_H

#include "bpfctl/arguments.h"
#include "common/program_type.h"
#include "common/target.h"

extern const struct option_row unload_options[];
extern const struct option_row load_options[];
extern const struct option_row load_image_options[];
extern const struct option_row image_source_options[]; /* of image pull and verify */
extern const struct option_row image_build_options[];
extern const struct option_row attach_options[];
extern const struct option_row update_options[];
extern const struct option_row map_set_options[];
extern const struct option_row reload_options[]; /* declare/reload.c */
extern const struct option_row list_programs_options[];
extern const struct option_row list_links_options[];
extern const struct option_row list_maps_options[];
extern const struct option_row get_program_options[];
extern const struct option_row top_options[];

#define DECLARATIONS_DIRECTORY "/etc/bpfd/programs.d"

/* What must be given, and ids that must be numbers. */
_Bool load_check(struct arguments *arguments);
_Bool load_image_check(struct arguments *arguments);
_Bool image_source_check(struct arguments *arguments);
_Bool image_build_check(struct arguments *arguments);
_Bool attach_check(struct arguments *arguments);
_Bool update_check(struct arguments *arguments);
_Bool ids_check(struct arguments *arguments);
_Bool map_check(struct arguments *arguments);
_Bool program_check(struct arguments *arguments);

/* Options that attach and update have. A list of actions is understood with `arguments->type`. */
_Bool take_priority(struct arguments *arguments, char *value);
_Bool take_proceed_on(struct arguments *arguments, char *value);
_Bool take_program_id(struct arguments *arguments, char *value);

/* Options that several lists have. */
_Bool take_type(struct arguments *arguments, char *value);
_Bool take_application(struct arguments *arguments, char *value);

/* --metadata, which several commands have. */
_Bool take_metadata(struct arguments *arguments, char *value);
#define METADATA_ROW(help)                                                     \
	{                                                                      \
		"metadata", "KEY=VALUE", NULL, help, take_metadata, 0, 0, 0, 0 \
	}

/* Options of load, whatever is loaded. */
_Bool take_program(struct arguments *arguments, char *value);
_Bool take_global(struct arguments *arguments, char *value);
_Bool take_load_exclusive(struct arguments *arguments, char *value);
_Bool take_persist(struct arguments *arguments, char *value);
_Bool take_map_owner(struct arguments *arguments, char *value);
/* clang-format off */
#define LOAD_ROWS(programs) \
	{ "program", "PROGRAM", NULL, programs, take_program, 0, 0, 0, 0 }, \
	{ "global", "NAME=VALUE", NULL, "sets a global variable; hex: and bytes in memory order set it raw; repeat for more", \
	  take_global, 0, 0, 0, 0 }, \
	METADATA_ROW("kept with the programs; repeat for more"), \
	{ "application", "NAME", NULL, "what the programs belong to", take_application, 0, 0, 0, 0 }, \
	{ "exclusive", NULL, NULL, "xdp: to be attached alone, not in a chain with others", take_load_exclusive, 0, 0, 0, 0 }, \
	{ "persist", NULL, NULL, "load them again after a reboot, and attach their links", take_persist, 0, 0, 0, 0 }, \
	{ "map-owner", "PROGRAM", VALUES_PROGRAM, "use that program's maps where the object has maps of the same names", \
	  take_map_owner, 0, 0, 0, 0 }
/* clang-format on */

/* Checks that --exclusive goes with the programs, and hands it to them. */
_Bool exclusive_check(struct arguments *arguments);

#endif
