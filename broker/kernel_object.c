/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/kernel_object.h"

#include "common/memfd.h"
#include "proto/kernel_records.h"

#include <stddef.h>

/* The object that CMake built, as bytes. */
__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        "iterators_object: .incbin \"" BPFD_ITERATORS_OBJECT "\"\n"
        "iterators_object_end:\n"
        ".popsection\n");
extern const unsigned char iterators_object[], iterators_object_end[];

static const struct {
	const char *function, *noun;
} kinds[KERNEL_KIND_COUNT] = {
	[KERNEL_KIND_PROGRAM] = { "kernel_programs", "programs" },
	[KERNEL_KIND_MAP] = { "kernel_maps", "maps" },
	[KERNEL_KIND_LINK] = { "kernel_links", "links" },
};

int kernel_object_memfd(void)
{
	/* cppcheck-suppress comparePointers ; both are labels in one piece of assembly */
	size_t size = (size_t)(iterators_object_end - iterators_object);

	return memfd_from_bytes("bpfd-iterators", iterators_object, size);
}

const char *kernel_object_function(uint32_t kind)
{
	return kinds[kind].function;
}

const char *kernel_object_noun(uint32_t kind)
{
	return kinds[kind].noun;
}
