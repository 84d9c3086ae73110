/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * attach_bpfd SOCKET OBJECT FUNCTION INTERFACE COUNT PAUSE_MS: loads and attaches it COUNT times on
 * the interface by calls of libbpfd, with a pause before each call, so that the next loader is warm
 * and nothing else runs. Prints {"load_us", "attach_us"} for each. With a PAUSE_MS of "turns" it
 * says "next" before each attach instead and waits for a line on standard input, so that somebody
 * else can count what the daemon does. At the end everything is unloaded.
 */
#include "tests/bench/samples.h"

#include <bpfd/bpfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MAX 10

static struct bpfd_client *client;

static void must(int result, const struct bpfd_error *error, const char *what)
{
	if (result < 0)
		die("%s: %s", what, error ? error->message : "failed");
}

static uint64_t load(const void *object, size_t size, const char *function)
{
	struct bpfd_load_program program = { .type = BPFD_PROGRAM_XDP, .function = function };
	struct bpfd_load_request request = {
		.object = object, .object_size = size, .programs = &program, .program_count = 1
	};
	struct bpfd_programs *programs = NULL;
	struct bpfd_error *error = NULL;

	must(bpfd_load(client, &request, &programs, &error), error, "load");
	uint64_t id = programs->items[0].id;

	bpfd_programs_free(programs);
	return id;
}

static void attach(uint64_t program_id, const char *interface)
{
	struct bpfd_attach_request request = { .program_id = program_id,
		                               .type = BPFD_PROGRAM_XDP,
		                               .target = { .interface = interface } };
	struct bpfd_link *link = NULL;
	struct bpfd_error *error = NULL;

	must(bpfd_attach(client, &request, &link, &error), error, "attach");
	bpfd_link_free(link);
}

static void turn_wait(void)
{
	(void)puts("next");
	(void)fflush(stdout);
	if (getchar() == EOF)
		die("nobody waits");
}

int main(int argc, char **argv)
{
	uint64_t ids[COUNT_MAX];
	struct bpfd_error *error = NULL;

	if (argc != 7)
		die("usage: attach_bpfd SOCKET OBJECT FUNCTION INTERFACE COUNT PAUSE_MS|turns");
	unsigned int count = number_read(argv[5], COUNT_MAX);
	unsigned int pause_ms = strcmp(argv[6], "turns") == 0 ? 0 : number_read(argv[6], 10000);
	FILE *file = fopen(argv[2], "re");
	void *object = malloc(BPFD_OBJECT_SIZE_MAX);

	if (!file || !object)
		die("cannot read %s", argv[2]);
	size_t size = fread(object, 1, BPFD_OBJECT_SIZE_MAX, file);

	(void)fclose(file);
	must(bpfd_client_open(argv[1], &client, &error), error, "open");
	for (unsigned int i = 0; i < count; i++) {
		sleep_ms(pause_ms);
		uint64_t start = now_ns();

		ids[i] = load(object, size, argv[3]);
		uint64_t loaded = now_ns();

		sleep_ms(pause_ms);
		if (!pause_ms)
			turn_wait();
		uint64_t attach_start = now_ns();

		attach(ids[i], argv[4]);
		(void)printf("{\"load_us\": %.1f, \"attach_us\": %.1f}\n",
		             (double)(loaded - start) / 1000,
		             (double)(now_ns() - attach_start) / 1000);
		(void)fflush(stdout);
	}
	for (unsigned int i = 0; i < count; i++)
		must(bpfd_unload(client, ids[i], NULL, &error), error, "unload");
	bpfd_client_close(client);
	free(object);
	return 0;
}
