/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/trust.h"

#include "common/cleanup.h"
#include "common/memfd.h"
#include "launcher/ini_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 8u

/* The memfd's bytes while it is made. */
struct trust {
	FILE *stream;
	char *bytes;
	size_t size;
	struct trust_header header;
	struct trust_file files[TRUST_FILES_MAX];
};

static void trust_cleanup(struct trust *trust)
{
	if (trust->stream)
		(void)fclose(trust->stream);
	free(trust->bytes);
}

/* `place` is where the file is named. */
static int file_append(struct trust *trust, const char *path, const char *place,
                       struct error *error)
{
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_free_ char *bytes = NULL;
	static const char filling[ALIGNMENT];
	struct error why = {};
	int result = owned_file_open(path, "file", &file, &why);
	size_t size;

	if (result < 0)
		return error_set(error, result, (enum error_code)why.code, "%s: %.400s", place,
		                 why.message);
	bytes = malloc(TRUST_FILE_SIZE_MAX + 1);
	if (!bytes)
		return error_set(error, -ENOMEM, ERROR_UNAVAILABLE, "no memory for %s", path);
	size = fread(bytes, 1, TRUST_FILE_SIZE_MAX + 1, file);
	if (ferror(file))
		return error_set(error, -EIO, ERROR_INTERNAL, "%s: cannot read %s", place, path);
	if (size == 0 || size > TRUST_FILE_SIZE_MAX)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "%s: %s is empty or longer than %u bytes", place, path,
		                 TRUST_FILE_SIZE_MAX);
	trust->files[trust->header.files++].size = size;
	(void)fwrite(bytes, 1, size, trust->stream);
	(void)fwrite(filling, 1, (ALIGNMENT - size % ALIGNMENT) % ALIGNMENT, trust->stream);
	return 0;
}

static int files_append(struct trust *trust, const struct policy *policy, const char *trusted_root,
                        struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < policy->file_count && result == 0; i++)
		result = file_append(trust, policy->files[i].path, policy->files[i].place, error);
	if (result < 0 || !trusted_root[0])
		return result;
	result = file_append(trust, trusted_root, "[images] trusted-root", error);
	trust->header.trusted_root = trust->header.files;
	return result;
}

static int keyless_check(const struct policy *policy, const char *trusted_root, struct error *error)
{
	for (size_t i = 0; i < policy->rule_count && !trusted_root[0]; i++) {
		if (policy->rules[i].kind == IMAGE_RULE_KEYLESS)
			return error_set(
				error, -EINVAL, ERROR_INVALID_ARGUMENT,
				"[repository %s] wants keyless signatures, which need the "
				"certificates of those who vouch for identities: install a "
				"trusted_root.json and set [images] trusted-root",
				policy->rules[i].pattern);
	}
	return 0;
}

static int trust_write(const struct trust *trust, const struct policy *policy)
{
	_cleanup_close_ int fd = memfd_open("bpfd-trust");
	char *head;
	size_t rules = policy->rule_count * sizeof(policy->rules[0]);
	size_t files = trust->header.files * sizeof(trust->files[0]);
	size_t size = sizeof(trust->header) + rules + files;
	int result;

	if (fd < 0)
		return fd;
	head = malloc(size + trust->size);
	if (!head)
		return -ENOMEM;
	memcpy(head, &trust->header, sizeof(trust->header));
	memcpy(head + sizeof(trust->header), policy->rules, rules);
	memcpy(head + sizeof(trust->header) + rules, trust->files, files);
	memcpy(head + size, trust->bytes, trust->size);
	result = memfd_fill(fd, head, size + trust->size);
	free(head);
	return result < 0 ? result : steal_fd(&fd);
}

int trust_make(const struct policy *policy, const char *trusted_root, int *fd, struct error *error)
{
	_cleanup_(trust) struct trust trust = {
		.header = { .magic = TRUST_MAGIC, .rules = (uint32_t)policy->rule_count }
	};
	int result = keyless_check(policy, trusted_root, error);

	if (result < 0)
		return result;
	trust.stream = open_memstream(&trust.bytes, &trust.size);
	if (!trust.stream)
		return error_set(error, -ENOMEM, ERROR_UNAVAILABLE, "no memory for the rules");
	result = files_append(&trust, policy, trusted_root, error);
	if (result < 0)
		return result;
	if (fflush(trust.stream) != 0)
		return error_set(error, -ENOMEM, ERROR_UNAVAILABLE, "no memory for the rules");
	result = trust_write(&trust, policy);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "cannot make a memfd of the rules: %s", strerror(-result));
	*fd = result;
	return 0;
}
