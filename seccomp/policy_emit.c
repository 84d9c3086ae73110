/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "seccomp/policy.h"
#include "common/cleanup.h"

#include <inttypes.h>
#include <linux/filter.h>
#include <sys/mman.h>

/* The filter as the kernel takes it: libseccomp writes it to a descriptor. */
static int filter_export(const struct policy *policy, struct sock_filter **out, size_t *length)
{
	_cleanup_close_ int fd = memfd_create("filter", MFD_CLOEXEC);
	_cleanup_free_ struct sock_filter *filter = NULL;

	if (fd < 0)
		return -errno;
	int result = seccomp_export_bpf(policy->filter, fd);

	if (result < 0)
		return result;
	off_t size = lseek(fd, 0, SEEK_END);

	if (size <= 0 || (size_t)size % sizeof(*filter) ||
	    (size_t)size / sizeof(*filter) > BPF_MAXINSNS)
		return -EINVAL;
	filter = malloc((size_t)size);
	if (!filter)
		return -ENOMEM;
	if (pread(fd, filter, (size_t)size, 0) != size)
		return -EIO;
	*length = (size_t)size / sizeof(*filter);
	*out = steal_ptr(&filter);
	return 0;
}

static void filter_print(const struct sock_filter *filter, size_t length, FILE *output)
{
	(void)fprintf(output, "static const struct sock_filter filter[] = {\n");
	for (size_t i = 0; i < length; i++)
		(void)fprintf(output, "\t{ 0x%02x, %u, %u, 0x%08x },\n", filter[i].code,
		              filter[i].jt, filter[i].jf, filter[i].k);
	(void)fprintf(output, "};\n\n");
}

/* Arrays of no elements are not written: their pointer is NULL. */
static void rlimits_print(const struct policy *policy, FILE *output)
{
	if (policy->rlimit_count == 0)
		return;
	(void)fprintf(output, "static const struct sandbox_rlimit rlimits[] = {\n");
	for (size_t i = 0; i < policy->rlimit_count; i++)
		(void)fprintf(output, "\t{ .resource = %d, .value = %" PRIu64 "u },\n",
		              policy->rlimits[i].resource, policy->rlimits[i].value);
	(void)fprintf(output, "};\n\n");
}

static void paths_print(const struct policy *policy, FILE *output)
{
	if (policy->path_count == 0)
		return;
	(void)fprintf(output, "static const struct sandbox_path paths[] = {\n");
	for (size_t i = 0; i < policy->path_count; i++)
		(void)fprintf(
			output, "\t{ .path = \"%s\", .access = 0x%" PRIx64 ", .optional = %d },\n",
			policy->paths[i].path, policy->paths[i].access, policy->paths[i].optional);
	(void)fprintf(output, "};\n\n");
}

static void needed_print(const struct policy *policy, FILE *output)
{
	if (policy->needed_count == 0)
		return;
	(void)fprintf(output, "static const char *const needed[] = {\n");
	for (size_t i = 0; i < policy->needed_count; i++)
		(void)fprintf(output, "\t\"%s\",\n", policy->needed[i]);
	(void)fprintf(output, "};\n\n");
}

static void table_print(const struct policy *policy, size_t length, FILE *output)
{
	(void)fprintf(output, "const struct sandbox_policy sandbox_policy_%s = {\n", policy->role);
	(void)fprintf(output,
	              "\t.role = \"%s\",\n\t.root = %d,\n\t.any_user = %d,\n\t.narrows = %d,\n",
	              policy->role, policy->root, policy->any_user, policy->narrows);
	(void)fprintf(output, "\t.survives_parent = %d,\n\t.landlock_inherited = %d,\n",
	              policy->survives_parent, policy->landlock_inherited);
	(void)fprintf(output,
	              "\t.landlock_scope = 0x%" PRIx64 ",\n\t.landlock_tcp = 0x%" PRIx64
	              ",\n\t.capabilities = 0x%" PRIx64 ",\n",
	              policy->landlock_scope, policy->landlock_tcp, policy->capabilities);
	(void)fprintf(output, "\t.filter = filter,\n\t.filter_length = %zu,\n", length);
	if (policy->rlimit_count)
		(void)fprintf(output, "\t.rlimits = rlimits,\n\t.rlimit_count = %zu,\n",
		              policy->rlimit_count);
	if (policy->path_count)
		(void)fprintf(output, "\t.paths = paths,\n\t.path_count = %zu,\n",
		              policy->path_count);
	if (policy->needed_count)
		(void)fprintf(output, "\t.needed = needed,\n\t.needed_count = %zu,\n",
		              policy->needed_count);
	(void)fprintf(output, "};\n");
}

int policy_emit(const struct policy *policy, const char *file, FILE *output)
{
	_cleanup_free_ struct sock_filter *filter = NULL;
	size_t length = 0;
	int result = filter_export(policy, &filter, &length);

	if (result < 0)
		return result;
	(void)fprintf(output, "/* Made from %s. */\n#include \"common/sandbox.h\"\n\n", file);
	filter_print(filter, length, output);
	rlimits_print(policy, output);
	paths_print(policy, output);
	needed_print(policy, output);
	table_print(policy, length, output);
	return fflush(output) == 0 && !ferror(output) ? 0 : -EIO;
}
