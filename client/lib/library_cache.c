/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/library_cache.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* The files' own structures; all numbers are of the machine's byte order. */
#define MAGIC "glibc-ld.so.cache1.1"
#define MAGIC_OLD "ld.so-1.7.0"

struct cache_header {
	char magic[20];
	uint32_t count;
	uint32_t text_bytes;
	uint8_t byte_order; /* 0: unknown, 2: little, 3: big */
	uint8_t padding[3];
	uint32_t extensions;
	uint32_t unused[3];
};

struct cache_entry {
	uint32_t flags;
	uint32_t name; /* offsets from the header */
	uint32_t path;
	uint32_t os_version;
	uint64_t hardware; /* not 0: for some processors only */
};

struct old_header {
	char magic[11];
	uint32_t count;
};

struct old_entry {
	uint32_t flags;
	uint32_t name;
	uint32_t path;
};

_Static_assert(sizeof(struct cache_header) == 48, "as in the file");
_Static_assert(sizeof(struct cache_entry) == 24, "as in the file");
_Static_assert(sizeof(struct old_header) == 16, "as in the file");
_Static_assert(sizeof(struct old_entry) == 12, "as in the file");

/* The type, "libc6", and the ABI, as glibc numbers them. */
#define LIBC6 0x0003
#if defined(__x86_64__) && defined(__LP64__)
#define FLAGS_HERE (0x0300 | LIBC6)
#elif defined(__aarch64__)
#define FLAGS_HERE (0x0a00 | LIBC6)
#elif defined(__powerpc64__)
#define FLAGS_HERE (0x0500 | LIBC6)
#elif defined(__s390x__)
#define FLAGS_HERE (0x0400 | LIBC6)
#elif defined(__riscv) && __riscv_xlen == 64
#define FLAGS_HERE (0x1000 | LIBC6)
#elif defined(__arm__) && defined(__ARM_PCS_VFP)
#define FLAGS_HERE (0x0900 | LIBC6)
#else
#define FLAGS_HERE LIBC6
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTE_ORDER_HERE 2
#else
#define BYTE_ORDER_HERE 3
#endif

/* How the name goes on after "libc": ".so" for "libc.so.6", nothing for "libc". */
static const char *suffix_of(const char *name)
{
	const char *found = strstr(name, ".so");

	return found && (!found[3] || found[3] == '.') ? found : name + strlen(name);
}

bool library_name_fits(const char *name, const char *file)
{
	const char *suffix = suffix_of(name);
	size_t stem = (size_t)(suffix - name), length = strlen(name);

	if (strncmp(file, name, length) == 0) {
		if (!file[length] || (*suffix && file[length] == '.'))
			return true;
		if (!*suffix && *suffix_of(file) && suffix_of(file) == file + length)
			return true;
	}
	return strncmp(file, name, stem) == 0 && file[stem] == '-' && file[stem + 1] >= '0' &&
	       file[stem + 1] <= '9' && *suffix_of(file);
}

/* Past the older list, if there is one: then this one begins at a multiple of 8. */
static bool list_begin(const uint8_t **bytes, size_t *size)
{
	struct old_header old;
	uint64_t skip;

	if (*size < sizeof(old) || memcmp(*bytes, MAGIC_OLD, sizeof(MAGIC_OLD) - 1) != 0)
		return *size >= sizeof(struct cache_header);
	memcpy(&old, *bytes, sizeof(old));
	skip = sizeof(old) + (uint64_t)old.count * sizeof(struct old_entry);
	skip = (skip + 7) & ~(uint64_t)7;
	if (skip > *size)
		return false;
	*bytes += skip;
	*size -= (size_t)skip;
	return *size >= sizeof(struct cache_header);
}

/* The text at this offset, or NULL if it does not end within the file, or is no path's length. */
static const char *text_at(const uint8_t *bytes, size_t size, uint32_t offset)
{
	size_t most;

	if (offset >= size)
		return NULL;
	most = size - offset < PATH_MAX ? size - offset : PATH_MAX;
	return memchr(bytes + offset, '\0', most) ? (const char *)bytes + offset : NULL;
}

static bool header_ok(const struct cache_header *header, size_t size)
{
	if (memcmp(header->magic, MAGIC, sizeof(header->magic)) != 0)
		return false;
	if (header->byte_order & 3 && (header->byte_order & 3) != BYTE_ORDER_HERE)
		return false;
	return header->count <= (size - sizeof(*header)) / sizeof(struct cache_entry);
}

/* The names of an entry that is for this machine, whatever its processor can. */
static bool entry_take(const uint8_t *bytes, size_t size, uint32_t index, const char **name,
                       const char **path)
{
	struct cache_entry entry;

	memcpy(&entry, bytes + sizeof(struct cache_header) + index * sizeof(entry), sizeof(entry));
	if (entry.flags != FLAGS_HERE || entry.hardware)
		return false;
	*name = text_at(bytes, size, entry.name);
	*path = text_at(bytes, size, entry.path);
	return *name && *path && **path == '/';
}

/* Of the names that fit "libc": the library, and another if there is one. */
struct choice {
	const char *name;
	const char *path;
	const char *other;
};

static bool name_numbered(const char *name)
{
	const char *suffix = suffix_of(name);

	return *suffix && suffix[3];
}

/* A name that ends in ".so" is for the linker, where another has a number. */
static void choice_add(struct choice *choice, const char *name, const char *path)
{
	bool numbered = name_numbered(name);

	if (!choice->name || (numbered && !name_numbered(choice->name))) {
		choice->name = name;
		choice->path = path;
	} else if (numbered && strcmp(choice->name, name) != 0) {
		choice->other = path;
	}
}

int library_cache_find(const uint8_t *bytes, size_t size, const char *name, const char **path,
                       const char **other)
{
	struct choice choice = {};
	const char *key, *value;
	struct cache_header header;

	if (!list_begin(&bytes, &size))
		return -EBADMSG;
	memcpy(&header, bytes, sizeof(header));
	if (!header_ok(&header, size))
		return -EBADMSG;
	for (uint32_t i = 0; i < header.count; i++) {
		if (!entry_take(bytes, size, i, &key, &value) || !library_name_fits(name, key))
			continue;
		if (strcmp(key, name) == 0) {
			*path = value; /* the first one is what a program gets */
			return 0;
		}
		choice_add(&choice, key, value);
	}
	if (!choice.name)
		return -ENOENT;
	*path = choice.path;
	if (choice.other)
		*other = choice.other;
	return choice.other ? -ENOTUNIQ : 0;
}
