/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bpfd-image: makes bytecode images and sends them to registries. bpfctl runs it. */
#include "client/builder/confined.h"
#include "client/builder/layout.h"
#include "client/builder/report.h"

#include "common/cleanup.h"
#include "common/memfd.h"

#include <string.h>

#define EXIT_USAGE 2

static int image_write(const struct builder *builder, enum layout_form form, int fd,
                       struct error *error)
{
	static struct pieces pieces;
	int result = pieces_read(fd, &pieces, error);

	if (result == 0 && builder->options.output)
		result = layout_write(builder->options.output, form, &pieces,
		                      builder->reference.tag, builder->created_s, error);
	if (result == 0)
		result = report_print(builder, &pieces, error);
	pieces_close(&pieces);
	return result;
}

static int image_make(const struct builder *builder, struct error *error)
{
	enum layout_form form = LAYOUT_DIRECTORY;
	_cleanup_close_ int fd = memfd_open("image");
	int result = 0;

	if (fd < 0)
		return error_set(error, fd, ERROR_INTERNAL, "no memory for the image: %s",
		                 strerror(-fd));
	if (builder->options.output)
		result = layout_choose(builder->options.output, &form, error);
	if (result == 0)
		result = confined_run(builder, fd, error);
	return result == 0 ? image_write(builder, form, fd, error) : result;
}

int main(int argc, char **argv)
{
	static struct builder builder;
	struct error error = {};
	int result = options_parse(argc, argv, &builder.options, &error);

	if (result < 0) {
		error_print(&error);
		return EXIT_USAGE;
	}
	result = builder_open(&builder, &error);
	if (result == 0)
		result = builder.options.labels_only ? confined_run(&builder, -1, &error)
		                                     : image_make(&builder, &error);
	if (result < 0)
		error_print(&error);
	return result ? EXIT_FAILURE : EXIT_SUCCESS;
}
