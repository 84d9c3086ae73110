/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Prints what bpfd has loaded: cc list_programs.c $(pkg-config --cflags --libs bpfd)
 */
#include <bpfd/bpfd.h>
#include <inttypes.h>
#include <stdio.h>

static int fail(struct bpfd_error *error)
{
	(void)fprintf(stderr, "list_programs: %s\n", error->message);
	bpfd_error_free(error);
	return 1;
}

int main(int argc, char **argv)
{
	struct bpfd_client *client = NULL;
	struct bpfd_programs *programs = NULL;
	struct bpfd_error *error = NULL;

	if (bpfd_client_open(argc > 1 ? argv[1] : NULL, &client, &error) < 0)
		return fail(error);
	if (bpfd_list_programs(client, NULL, &programs, &error) < 0) {
		bpfd_client_close(client);
		return fail(error);
	}
	for (size_t i = 0; i < programs->count; i++) {
		const struct bpfd_program *program = &programs->items[i];

		(void)printf("%" PRIu64 " %s %s, %zu links\n", program->id,
		             bpfd_program_type_name(program->type), program->name,
		             program->link_count);
	}
	bpfd_programs_free(programs);
	bpfd_client_close(client);
	return 0;
}
