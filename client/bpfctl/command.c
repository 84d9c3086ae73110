/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/command.h"
#include "bpfctl/options.h"

#include <string.h>

/* clang-format off */
const struct command commands[] = {
	{ { "load", "file" }, "PATH", VALUES_FILE, "load programs of an object file",
	  load_options, 1, 1, load_check, load_file_run },
	{ { "load", "image" }, "REFERENCE", VALUES_IMAGE, "load programs of an image, out of the cache or a registry",
	  load_image_options, 1, 1, load_image_check, load_image_run },
	{ { "attach", COMMAND_TYPE }, "PROGRAM", VALUES_PROGRAM, "let a program run: on an interface, at a tracepoint, ...",
	  attach_options, 1, 1, attach_check, attach_run },
	{ { "update", NULL }, "LINK", VALUES_LINK, "change what a link runs, or its place, without a gap",
	  update_options, 1, 1, update_check, update_run },
	{ { "detach", NULL }, "LINK...", VALUES_LINK, "take programs off where they run",
	  NULL, 1, OPERANDS_ANY, ids_check, detach_run },
	{ { "unload", NULL }, "PROGRAM...", VALUES_PROGRAM, "detach programs everywhere, and remove them",
	  unload_options, 1, OPERANDS_ANY, ids_check, unload_run },
	{ { "list", "programs" }, "", NULL, "what is loaded",
	  list_programs_options, 0, 0, NULL, list_programs_run },
	{ { "list", "links" }, "", NULL, "what is attached, and where",
	  list_links_options, 0, 0, NULL, list_links_run },
	{ { "list", "maps" }, "", NULL, "maps, and who uses them",
	  list_maps_options, 0, 0, NULL, list_maps_run },
	{ { "get", "program" }, "ID", VALUES_PROGRAM, "everything about one program",
	  get_program_options, 1, 1, program_check, get_program_run },
	{ { "get", "link" }, "ID", VALUES_LINK, "everything about one link",
	  NULL, 1, 1, ids_check, get_link_run },
	{ { "map", "list" }, "PROGRAM", VALUES_PROGRAM, "the maps of a program",
	  NULL, 1, 1, map_check, list_maps_run },
	{ { "map", "dump" }, "PROGRAM MAP", VALUES_PROGRAM, "all entries of a map",
	  NULL, 2, 2, map_check, map_dump_run },
	{ { "map", "get" }, "PROGRAM MAP [KEY]", VALUES_PROGRAM, "one entry of a map",
	  NULL, 2, 3, map_check, map_get_run },
	{ { "map", "set" }, "PROGRAM MAP [KEY] VALUE", VALUES_PROGRAM, "change or add an entry",
	  map_set_options, 3, 4, map_check, map_set_run },
	{ { "map", "delete" }, "PROGRAM MAP KEY", VALUES_PROGRAM, "take an entry out of a map",
	  NULL, 2, 3, map_check, map_delete_run },
	{ { "map", "follow" }, "PROGRAM MAP", VALUES_PROGRAM, "show what a program writes into a ring buffer, as it comes",
	  NULL, 2, 2, map_check, map_follow_run },
	{ { "image", "pull" }, "REFERENCE", NULL, "fetch an image into bpfd's cache",
	  image_source_options, 1, 1, image_source_check, image_pull_run },
	{ { "image", "list" }, "", NULL, "the images in the cache",
	  NULL, 0, 0, NULL, image_list_run },
	{ { "image", "inspect" }, "REFERENCE", VALUES_IMAGE, "everything about one of them; also by sha256:DIGEST",
	  NULL, 1, 1, NULL, image_inspect_run },
	{ { "image", "verify" }, "REFERENCE", VALUES_IMAGE, "have an image's signatures verified",
	  image_source_options, 1, 1, image_source_check, image_verify_run },
	{ { "image", "remove" }, "REFERENCE...", VALUES_IMAGE, "take images out of the cache; also by sha256:DIGEST",
	  NULL, 1, OPERANDS_ANY, NULL, image_remove_run },
	{ { "image", "build" }, "[ARCH=]OBJECT...", VALUES_FILE, "make an image of an object, or of one for each architecture",
	  image_build_options, 1, OPERANDS_ANY, image_build_check, image_build_run },
	{ { "image", "generate-build-args" }, "[ARCH=]OBJECT...", VALUES_FILE, "print what a Containerfile needs to make the image",
	  NULL, 1, OPERANDS_ANY, NULL, image_build_args_run },
	{ { "top", NULL }, "", NULL, "which programs run, how often and how long",
	  top_options, 0, 0, NULL, top_run },
	{ { "reload", NULL }, "", NULL, "make bpfd have what the files of programs.d and policy.d say",
	  reload_options, 0, 0, NULL, reload_run },
	{ { "watch", NULL }, "", NULL, "print what happens, as it happens",
	  NULL, 0, 0, NULL, watch_run },
	{ { "status", NULL }, "", NULL, "how bpfd is, and what this host can do",
	  NULL, 0, 0, NULL, status_run },
	{ { "version", NULL }, "", NULL, "the versions of bpfctl and of the bpfd that runs",
	  NULL, 0, 0, NULL, version_run },
	{ { "completion", "bash" }, "", NULL, "print what completes command lines in bash",
	  NULL, 0, 0, NULL, completion_bash_run },
	{ { "completion", "zsh" }, "", NULL, "the same for zsh",
	  NULL, 0, 0, NULL, completion_zsh_run },
	{ { "completion", "fish" }, "", NULL, "the same for fish",
	  NULL, 0, 0, NULL, completion_fish_run },
};
/* clang-format on */

const size_t command_count = sizeof(commands) / sizeof(commands[0]);

const struct command *command_find(const char *first, const char *second)
{
	for (size_t i = 0; i < command_count; i++) {
		const char *own = commands[i].words[1];

		if (strcmp(commands[i].words[0], first) != 0)
			continue;
		if (own == second || (own && second && strcmp(own, second) == 0))
			return &commands[i];
	}
	return NULL;
}

size_t command_words(const char *first)
{
	for (size_t i = 0; i < command_count; i++) {
		if (strcmp(commands[i].words[0], first) == 0)
			return commands[i].words[1] ? 2 : 1;
	}
	return 0;
}
