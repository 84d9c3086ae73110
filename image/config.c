/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/digest.h"
#include "image/json.h"
#include "image/manifest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_PROGRAMS "io.ebpf.programs"
#define LABEL_MAPS "io.ebpf.maps"
#define LABEL_FUNCTION "io.ebpf.bpf_function_name"
#define LABEL_PROGRAM "io.ebpf.program_name"
#define LABEL_SECTION "io.ebpf.section_name"
#define LABEL_TYPE "io.ebpf.program_type"

static int refuse(struct error *error, const char *what, const char *why)
{
	return error_set(error, -EBADMSG, ERROR_REGISTRY,
	                 "the image's %s %s: build and push it again", what, why);
}

/* Names and types go to terminals, and names to the kernel: what C and ELF call them is printable.
 */
static bool word_is_printable(const char *word)
{
	for (; *word; word++) {
		if (*word <= 0x20 || *word > 0x7e)
			return false;
	}
	return true;
}

typedef int name_add(struct image_names *names, const char *name, const char *type);

static int label_members_add(const json_t *object, const char *label, name_add *add,
                             struct image_names *names, struct error *error)
{
	const char *name;
	json_t *type;

	json_object_foreach((json_t *)(uintptr_t)object, name, type)
	{
		if (!json_is_string(type) || !word_is_printable(json_string_value(type)))
			return refuse(error, label, "has a type that is no word");
		if (!word_is_printable(name) || add(names, name, json_string_value(type)) < 0)
			return refuse(error, label,
			              "has a name that is empty, too long or holds blanks");
	}
	return 0;
}

/* 1 where the label is there. An empty text is as if it were not: that is what a Containerfile's
 * unset argument makes. */
static int label_read(const json_t *labels, const char *label, name_add *add,
                      struct image_names *names, struct error *error)
{
	_cleanup_json_ json_t *object = NULL;
	const json_t *text = json_object_get(labels, label);
	int result;

	if (!text || json_is_null(text) || (json_is_string(text) && !json_string_length(text)))
		return 0;
	if (!json_is_string(text))
		return refuse(error, label, "is no text with a JSON object in it");
	result = json_read(json_string_value(text), json_string_length(text), JSON_TEXT_MAX, label,
	                   ERROR_REGISTRY, &object, error);
	if (result == 0)
		result = label_members_add(object, label, add, names, error);
	return result < 0 ? result : 1;
}

static int text_read(const json_t *labels, const char *label, char *out, size_t size,
                     struct error *error)
{
	int result = json_member_text(labels, label, out, size);

	if (result == -EBADMSG || (result == 0 && !word_is_printable(out)))
		return refuse(error, label, "is no word, or too long");
	return 0;
}

/* Of the time before one image had several programs. */
static int older_labels_read(const json_t *labels, struct image_config *config, struct error *error)
{
	char function[FUNCTION_NAME_SIZE] = "";
	char product[FUNCTION_NAME_SIZE] = "";
	char section[FUNCTION_NAME_SIZE] = "";
	char type[FUNCTION_NAME_SIZE] = "";
	const char *name;
	int result = text_read(labels, LABEL_FUNCTION, function, sizeof(function), error);

	if (result == 0)
		result = text_read(labels, LABEL_TYPE, type, sizeof(type), error);
	if (result == 0)
		result = text_read(labels, LABEL_SECTION, section, sizeof(section), error);
	if (result == 0)
		result = text_read(labels, LABEL_PROGRAM, product, sizeof(product), error);
	if (result < 0)
		return result;
	name = function[0] ? function : product;
	if (!name[0] || !type[0] || (!function[0] && section[0]))
		return 0;
	config->labelled = true;
	return image_names_add_program(&config->names, name, type);
}

static int labels_read(const json_t *labels, struct image_config *config, struct error *error)
{
	int result =
		label_read(labels, LABEL_PROGRAMS, image_names_add_program, &config->names, error);

	if (result < 0)
		return result;
	config->labelled = config->names.program_count > 0;
	if (result == 0)
		result = older_labels_read(labels, config, error);
	return result < 0
	               ? result
	               : label_read(labels, LABEL_MAPS, image_names_add_map, &config->names, error);
}

static int layers_read(const json_t *document, struct image_config *config, struct error *error)
{
	const json_t *list = json_member_array(json_object_get(document, "rootfs"), "diff_ids");
	const char *first = json_string_value(json_array_get(list, 0));

	if (!list)
		return 0;
	if (json_array_size(list) != 1)
		return refuse(error, "configuration",
		              "does not have exactly one layer in rootfs.diff_ids");
	if (!first || digest_parse(first, config->diff) < 0)
		return refuse(error, "configuration", "has a diff_id that is no sha256 digest");
	config->has_diff = true;
	return 0;
}

int config_read(const void *bytes, size_t size, struct image_config *config, struct error *error)
{
	_cleanup_json_ json_t *document = NULL;
	struct image_config *read;
	int result = json_read(bytes, size, JSON_DOCUMENT_MAX, "the image's configuration",
	                       ERROR_REGISTRY, &document, error);

	if (result < 0)
		return result;
	read = calloc(1, sizeof(*read));
	if (!read)
		return error_set(error, -ENOMEM, ERROR_INTERNAL,
		                 "no memory to read the image's configuration");
	result = text_read(document, "architecture", read->architecture, sizeof(read->architecture),
	                   error);
	if (result == 0)
		result = layers_read(document, read, error);
	if (result == 0)
		result = labels_read(
			json_member_object(json_object_get(document, "config"), "Labels"), read,
			error);
	if (result >= 0)
		memcpy(config, read, sizeof(*read));
	free(read);
	return result < 0 ? result : 0;
}

int config_check_layer(const struct image_config *config, const uint8_t diff[DIGEST_SIZE],
                       struct error *error)
{
	if (!config->has_diff)
		return refuse(error, "configuration", "has no rootfs.diff_ids");
	return digest_expect("the unpacked layer", diff, config->diff, error);
}
