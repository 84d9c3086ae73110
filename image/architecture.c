/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/manifest.h"

#include <string.h>

/* Go's names, which OCI uses, of what Linux runs on. */
static const struct {
	const char *name;
	bool big_endian;
} architectures[] = {
	{ "386", false },     { "amd64", false }, { "arm", false },     { "arm64", false },
	{ "loong64", false }, { "mips", true },   { "mips64", true },   { "mips64le", false },
	{ "mipsle", false },  { "ppc64", true },  { "ppc64le", false }, { "riscv64", false },
	{ "s390x", true },
};

#define LITTLE (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

const char *architecture_host(void)
{
#if defined(__x86_64__)
	return "amd64";
#elif defined(__aarch64__)
	return "arm64";
#elif defined(__s390x__)
	return "s390x";
#elif defined(__powerpc64__)
	return LITTLE ? "ppc64le" : "ppc64";
#elif defined(__riscv) && __riscv_xlen == 64
	return "riscv64";
#elif defined(__loongarch64)
	return "loong64";
#elif defined(__mips64)
	return LITTLE ? "mips64le" : "mips64";
#elif defined(__arm__)
	return "arm";
#elif defined(__i386__)
	return "386";
#else
#error "which name does OCI have for this architecture?"
#endif
}

bool architecture_is_known(const char *architecture, bool *big_endian)
{
	for (size_t i = 0; i < sizeof(architectures) / sizeof(architectures[0]); i++) {
		if (strcmp(architectures[i].name, architecture) == 0) {
			*big_endian = architectures[i].big_endian;
			return true;
		}
	}
	return false;
}
