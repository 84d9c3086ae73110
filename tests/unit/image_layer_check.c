/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/unit/image_layer_check.h"

#include "image/layer.h"

#include <cmocka.h>
#include <dirent.h>
#include <string.h>
#include <unistd.h>

struct error layer_error;
uint8_t layer_digest[DIGEST_SIZE];

static int descriptors_open(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(directory))
		count++;
	(void)closedir(directory);
	return count;
}

int layer_result(const struct made_bytes *layer)
{
	struct layer_object object, before;
	int descriptors = descriptors_open();
	int result;

	memset(&object, 0x5a, sizeof(object));
	before = object;
	layer_error = (struct error){};
	result = layer_open_bytes(layer->data, layer->size, &object, &layer_error);
	if (result == 0) {
		memcpy(layer_digest, object.digest, DIGEST_SIZE);
		(void)close(object.fd);
	} else {
		assert_memory_equal(&object, &before, sizeof(before));
		assert_int_not_equal(layer_error.code, ERROR_NONE);
		for (const char *at = layer_error.message; *at; at++)
			assert_true(*at >= ' ' && *at <= '~');
	}
	assert_int_equal(descriptors_open(), descriptors);
	return result;
}

void layer_expect(const struct made_bytes *layer, const char *which, int result, unsigned int code,
                  const char *why)
{
	int got = layer_result(layer);

	if (got != result || layer_error.code != code || !strstr(layer_error.message, why))
		fail_msg("%s: %d, %s: %s", which, got, error_code_name(layer_error.code),
		         layer_error.message);
}

void layer_refused(struct made_bytes *layer, const char *which, int result, unsigned int code,
                   const char *why)
{
	struct made_bytes gzip = made_gzip(layer), zstd = made_zstd(layer, 0);

	layer_expect(layer, which, result, code, why);
	layer_expect(&gzip, which, result, code, why);
	layer_expect(&zstd, which, result, code, why);
	made_free(&gzip);
	made_free(&zstd);
	made_free(layer);
}
