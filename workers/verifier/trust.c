/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/verifier/trust.h"

#include "common/channel.h"
#include "common/cleanup.h"
#include "common/memfd.h"
#include "workers/verifier/key.h"

#include <string.h>

#define TRUST_SIZE_MAX                                                               \
	(sizeof(struct trust_header) + TRUST_RULES_MAX * sizeof(struct trust_rule) + \
	 TRUST_FILES_MAX * (sizeof(struct trust_file) + TRUST_FILE_SIZE_MAX))

struct file {
	const unsigned char *bytes;
	size_t size;
};

/* The memfd's bytes, and where in them the parts are. */
struct layout {
	const struct trust_header *header;
	const struct trust_rule *rules;
	struct file files[TRUST_FILES_MAX];
};

static int form_refuse(struct error *error, const char *what)
{
	return error_set(error, -EPROTO, ERROR_INTERNAL,
	                 "the launcher's rules about signatures cannot be read (%s): this is a "
	                 "defect of bpfd's, please report it",
	                 what);
}

/* `next` is where the files' bytes begin; all of them have to end at `end`. */
static int files_lay(struct layout *layout, const struct trust_file *files,
                     const unsigned char *next, const unsigned char *end)
{
	for (uint32_t i = 0; i < layout->header->files; i++) {
		uint64_t size = files[i].size;
		uint64_t padded = (size + 7) & ~UINT64_C(7);

		if (size > TRUST_FILE_SIZE_MAX || padded > (uint64_t)(end - next))
			return -EPROTO;
		layout->files[i] = (struct file){ .bytes = next, .size = size };
		next += padded;
	}
	return next == end ? 0 : -EPROTO;
}

static int layout_read(const unsigned char *bytes, size_t size, struct layout *layout)
{
	const struct trust_header *header = (const void *)bytes;

	if (size < sizeof(*header) || header->magic != TRUST_MAGIC ||
	    header->rules > TRUST_RULES_MAX || header->files > TRUST_FILES_MAX ||
	    header->trusted_root > header->files || header->reserved)
		return -EPROTO;

	const struct trust_rule *rules = (const void *)(header + 1);
	const struct trust_file *files = (const void *)(rules + header->rules);
	const unsigned char *next = (const void *)(files + header->files);

	if ((size_t)(next - bytes) > size)
		return -EPROTO;
	layout->header = header;
	layout->rules = rules;
	return files_lay(layout, files, next, bytes + size);
}

static bool rule_fits(const struct trust_rule *rule, const struct trust_header *header)
{
	bool texts = channel_text_ok(rule->pattern, sizeof(rule->pattern)) &&
	             channel_text_ok(rule->key, sizeof(rule->key)) &&
	             channel_text_ok(rule->identity, sizeof(rule->identity)) &&
	             channel_text_ok(rule->issuer, sizeof(rule->issuer));

	if (!texts || !rule->pattern[0])
		return false;
	switch (rule->kind) {
	case IMAGE_RULE_NONE:
		return true;
	case IMAGE_RULE_KEY:
		return rule->file >= 1 && rule->file <= header->files && rule->key[0];
	case IMAGE_RULE_KEYLESS:
		return rule->identity[0] && rule->issuer[0];
	default:
		return false;
	}
}

static int rule_read(const struct layout *layout, uint32_t i, struct trust *trust,
                     struct error *error)
{
	const struct trust_rule *rule = &layout->rules[i];

	if (!rule_fits(rule, layout->header))
		return form_refuse(error, "a rule");
	trust->rules[i] = *rule;
	trust->count = i + 1;
	if (rule->kind == IMAGE_RULE_KEYLESS && !trust->has_root)
		return error_set(
			error, -EINVAL, ERROR_INVALID_ARGUMENT,
			"the rule \"%s\" is keyless, and no trusted root is installed: make "
			"one with `cosign trusted-root create` and name it in bpfd.conf",
			rule->pattern);
	if (rule->kind != IMAGE_RULE_KEY)
		return 0;

	const struct file *file = &layout->files[rule->file - 1];

	return key_read(file->bytes, file->size, rule->key, &trust->keys[i], error);
}

static int parts_read(const struct layout *layout, struct trust *trust, struct error *error)
{
	int result = 0;

	if (layout->header->trusted_root) {
		const struct file *file = &layout->files[layout->header->trusted_root - 1];

		result = trusted_root_read(file->bytes, file->size, &trust->root, error);
		trust->has_root = result == 0;
	}
	for (uint32_t i = 0; i < layout->header->rules && result == 0; i++)
		result = rule_read(layout, i, trust, error);
	return result;
}

int trust_read(int fd, struct trust *trust, struct error *error)
{
	_cleanup_free_ unsigned char *bytes = NULL;
	struct layout layout = {};
	size_t size;

	if (memfd_check(fd, &size) < 0)
		return form_refuse(error, "no sealed memfd");
	if (size > TRUST_SIZE_MAX)
		return form_refuse(error, "too large");
	bytes = malloc(size + 1);
	if (!bytes)
		return error_set(error, -ENOMEM, ERROR_INTERNAL,
		                 "no memory for the rules about signatures");
	if (memfd_read(fd, bytes, size) < 0 || layout_read(bytes, size, &layout) < 0)
		return form_refuse(error, "its form");
	*trust = (struct trust){};

	int result = parts_read(&layout, trust, error);

	if (result < 0)
		trust_clear(trust);
	return result;
}

void trust_clear(struct trust *trust)
{
	for (uint32_t i = 0; i < TRUST_RULES_MAX; i++)
		EVP_PKEY_free(trust->keys[i]);
	trusted_root_clear(&trust->root);
	*trust = (struct trust){};
}
