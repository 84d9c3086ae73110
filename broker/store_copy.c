/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The copy of the store that outlives the boot. Every file is written under another name first: a
 * crash at any point leaves the old copy or the new one, and at most a file that the next start
 * removes. The copy is not compacted: LMDB does that with a second thread, which the broker's
 * policy does not allow, and free pages are few.
 */
#include "broker/store_private.h"

#include "common/cleanup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define COPY_NEW "store.mdb.new"
#define LIVE_NEW "data.mdb.new"
/* There while the copy is the last word: made at an orderly stop, removed before any later change.
 * A file of its own because it can be removed on a full disk too. */
#define MARK "store.clean"

/* Flags and mode are those that the broker's policy allows. A file of that name is a left-over. */
static int file_create(int directory_fd, const char *name)
{
	(void)unlinkat(directory_fd, name, 0);

	int fd = openat(directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	                0600);

	return fd < 0 ? -errno : fd;
}

/* Puts the file, flushed, in the place of `name`. */
static int file_replace(int directory_fd, int fd, const char *temporary, const char *name)
{
	if (fsync(fd) < 0 || renameat(directory_fd, temporary, directory_fd, name) < 0 ||
	    fsync(directory_fd) < 0)
		return -errno;
	return 0;
}

/* The last page comes first: LMDB leaves out pages at the end that were used and freed in one
 * change, and the size is what a restore can check. */
static int copy_write(const struct store *store)
{
	_cleanup_close_ int fd = file_create(store->durable_fd, COPY_NEW);
	int result;

	if (fd < 0)
		return fd;
	if (pwrite(fd, "", 1, store_size(store) - 1) != 1)
		return -errno;
	result = mdb_env_copyfd2(store->env, fd, 0);
	if (result)
		return store_lmdb_errno(result);
	return file_replace(store->durable_fd, fd, COPY_NEW, STORE_COPY_FILE);
}

static int copy_error(const struct store *store, int result, struct error *error)
{
	return error_set(error, result, ERROR_STORE, "cannot write the store's copy %s/%s: %s",
	                 store->durable, STORE_COPY_FILE, strerror(-result));
}

int store_copy(struct store *store, struct error *error)
{
	/* The live file too, for who has it on a disk. */
	int result = store_lmdb_errno(mdb_env_sync(store->env, 1));

	if (!result)
		result = copy_write(store);
	if (result) {
		(void)unlinkat(store->durable_fd, COPY_NEW, 0);
		return copy_error(store, result, error);
	}
	store->dirty = false;
	store->copied_program = store->next_program;
	store->copied_link = store->next_link;
	return 0;
}

int store_copy_last(struct store *store, struct error *error)
{
	int result = store->dirty ? store_copy(store, error) : 0;

	if (result)
		return result;

	_cleanup_close_ int fd = file_create(store->durable_fd, MARK);

	if (fd < 0)
		return copy_error(store, fd, error);
	store->marked = true;
	if (fsync(store->durable_fd) < 0)
		return copy_error(store, -errno, error);
	return 0;
}

bool store_mark_take(struct store *store)
{
	store->marked = false;
	if (unlinkat(store->durable_fd, MARK, 0) < 0)
		return false;
	(void)fsync(store->durable_fd);
	return true;
}

uint64_t store_ids_uncopied(const struct store *store)
{
	uint64_t programs = store->next_program - store->copied_program;
	uint64_t links = store->next_link - store->copied_link;

	return programs > links ? programs : links;
}

static int restore_error(const struct store *store, int result, struct error *error)
{
	return error_set(error, result, ERROR_STORE, "cannot copy the store from %s/%s to %s: %s",
	                 store->durable, STORE_COPY_FILE, store->directory, strerror(-result));
}

static int bytes_copy(int from_fd, int to_fd)
{
	char bytes[16384];
	ssize_t count;

	while ((count = read(from_fd, bytes, sizeof(bytes))) > 0) {
		ssize_t written = write(to_fd, bytes, (size_t)count);

		if (written != count)
			return written < 0 ? -errno : -ENOSPC;
	}
	return count < 0 ? -errno : 0;
}

/* Looks at the bytes that were copied, in the name of the file they came from; raises the ids. */
static int candidate_check(const struct store *store, const char *path, size_t map_size, bool last,
                           struct error *error)
{
	struct store candidate = {
		.lock_fd = -1,
		.durable_fd = -1,
		.remedy = "move it away to start with an empty store, whose ids begin anew",
	};

	(void)snprintf(candidate.file, sizeof(candidate.file), "%s/" STORE_COPY_FILE,
	               store->durable);

	int result = store_contents_open(&candidate, path, map_size, false, error);

	if (!result && !last) {
		store_ids_raise(&candidate, candidate.next_program + STORE_ID_GAP,
		                candidate.next_link + STORE_ID_GAP);
		store_begin(&candidate);
		result = store_commit(&candidate, error);
	}
	if (candidate.env)
		mdb_env_close(candidate.env);
	return result;
}

static int candidate_install(const struct store *store, int directory_fd, int copy_fd,
                             size_t map_size, bool last, struct error *error)
{
	_cleanup_close_ int fd = file_create(directory_fd, LIVE_NEW);
	char path[sizeof(store->file) + sizeof(LIVE_NEW)];
	int result;

	if (fd < 0)
		return restore_error(store, fd, error);
	(void)snprintf(path, sizeof(path), "%s/" LIVE_NEW, store->directory);
	result = bytes_copy(copy_fd, fd);
	if (result)
		return restore_error(store, result, error);
	result = candidate_check(store, path, map_size, last, error);
	if (result)
		return result;
	result = file_replace(directory_fd, fd, LIVE_NEW, STORE_FILE);
	return result ? restore_error(store, result, error) : 0;
}

/* Makes the live file from the copy; without a copy nothing. */
static int restore(const struct store *store, int directory_fd, size_t map_size, bool last,
                   struct error *error)
{
	_cleanup_close_ int copy_fd = openat(store->durable_fd, STORE_COPY_FILE,
	                                     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int result;

	if (copy_fd < 0)
		return errno == ENOENT ? 0 : restore_error(store, -errno, error);
	result = candidate_install(store, directory_fd, copy_fd, map_size, last, error);
	if (result)
		(void)unlinkat(directory_fd, LIVE_NEW, 0);
	return result;
}

static int directory_open(const char *path, int *fd, struct error *error)
{
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0)
		return error_set(error, -errno, ERROR_STORE, "cannot open the directory %s: %s",
		                 path, strerror(errno));
	return 0;
}

int store_durable_open(struct store *store, size_t map_size, struct error *error)
{
	_cleanup_close_ int directory_fd = -1;
	struct stat status;
	int result = directory_open(store->directory, &directory_fd, error);

	if (!result)
		result = directory_open(store->durable, &store->durable_fd, error);
	if (result)
		return result;
	(void)unlinkat(directory_fd, LIVE_NEW, 0);
	(void)unlinkat(store->durable_fd, COPY_NEW, 0);

	bool last = store_mark_take(store);

	if (fstatat(directory_fd, STORE_FILE, &status, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return restore(store, directory_fd, map_size, last, error);
}
