/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/auth_file.h"
#include "bpfctl/auth_helper.h"
#include "common/cleanup.h"

#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define DOCKER_REGISTRY "docker.io"
#define DOCKER_KEY "https://index.docker.io/v1/" /* what docker calls it */

struct search {
	const char *path;
	const char *reference;
	char *complaint;
	size_t complaint_size;
};

__attribute__((format(printf, 3, 4))) static int search_error(const struct search *search,
                                                              int result, const char *format, ...)
{
	char why[256];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(why, sizeof(why), format, list);
	va_end(list);
	(void)snprintf(search->complaint, search->complaint_size,
	               "cannot take credentials from \"%s\": %s", search->path, why);
	return result;
}

static int value_of(char character)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = character ? strchr(digits, character) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Returns how many bytes, or -EINVAL: no base64, or no room for it and a terminator. */
static ssize_t base64_decode(const char *text, char *out, size_t size)
{
	size_t length = strlen(text), used = 0;
	uint32_t bits = 0;
	unsigned int count = 0;

	while (length && text[length - 1] == '=')
		length--;
	for (size_t i = 0; i < length; i++) {
		int value = value_of(text[i]);

		if (value < 0 || used + 1 >= size)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)value;
		count += 6;
		if (count >= 8) {
			count -= 8;
			out[used++] = (char)(bits >> count & 0xff);
		}
	}
	out[used] = '\0';
	return length % 4 == 1 ? -EINVAL : (ssize_t)used;
}

int auth_text_decode(const char *text, struct credentials *credentials)
{
	char pair[IMAGE_USERNAME_SIZE + IMAGE_PASSWORD_SIZE];
	ssize_t size = base64_decode(text, pair, sizeof(pair));
	char *colon = size < 0 || strlen(pair) != (size_t)size ? NULL : strchr(pair, ':');
	int result = -EINVAL;

	if (colon) {
		*colon = '\0';
		result = credentials_set(credentials, pair, colon + 1);
	}
	explicit_bzero(pair, sizeof(pair));
	return result;
}

/* Without the scheme, and without what docker once put behind a registry. */
static size_t key_trim(const char **key)
{
	const char *scheme = strstr(*key, "://");
	size_t length;

	if (scheme) {
		*key = scheme + 3;
		return strcspn(*key, "/");
	}
	length = strlen(*key);
	while (length && (*key)[length - 1] == '/')
		length--;
	return length;
}

/* How much of the reference the key names: up to the end of a part of it; 0: another place. */
static size_t key_match(const char *key, const char *reference)
{
	size_t length = key_trim(&key), host = strcspn(reference, "/");
	_Bool docker = host == strlen(DOCKER_REGISTRY) &&
	               strncasecmp(reference, DOCKER_REGISTRY, host) == 0;
	char end;

	if (docker && ((length == 15 && strncmp(key, "index.docker.io", 15) == 0) ||
	               (length == 20 && strncmp(key, "registry-1.docker.io", 20) == 0)))
		return host;
	if (length < host || length > strlen(reference) || strncasecmp(key, reference, host) != 0 ||
	    strncmp(key + host, reference + host, length - host) != 0)
		return 0;
	end = reference[length];
	return end == '\0' || end == '/' || (length > host && (end == ':' || end == '@')) ? length
	                                                                                  : 0;
}

static const json_t *key_find(const json_t *object, const char *reference, const char **found)
{
	const json_t *best = NULL;
	size_t best_length = 0;
	const char *key;
	json_t *value;

	/* jansson's iteration takes no constant object, and changes none */
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		size_t length = key_match(key, reference);

		if (length > best_length) {
			best = value;
			best_length = length;
			*found = key;
		}
	}
	return best;
}

static int entry_read(const struct search *search, const char *key, const json_t *entry,
                      struct credentials *credentials)
{
	const char *auth = json_string_value(json_object_get(entry, "auth"));
	const char *username = json_string_value(json_object_get(entry, "username"));
	const char *password = json_string_value(json_object_get(entry, "password"));

	if (json_object_get(entry, "identitytoken"))
		return search_error(search, -EOPNOTSUPP,
		                    "what it has for \"%s\" is an identity token, which bpfctl "
		                    "cannot use: give --username and --password-stdin",
		                    key);
	if (auth && *auth)
		return auth_text_decode(auth, credentials) == 0
		               ? 1
		               : search_error(search, -EINVAL,
		                              "\"auth\" of \"%s\" is not base64 of a name, a colon "
		                              "and a password, or too long",
		                              key);
	if (!username || !*username || !password)
		return 0; /* docker leaves an empty one where a helper has them */
	if (credentials_set(credentials, username, password) < 0)
		return search_error(search, -EINVAL, "what it has for \"%s\" is too long", key);
	return 1;
}

/* The helper is asked by docker's name of the registry. */
static int helper_ask(const struct search *search, const json_t *root,
                      struct credentials *credentials)
{
	char registry[256];
	const char *key, *name;

	(void)snprintf(registry, sizeof(registry), "%.*s", (int)strcspn(search->reference, "/"),
	               search->reference);
	if (strcasecmp(registry, DOCKER_REGISTRY) == 0)
		(void)snprintf(registry, sizeof(registry), "%s", DOCKER_KEY);
	name = json_string_value(
		key_find(json_object_get(root, "credHelpers"), search->reference, &key));
	if (!name)
		name = json_string_value(json_object_get(root, "credsStore"));
	if (!name || !*name)
		return 0;
	return auth_helper_ask(name, registry, credentials, search->complaint,
	                       search->complaint_size);
}

static int root_search(const struct search *search, const json_t *root,
                       struct credentials *credentials)
{
	const json_t *auths = json_object_get(root, "auths");
	const json_t *entry;
	const char *key = "";
	int result = 0;

	if (!json_is_object(root) || (auths && !json_is_object(auths)))
		return search_error(search, -EINVAL,
		                    "it is no JSON object with an object \"auths\" in it");
	entry = key_find(auths, search->reference, &key);
	if (entry && !json_is_object(entry))
		return search_error(search, -EINVAL, "what it has for \"%s\" is no object", key);
	if (entry)
		result = entry_read(search, key, entry, credentials);
	return result ? result : helper_ask(search, root, credentials);
}

/* A file that is not there has nothing to say. 1: it was read. */
static int file_open(const struct search *search, FILE **file)
{
	int fd = open(search->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return search_error(search, -errno, "%s", strerrordesc_np(errno));
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
	    status.st_size > (off_t)AUTH_FILE_SIZE_MAX) {
		(void)close(fd);
		return search_error(search, -EINVAL, "it is no file of at most 1 MiB");
	}
	*file = fdopen(fd, "r");
	if (*file)
		return 1;
	(void)close(fd);
	return search_error(search, -ENOMEM, "out of memory");
}

int auth_file_search(const char *path, const char *reference, struct credentials *credentials,
                     char *complaint, size_t complaint_size)
{
	const struct search search = { path, reference, complaint, complaint_size };
	_cleanup_fclose_ FILE *file = NULL;
	json_error_t where;
	json_t *root;
	int result = file_open(&search, &file);

	if (result <= 0)
		return result;
	root = json_loadf(file, JSON_REJECT_DUPLICATES, &where);
	if (!root) /* what jansson says quotes the file, and so perhaps a password */
		return search_error(&search, -EINVAL, "it is no JSON: see its line %d, column %d",
		                    where.line, where.column);
	result = root_search(&search, root, credentials);
	json_decref(root);
	return result;
}
