/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What persistent programs need besides their records: an object that is kept, and changes that are
 * on the disk before they are answered.
 */
#include "broker/broker.h"

#include "broker/objects.h"
#include "common/log.h"

#include <errno.h>
#include <string.h>

bool persist_program(const struct broker *broker, uint64_t program_id)
{
	const struct program_entry *entry = registry_program(&broker->registry, program_id);

	return entry && entry->persist;
}

int persist_copy(struct broker *broker, bool persistent, struct error *error)
{
	struct error why;
	int result = persistent ? copies_now(broker, false, &why) : 0;

	if (!result)
		return 0;
	/* short enough, whatever the reason: it names files of bpfd's own */
	return error_set(error, result, ERROR_STORE,
	                 "%.300s; nothing was changed, because what is persistent must be on the "
	                 "disk before it is done",
	                 why.message);
}

/* Does a persistent program come from this object? A store that cannot be read wants everything. */
static bool object_wanted(void *state, const uint8_t digest[DIGEST_SIZE])
{
	const struct broker *broker = state;
	struct record_program program = {};
	struct error error;
	int result;

	while ((result = store_program_next(broker->store, program.id, &program, &error)) == 0) {
		if (program.persist && memcmp(program.digest, digest, DIGEST_SIZE) == 0)
			return true;
	}
	return result != -ENOENT;
}

void persist_object_release(struct broker *broker, const uint8_t digest[DIGEST_SIZE])
{
	if (!object_wanted(broker, digest))
		object_remove(broker->objects_fd, digest);
}

void persist_collect(struct broker *broker)
{
	int result = objects_collect(broker->settings.state_directory, broker->objects_fd,
	                             object_wanted, broker);

	if (result)
		log_warning("objects that nobody needs any more cannot be removed: %s",
		            strerror(-result));
}

void persist_reason(char reason[REASON_SIZE], const struct error *error)
{
	size_t length = strnlen(error->message, REASON_SIZE - 1);

	memset(reason, 0, REASON_SIZE);
	/* not in the middle of a character */
	if (length == REASON_SIZE - 1) {
		while (length && ((unsigned char)error->message[length] & 0xc0) == 0x80)
			length--;
	}
	memcpy(reason, error->message, length);
}
