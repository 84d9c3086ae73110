/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a Containerfile needs for the labels that "image build" makes itself. */
#include "client/builder/builder.h"

#include "common/cleanup.h"
#include "image/object.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct labels {
	char *programs;
	char *maps;
};

static void labels_free(struct labels *labels)
{
	free(labels->programs);
	free(labels->maps);
	*labels = (struct labels){};
}

static int labels_read(const struct builder_object *object, struct labels *labels,
                       struct error *error)
{
	struct stat status;
	uint64_t size;
	int result;

	if (fstat(object->object.fd, &status) < 0 || !S_ISREG(status.st_mode) ||
	    status.st_size > (off_t)OBJECT_SIZE_MAX)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "\"%.200s\" is no file of at most 16 MiB: give an object file",
		                 object->path);
	size = (uint64_t)status.st_size;
	result = image_object_check_for(object->object.fd, size, object->architecture, error);
	if (result == 0)
		result = build_labels(object->object.fd, size, &labels->programs, &labels->maps,
		                      error);
	return result;
}

static bool text_equal(const char *one, const char *other)
{
	return one && other && strcmp(one, other) == 0;
}

/* One Containerfile has one set of labels for all architectures. */
static int labels_agree(const struct builder *builder, struct labels *labels, struct error *error)
{
	int result = labels_read(&builder->objects[0], labels, error);

	for (size_t i = 1; result == 0 && i < builder->count; i++) {
		struct labels other = {};

		result = labels_read(&builder->objects[i], &other, error);
		if (result == 0 && !(text_equal(labels->programs, other.programs) &&
		                     text_equal(labels->maps, other.maps)))
			result = error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
			                   "the objects for %s and %s hold other programs or maps: "
			                   "a Containerfile has one set of labels for both; use "
			                   "\"bpfctl image build\"",
			                   builder->objects[0].architecture,
			                   builder->objects[i].architecture);
		labels_free(&other);
	}
	return result;
}

/* BYTECODE_ARM64=build/filter.o, or BYTECODE_FILE=... where there is one for all. */
static void object_print(const struct builder_object *object, bool alone)
{
	char name[IMAGE_TYPE_SIZE] = "FILE";

	for (size_t i = 0; !alone && i < sizeof(name); i++)
		name[i] = (char)toupper((unsigned char)object->architecture[i]);
	(void)printf("BYTECODE_%s=%s\n", name, object->path);
}

int labels_print(const struct builder *builder, struct error *error)
{
	struct labels labels = {};
	int result = labels_agree(builder, &labels, error);

	for (size_t i = 0; result == 0 && i < builder->count; i++)
		object_print(&builder->objects[i],
		             builder->count == 1 &&
		                     builder->objects[0].path == builder->options.operands[0]);
	if (result == 0)
		(void)printf("PROGRAMS=%s\nMAPS=%s\n", labels.programs, labels.maps);
	if (result == 0 && fflush(stdout) != 0)
		result = error_set(error, -errno, ERROR_STORE, "cannot write the output: %s",
		                   strerror(errno));
	labels_free(&labels);
	return result;
}
