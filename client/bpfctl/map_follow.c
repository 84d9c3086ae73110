/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * map follow: a ring buffer's pages cannot be passed on, so bpfctl opens the map's pin itself, as
 * any program of a member of group bpfd may.
 */
#include "bpfctl/map_values.h"
#include "bpfctl/plain.h"
#include "bpfctl/session.h"
#include "bpfctl/text.h"
#include "common/cleanup.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

struct follower {
	const struct map_values *values;
	enum output_format output;
};

/* One record on one line, at once. A write that fails ends it: nobody reads on. */
static int record_print(void *state, void *bytes, size_t size)
{
	const struct follower *follower = state;
	json_t *value = map_bytes_json(follower->values, bytes, size);

	if (!value)
		return -ENOMEM;
	if (follower->output == OUTPUT_JSON)
		(void)json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_COMPACT);
	else
		plain_print(stdout, value);
	json_decref(value);
	(void)fputc('\n', stdout);
	return fflush(stdout) == 0 ? 0 : -EPIPE;
}

static enum exit_code pin_report(const char *pin, int error_number)
{
	(void)fputs("bpfctl: ", stderr);
	text_print(stderr, pin);
	(void)fprintf(stderr, " cannot be opened: %s%s\n", strerrordesc_np(error_number),
	              error_number == EACCES || error_number == EPERM || error_number == ENOENT
	                      ? ": to follow a ring buffer be root or a member of group bpfd, "
	                        "where bpfd's bpffs is mounted; before Linux 5.19 also "
	                        "kernel.unprivileged_bpf_disabled must be 0"
	                      : "");
	return EXIT_REFUSED;
}

static enum exit_code ring_follow(const struct arguments *arguments,
                                  const struct map_values *values)
{
	struct follower follower = { .values = values, .output = arguments->output };
	_cleanup_close_ int fd = bpf_obj_get(values->map->pin);
	struct ring_buffer *ring;
	int result;

	if (fd < 0)
		return pin_report(values->map->pin, errno);
	ring = ring_buffer__new(fd, record_print, &follower, NULL);
	if (!ring)
		return pin_report(values->map->pin, errno);
	do {
		result = ring_buffer__poll(ring, -1);
	} while (result >= 0 || result == -EINTR);
	ring_buffer__free(ring);
	return result == -EPIPE ? EXIT_DONE : pin_report(values->map->pin, -result);
}

enum exit_code map_follow_run(struct arguments *arguments)
{
	struct bpfd_client *client = NULL;
	struct map_values values = {};
	enum exit_code code = session_open(arguments, &client);

	if (code == EXIT_DONE)
		code = map_values_open(arguments, client, &values);
	if (code == EXIT_DONE && strcmp(values.map->type, "ringbuf") != 0) {
		(void)fputs("bpfctl: only ring buffers can be followed, and map \"", stderr);
		text_print(stderr, values.map->name);
		(void)fprintf(stderr, "\" is a %s: see \"bpfctl map dump\"\n", values.map->type);
		code = EXIT_REFUSED;
	}
	if (code == EXIT_DONE)
		code = ring_follow(arguments, &values);
	map_values_close(&values);
	return code;
}
