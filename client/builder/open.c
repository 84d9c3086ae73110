/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What was asked for, opened: after this nobody follows a path that a user wrote but the writer. */
#include "client/builder/builder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "arm64=filter.o"; what has a "/" before the "=" is a path alone. */
static int operand_split(const char *operand, struct builder_object *object, struct error *error)
{
	size_t length = strcspn(operand, "=/");
	bool big_endian;

	object->path = operand;
	(void)snprintf(object->architecture, sizeof(object->architecture), "%s",
	               architecture_host());
	if (operand[length] != '=')
		return 0;
	if (length == 0 || length >= sizeof(object->architecture))
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "\"%.100s\" names no architecture before the \"=\": write it as "
		                 "arm64=filter.o, and a file whose name has a \"=\" as ./a=b.o",
		                 operand);
	memcpy(object->architecture, operand, length);
	object->architecture[length] = '\0';
	object->path = operand + length + 1;
	if (!architecture_is_known(object->architecture, &big_endian))
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "\"%s\" is no architecture that bpfd knows: they are called "
		                 "amd64, arm64, ppc64le, riscv64, s390x, ...; a file whose name "
		                 "has a \"=\" is written as ./a=b.o",
		                 object->architecture);
	return 0;
}

static int object_open(const char *operand, struct builder_object *object, struct error *error)
{
	struct stat status;
	int result = operand_split(operand, object, error);

	if (result < 0)
		return result;
	object->object.fd = open(object->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (object->object.fd < 0)
		return error_set(error, -errno, ERROR_INVALID_ARGUMENT,
		                 "cannot read the object \"%.200s\": %s", object->path,
		                 strerror(errno));
	if (fstat(object->object.fd, &status) < 0 || !S_ISREG(status.st_mode))
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "\"%.200s\" is no regular file: name an object file",
		                 object->path);
	object->object.architecture = object->architecture;
	object->object.name = path_base(object->path);
	return 0;
}

static int reference_take(struct builder *builder, struct error *error)
{
	int result = reference_parse(builder->options.tag, &builder->reference, error);

	if (result < 0)
		return result;
	if (!builder->reference.has_digest)
		return 0;
	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
	                 "an image that is about to be made cannot be named by its digest: give "
	                 "--tag a tag, as %s/%s:v1",
	                 builder->reference.registry, builder->reference.repository);
}

int builder_open(struct builder *builder, struct error *error)
{
	const struct builder_options *options = &builder->options;
	int result = build_time_parse(getenv("SOURCE_DATE_EPOCH"), &builder->created_s, error);

	if (result == 0 && options->tag)
		result = reference_take(builder, error);
	for (size_t i = 0; result == 0 && i < options->operand_count; i++) {
		struct builder_object *object = &builder->objects[i];

		result = object_open(options->operands[i], object, error);
		builder->build[i] = object->object;
		builder->count = i + 1;
	}
	return result;
}
