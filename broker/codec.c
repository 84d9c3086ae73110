/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/codec.h"

#include "broker/validate.h"
#include "common/channel.h"
#include "common/places.h"
#include "common/program_type.h"
#include "common/target.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct reader {
	const unsigned char *at;
	size_t left;
};

static bool take(struct reader *reader, void *out, size_t size)
{
	if (reader->left < size)
		return false;
	memcpy(out, reader->at, size);
	reader->at += size;
	reader->left -= size;
	return true;
}

static size_t append(unsigned char *out, size_t used, const void *bytes, size_t size)
{
	memcpy(out + used, bytes, size);
	return used + size;
}

static size_t metadata_append(unsigned char *out, size_t used,
                              const struct record_metadata *metadata)
{
	used = append(out, used, metadata, offsetof(struct record_metadata, entries));
	return append(out, used, metadata->entries, metadata->count * sizeof(metadata->entries[0]));
}

static bool metadata_take(struct reader *reader, struct record_metadata *metadata)
{
	return take(reader, metadata, offsetof(struct record_metadata, entries)) &&
	       metadata->count <= METADATA_MAX &&
	       take(reader, metadata->entries, metadata->count * sizeof(metadata->entries[0])) &&
	       validate_metadata(metadata);
}

/* A text at the end of a record: its length and its bytes. */
static size_t reason_append(unsigned char *out, size_t used, const char *reason)
{
	uint8_t length = (uint8_t)strnlen(reason, REASON_SIZE - 1);

	used = append(out, used, &length, sizeof(length));
	return append(out, used, reason, length);
}

static bool reason_take(struct reader *reader, char reason[REASON_SIZE])
{
	uint8_t length;

	return take(reader, &length, sizeof(length)) && take(reader, reason, length) &&
	       channel_text_ok(reason, REASON_SIZE);
}

size_t codec_program_encode(const struct record_program *program, void *out)
{
	size_t used = append(out, 0, program, offsetof(struct record_program, image));

	used = append(out, used, program->maps, program->map_count * sizeof(program->maps[0]));
	used = metadata_append(out, used, &program->metadata);
	used = reason_append(out, used, program->reason);
	if (!program->image.reference[0])
		return used;
	used = append(out, used, &program->image, sizeof(program->image));
	return append(out, used, &program->verdict, sizeof(program->verdict));
}

/* What follows the reason, if anything does: an image and its verdict. What was refused has no
 * program. */
static bool image_take(struct reader *reader, struct record_program *program)
{
	if (!reader->left)
		return true;
	return take(reader, &program->image, sizeof(program->image)) &&
	       take(reader, &program->verdict, sizeof(program->verdict)) &&
	       program->image.reference[0] &&
	       channel_text_ok(program->image.reference, sizeof(program->image.reference)) &&
	       validate_verdict(&program->verdict) &&
	       program->verdict.verdict != IMAGE_VERDICT_REFUSED;
}

static bool program_ok(const struct record_program *program, uint64_t id)
{
	if (program->id != id || (program->map_owner && program->map_owner >= id) ||
	    !program_type_row(program->type) || program->form > PROGRAM_FORM_EXTENSION ||
	    program->persist > 1 || program->exclusive > 1 ||
	    program->state > PROGRAM_STATE_FAILED || !program->name[0] ||
	    !channel_text_ok(program->name, sizeof(program->name)) ||
	    !channel_text_ok(program->target, sizeof(program->target)) ||
	    !channel_text_ok(program->kernel_name, sizeof(program->kernel_name)) ||
	    !channel_text_ok(program->application, sizeof(program->application)) ||
	    !channel_text_ok(program->source_name, sizeof(program->source_name)))
		return false;
	for (uint32_t i = 0; i < program->map_count; i++) {
		if (!validate_map_name(program->maps[i].name) ||
		    program->maps[i].flags & ~(uint32_t)RECORD_MAP_BY_NAME)
			return false;
	}
	return true;
}

int codec_program_decode(const void *bytes, size_t size, uint64_t id,
                         struct record_program *program)
{
	struct reader reader = { bytes, size };
	struct record_program read = {};

	if (!take(&reader, &read, offsetof(struct record_program, image)) ||
	    read.map_count > LOAD_MAPS_MAX ||
	    !take(&reader, read.maps, read.map_count * sizeof(read.maps[0])) ||
	    !metadata_take(&reader, &read.metadata) || !reason_take(&reader, read.reason) ||
	    !image_take(&reader, &read) || reader.left || !program_ok(&read, id))
		return -EBADMSG;
	*program = read;
	return 0;
}

size_t codec_link_encode(const struct record_link *link, void *out)
{
	size_t used = append(out, 0, link, offsetof(struct record_link, places.entries));

	used = append(out, used, link->places.entries,
	              link->places.count * sizeof(link->places.entries[0]));
	used = metadata_append(out, used, &link->metadata);
	return reason_append(out, used, link->reason);
}

static bool link_ok(const struct record_link *link, uint64_t id)
{
	return link->id == id && link->program_id && program_type_row(link->type) &&
	       link->state >= LINK_STATE_ATTACHING && link->state <= LINK_STATE_FAILED &&
	       (link->state == LINK_STATE_UPDATING) == (link->updating_to != 0) &&
	       target_well_formed(&link->target) && places_well_formed(&link->places);
}

int codec_link_decode(const void *bytes, size_t size, uint64_t id, struct record_link *link)
{
	struct reader reader = { bytes, size };
	struct record_link read = {};

	if (!take(&reader, &read, offsetof(struct record_link, places.entries)) ||
	    read.places.count >= PLACES_MAX ||
	    !take(&reader, read.places.entries,
	          read.places.count * sizeof(read.places.entries[0])) ||
	    !metadata_take(&reader, &read.metadata) || !reason_take(&reader, read.reason) ||
	    reader.left || !link_ok(&read, id))
		return -EBADMSG;
	*link = read;
	return 0;
}

size_t codec_globals_encode(const struct record_globals *globals, void *out)
{
	size_t used = append(out, 0, globals, offsetof(struct record_globals, entries));

	used = append(out, used, globals->entries, globals->count * sizeof(globals->entries[0]));
	return append(out, used, globals->data, globals->data_size);
}

int codec_globals_decode(const void *bytes, size_t size, struct record_globals *globals)
{
	struct reader reader = { bytes, size };
	struct record_globals read = {};

	if (!take(&reader, &read, offsetof(struct record_globals, entries)) ||
	    read.count > LOAD_GLOBALS_MAX || read.data_size > GLOBAL_DATA_MAX ||
	    !take(&reader, read.entries, read.count * sizeof(read.entries[0])) ||
	    !take(&reader, read.data, read.data_size) || reader.left || !validate_globals(&read))
		return -EBADMSG;
	*globals = read;
	return 0;
}
