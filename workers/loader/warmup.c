/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libbpf finds out what the kernel can by trying, once in a process: a dozen calls that a client
 * would wait for. So it is given a small object of bpfd's own before there is a client.
 */
#include "workers/loader/loader.h"

#include <errno.h>
#include <string.h>

/* The object that CMake built, as bytes. */
__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        "warmup_object: .incbin \"" BPFD_WARMUP_OBJECT "\"\n"
        "warmup_object_end:\n"
        ".popsection\n");
extern const unsigned char warmup_object[], warmup_object_end[];

int warmup_run(struct error *error)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "warmup");
	/* cppcheck-suppress comparePointers ; both are labels in one piece of assembly */
	size_t size = (size_t)(warmup_object_end - warmup_object);
	struct bpf_object *object = bpf_object__open_mem(warmup_object, size, &options);
	int result;

	if (!object)
		return error_set(error, -errno, ERROR_INTERNAL,
		                 "bpfd's own warm-up object cannot be read: %s", messages_text());
	result = bpf_object__load(object);
	if (result < 0)
		(void)error_set(error, result, ERROR_KERNEL,
		                "bpfd's own warm-up object cannot be loaded (%s): %s",
		                strerror(-result), messages_text());
	bpf_object__close(object);
	return result;
}
