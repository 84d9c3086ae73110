/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * load_bpfd SOCKET COUNT PAUSE_MS OBJECT FUNCTION: loads it by a call of libbpfd, over and over,
 * and unloads it. After the pause a new loader waits. OBJECT is a file, or image:REFERENCE of one
 * that is in the cache.
 */
#include "tests/bench/samples.h"

#include <bpfd/bpfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
	struct bpfd_client *client;
	struct bpfd_load_program program;
	struct bpfd_image_source image;
	struct bpfd_load_request request;
};

#define IMAGE_PREFIX "image:"

/* True, and it is the image that is loaded. */
static bool image_take(const char *name, struct job *job)
{
	if (strncmp(name, IMAGE_PREFIX, strlen(IMAGE_PREFIX)) != 0)
		return false;
	job->image.reference = name + strlen(IMAGE_PREFIX);
	job->image.pull_policy = BPFD_PULL_NEVER;
	job->request.image = &job->image;
	return true;
}

/* Into memory that lives as long as the program. */
static void object_read(const char *path, struct bpfd_load_request *request)
{
	FILE *file = fopen(path, "re");
	void *bytes = malloc(BPFD_OBJECT_SIZE_MAX);

	if (!file || !bytes)
		die("cannot read %s", path);
	request->object = bytes;
	request->object_size = fread(bytes, 1, BPFD_OBJECT_SIZE_MAX, file);
	(void)fclose(file);
}

/* Makes sure of the answer; the message is the daemon's. */
static void must(int result, struct bpfd_error *error, const char *what)
{
	if (result < 0)
		die("%s: %s", what, error ? error->message : "failed");
}

static uint64_t load(const struct job *job)
{
	struct bpfd_programs *programs = NULL;
	struct bpfd_error *error = NULL;
	uint64_t start = now_ns();
	int result = bpfd_load(job->client, &job->request, &programs, &error);
	uint64_t time_ns = now_ns() - start;

	must(result, error, "load");
	must(bpfd_unload(job->client, programs->items[0].id, NULL, &error), error, "unload");
	bpfd_programs_free(programs);
	return time_ns;
}

int main(int argc, char **argv)
{
	struct job job = { .program = { .type = BPFD_PROGRAM_XDP } };
	struct samples samples = {};
	struct bpfd_error *error = NULL;
	uint64_t total_ns = 0;

	if (argc != 6)
		die("usage: load_bpfd SOCKET COUNT PAUSE_MS OBJECT FUNCTION");
	unsigned int count = number_read(argv[2], 100000), pause_ms = number_read(argv[3], 10000);

	if (!image_take(argv[4], &job))
		object_read(argv[4], &job.request);
	job.program.function = argv[5];
	job.request.programs = &job.program;
	job.request.program_count = 1;
	must(bpfd_client_open(argv[1], &job.client, &error), error, "open");
	for (; count; count--) {
		sleep_ms(pause_ms);
		uint64_t time_ns = load(&job);

		samples_add(&samples, time_ns);
		total_ns += time_ns;
	}
	samples_print(&samples, total_ns);
	bpfd_client_close(job.client);
	free((void *)(uintptr_t)job.request.object);
	return 0;
}
