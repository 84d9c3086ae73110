/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* load_libbpf COUNT PAUSE_MS OBJECT: loads it by libbpf in this process, over and over, after a
 * pause each time. */
#include "tests/bench/samples.h"

#include <bpf/libbpf.h>
#include <string.h>

static uint64_t load(const char *path)
{
	uint64_t start = now_ns();
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	int result = libbpf_get_error(object) ? -1 : bpf_object__load(object);
	uint64_t time_ns = now_ns() - start;

	if (result < 0)
		die("libbpf cannot load %s: %s", path, strerror(-result));
	bpf_object__close(object);
	return time_ns;
}

int main(int argc, char **argv)
{
	struct samples samples = {};
	uint64_t total_ns = 0;

	if (argc != 4)
		die("usage: load_libbpf COUNT PAUSE_MS OBJECT");
	(void)load(argv[3]); /* libbpf probes the kernel once */
	for (unsigned int left = number_read(argv[1], 100000); left; left--) {
		sleep_ms(number_read(argv[2], 10000));
		uint64_t time_ns = load(argv[3]);

		samples_add(&samples, time_ns);
		total_ns += time_ns;
	}
	samples_print(&samples, total_ns);
	return 0;
}
