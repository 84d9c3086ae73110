/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Images, and who verified them. */
#include "bpfctl/detail.h"
#include "bpfctl/show.h"
#include "bpfctl/table.h"
#include "bpfctl/words.h"
#include "common/cleanup.h"

#include <inttypes.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define DIGEST_SHORT 6 /* bytes of a digest that a list shows */

static void size_cell(struct table *table, uint64_t bytes)
{
	if (bytes < 10240)
		table_cell(table, "%" PRIu64 " B", bytes);
	else if (bytes < (1u << 20))
		table_cell(table, "%.1f KiB", (double)bytes / 1024);
	else
		table_cell(table, "%.1f MiB", (double)bytes / (1u << 20));
}

static void image_cells(struct table *table, const struct bpfd_image *image)
{
	_cleanup_free_ char *digest = hex_text("", image->digest, DIGEST_SHORT);
	char when[TIME_TEXT_SIZE];

	table_cell(table, "%s", image->reference);
	table_cell(table, "%s", digest ? digest : "-");
	table_cell(table, "%s", *image->architecture ? image->architecture : "-");
	table_cell(table, "%zu", image->program_count);
	size_cell(table, image->object_size);
	table_cell(table, "%" PRIu32, image->signature_count);
	table_cell(table, "%s", time_text(image->pulled_at, when) ?: "-");
}

int images_show(FILE *out, const struct bpfd_images *images, size_t width)
{
	static const struct column columns[] = {
		{ "REFERENCE", COLUMN_LONG }, { "DIGEST", COLUMN_TEXT },
		{ "ARCH", COLUMN_TEXT },      { "PROGRAMS", COLUMN_NUMBER },
		{ "SIZE", COLUMN_NUMBER },    { "SIGNATURES", COLUMN_NUMBER },
		{ "PULLED", COLUMN_TEXT },
	};
	_cleanup_(table) struct table *table = table_new(columns, LENGTH(columns));

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < images->count; i++) {
		table_row(table);
		image_cells(table, &images->items[i]);
	}
	if (width)
		table_width_set(table, width);
	return table_print(table, out);
}

void verification_show(FILE *out, const struct bpfd_verification *verification)
{
	if (!verification->verified)
		detail(out, "signature", "not looked at: no rule wants one");
	else if (*verification->key)
		detail(out, "signature", "good, by the key %s", verification->key);
	else
		detail(out, "signature", "good, by %s of %s", verification->identity,
		       verification->issuer);
}

static int names_show(FILE *out, const struct bpfd_image *image, size_t width)
{
	static const struct column columns[] = {
		{ "KIND", COLUMN_TEXT },
		{ "NAME", COLUMN_LONG },
		{ "TYPE", COLUMN_LONG },
	};
	_cleanup_(table) struct table *table = table_new(columns, LENGTH(columns));

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < image->program_count; i++) {
		table_row(table);
		table_cell(table, "program");
		table_cell(table, "%s", image->programs[i].name);
		table_cell(table, "%s", image->programs[i].type);
	}
	for (size_t i = 0; i < image->map_count; i++) {
		table_row(table);
		table_cell(table, "map");
		table_cell(table, "%s", image->maps[i].name);
		table_cell(table, "%s", image->maps[i].type);
	}
	if (width)
		table_width_set(table, width);
	return table_print(table, out);
}

int image_show(FILE *out, const struct bpfd_image *image,
               const struct bpfd_verification *verification, size_t width)
{
	detail(out, "reference", "%s", image->reference);
	detail_hex(out, "digest", "sha256:", image->digest, sizeof(image->digest));
	detail_hex(out, "manifest", "sha256:", image->manifest_digest,
	           sizeof(image->manifest_digest));
	detail_hex(out, "layer", "sha256:", image->layer_digest, sizeof(image->layer_digest));
	detail_hex(out, "object", "sha256:", image->object_digest, sizeof(image->object_digest));
	detail(out, "architecture", "%s", image->architecture);
	detail(out, "size", "%" PRIu64 " bytes, %" PRIu64 " in the cache", image->object_size,
	       image->stored_size);
	detail_time(out, "pulled at", image->pulled_at);
	detail_time(out, "used at", image->used_at);
	detail(out, "signatures", "%" PRIu32 " beside it", image->signature_count);
	if (verification)
		verification_show(out, verification);
	detail(out, "names from", "%s", image->programs_from);
	if (!image->program_count && !image->map_count)
		return 0;
	(void)fputc('\n', out);
	return names_show(out, image, width);
}
