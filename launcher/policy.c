/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/policy.h"

#include "common/cleanup.h"
#include "launcher/ini_file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define WORDS_MAX 3
#define VALUE_SIZE 1024
#define SUFFIX ".conf"
#define REPOSITORY "repository "
#define ALLOWED \
	"\"key FILE\", \"keyless IDENTITY ISSUER\" or \"none\"; in quotes what has blanks in it"

struct reading {
	struct policy *policy;
	char pattern[IMAGE_RULE_TEXT_SIZE]; /* of the section; empty before the first */
	unsigned int section_line;
	size_t section_rules;   /* how many it has */
	bool section_none;      /* one of them is "none" */
	char value[VALUE_SIZE]; /* the value of "verify", which may go on in the next line; empty:
	                           there is none */
	unsigned int value_line;
};

/* ---- values ---- */

/* Cuts the value into words, in place. How many, or -1: too many, or a quote without its other. */
static int words_cut(char *text, char *words[WORDS_MAX])
{
	int count = 0;

	for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
		bool quoted = *text == '"';
		char *word = text + quoted;
		size_t length = strcspn(word, quoted ? "\"" : " \t");

		if (count == WORDS_MAX || (quoted && !word[length]))
			return -1;
		text = word + length + (word[length] != '\0');
		if (quoted && *text && *text != ' ' && *text != '\t')
			return -1;
		word[length] = '\0';
		words[count++] = word;
	}
	return count;
}

/* Printable, and not longer than a rule's field. */
static bool text_take(const char *word, char out[IMAGE_RULE_TEXT_SIZE])
{
	size_t length = strlen(word);

	if (length == 0 || length >= IMAGE_RULE_TEXT_SIZE)
		return false;
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)word[i] < ' ' || word[i] == 0x7f)
			return false;
	}
	memcpy(out, word, length + 1);
	return true;
}

/* The number, from 1 on, of the file with this path; 0 when there are too many. */
static uint32_t file_number(struct reading *reading, const struct ini_file *ini, const char *path)
{
	struct policy *policy = reading->policy;

	for (size_t i = 0; i < policy->file_count; i++) {
		if (strcmp(policy->files[i].path, path) == 0)
			return (uint32_t)i + 1;
	}
	if (policy->file_count == sizeof(policy->files) / sizeof(policy->files[0]))
		return 0;

	struct policy_file *file = &policy->files[policy->file_count++];

	(void)snprintf(file->path, sizeof(file->path), "%s", path);
	(void)snprintf(file->place, sizeof(file->place), "%s:%u", ini->path, reading->value_line);
	return (uint32_t)policy->file_count;
}

static bool key_take(struct reading *reading, struct ini_file *ini, char *const words[WORDS_MAX],
                     struct trust_rule *rule)
{
	rule->kind = IMAGE_RULE_KEY;
	if (words[1][0] != '/' || !text_take(words[1], rule->key))
		return ini_complain(ini,
		                    "the key \"%.80s\" is not the absolute path of a file (at most "
		                    "%d bytes)",
		                    words[1], IMAGE_RULE_TEXT_SIZE - 1);
	rule->file = file_number(reading, ini, rule->key);
	return rule->file != 0 || ini_complain(ini, "more than %d key files", TRUST_FILES_MAX - 1);
}

static bool keyless_take(struct reading *reading, struct ini_file *ini,
                         char *const words[WORDS_MAX], struct trust_rule *rule)
{
	(void)reading;
	rule->kind = IMAGE_RULE_KEYLESS;
	if (!text_take(words[1], rule->identity) || !text_take(words[2], rule->issuer))
		return ini_complain(ini,
		                    "identity and issuer are 1 to %d bytes each, without control "
		                    "characters, exactly as in the certificate",
		                    IMAGE_RULE_TEXT_SIZE - 1);
	return true;
}

static bool none_take(struct reading *reading, struct ini_file *ini, char *const words[WORDS_MAX],
                      struct trust_rule *rule)
{
	(void)ini;
	(void)words;
	reading->section_none = true;
	rule->kind = IMAGE_RULE_NONE;
	return true;
}

static const struct {
	const char *word;
	int words;
	bool (*take)(struct reading *reading, struct ini_file *ini, char *const words[WORDS_MAX],
	             struct trust_rule *rule);
} kinds[] = {
	{ "key", 2, key_take },
	{ "keyless", 3, keyless_take },
	{ "none", 1, none_take },
};

static bool rule_take(struct reading *reading, struct ini_file *ini)
{
	struct policy *policy = reading->policy;
	struct trust_rule rule = {};
	char *words[WORDS_MAX] = {};
	int count = words_cut(reading->value, words);

	memcpy(rule.pattern, reading->pattern, sizeof(rule.pattern));
	if (policy->rule_count == TRUST_RULES_MAX)
		return ini_complain(ini, "more than %d rules", TRUST_RULES_MAX);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (count != kinds[i].words || strcmp(words[0], kinds[i].word) != 0)
			continue;
		if (!kinds[i].take(reading, ini, words, &rule))
			return false;
		policy->rules[policy->rule_count++] = rule;
		reading->section_rules++;
		if (reading->section_none && reading->section_rules > 1)
			return ini_complain(ini, "\"verify = none\" stands alone in its section: "
			                         "with it any other would mean nothing");
		return true;
	}
	return ini_complain(ini, "\"verify\" expects " ALLOWED);
}

/* The value is complete once a line follows that does not go on with it. */
static bool value_end(struct reading *reading, struct ini_file *ini)
{
	unsigned int line = ini->line;
	bool taken = true;

	if (!reading->value[0])
		return true;
	ini->line = reading->value_line;
	taken = rule_take(reading, ini);
	ini->line = line;
	reading->value[0] = '\0';
	return taken;
}

/* ---- sections ---- */

/*
 * What no reference in its normal form can match would be a rule that protects nothing. Upper case
 * is in none, nor a tag, which is not the repository's.
 */
static const char *pattern_fault(const char *pattern)
{
	const char *star = strchr(pattern, '*');
	const char *slash = strchr(pattern, '/');

	if (strcmp(pattern, "*") == 0)
		return NULL;
	if (!slash || slash == pattern || !slash[1])
		return "it names no registry and repository";
	if (star && star[1])
		return "\"*\" stands at its end alone";
	if (star && star < slash)
		return "\"*\" stands behind the registry's \"/\"";
	if (strspn(pattern, "abcdefghijklmnopqrstuvwxyz0123456789._-:[]/*") != strlen(pattern))
		return "registries and repositories are lower-case letters, digits and \"._-:/\"";
	if (strpbrk(slash, ":[]"))
		return "a repository has neither tag nor digest";
	if (strstr(slash, "//") || (!star && pattern[strlen(pattern) - 1] == '/'))
		return "a part of the repository's name is empty";
	return NULL;
}

static bool section_end(struct reading *reading, struct ini_file *ini)
{
	unsigned int line = ini->line;

	if (!value_end(reading, ini))
		return false;
	if (!reading->pattern[0] || reading->section_rules > 0)
		return true;
	ini->line = reading->section_line;
	(void)ini_complain(ini, "[repository %s] has no \"verify\": it expects " ALLOWED,
	                   reading->pattern);
	ini->line = line;
	return false;
}

static bool pattern_is_new(const struct policy *policy, const char *pattern)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		if (strcmp(policy->rules[i].pattern, pattern) == 0)
			return false;
	}
	return true;
}

static bool section_take(struct ini_file *ini, const char *name)
{
	struct reading *reading = ini->user;
	const char *pattern = name + strlen(REPOSITORY);
	const char *fault;

	if (!section_end(reading, ini))
		return false;
	if (strncmp(name, REPOSITORY, strlen(REPOSITORY)) != 0)
		return ini_complain(ini, "unknown section [%.80s]: expected [repository PATTERN]",
		                    name);
	fault = pattern_fault(pattern);
	if (fault)
		return ini_complain(ini,
		                    "\"%.120s\" is no pattern, for %s: expected "
		                    "registry/repository, registry/* or *",
		                    pattern, fault);
	if (strlen(pattern) >= sizeof(reading->pattern))
		return ini_complain(ini, "the pattern is longer than %zu bytes",
		                    sizeof(reading->pattern) - 1);
	if (!pattern_is_new(reading->policy, pattern))
		return ini_complain(ini,
		                    "[repository %s] is there already: put all its \"verify\" "
		                    "into one section",
		                    pattern);
	memset(reading->pattern, 0, sizeof(reading->pattern));
	memcpy(reading->pattern, pattern, strlen(pattern));
	reading->section_line = ini->line;
	reading->section_rules = 0;
	reading->section_none = false;
	return true;
}

static bool verify_take(struct ini_file *ini, const char *section, const char *name,
                        const char *value)
{
	struct reading *reading = ini->user;
	bool continued = ini->continued && reading->value[0];
	size_t used = continued ? strlen(reading->value) : 0;
	int wrote;

	(void)section;
	if (!continued && !value_end(reading, ini))
		return false;
	if (strcmp(name, "verify") != 0)
		return ini_complain(ini, "unknown key \"%s\": expected \"verify\"", name);
	if (!continued)
		reading->value_line = ini->line;
	wrote = snprintf(reading->value + used, sizeof(reading->value) - used, "%s%s",
	                 continued ? " " : "", value);
	if (wrote < 0 || (size_t)wrote >= sizeof(reading->value) - used)
		return ini_complain(ini, "the value is longer than %zu bytes",
		                    sizeof(reading->value) - 1);
	return reading->value[0] || ini_complain(ini, "\"verify\" expects " ALLOWED);
}

/* ---- files ---- */

static int file_read(const char *path, struct policy *policy, struct error *error)
{
	_cleanup_fclose_ FILE *file = NULL;
	struct reading reading = { .policy = policy };
	struct ini_file ini = {
		.section = section_take, .key = verify_take, .user = &reading, .continues = true
	};
	int result = owned_file_open(path, "policy file", &file, error);

	if (result == 0)
		result = ini_file_read(&ini, file, path, error);
	if (result == 0 && !section_end(&reading, &ini))
		result = ini.result;
	return result;
}

static int name_is_conf(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > strlen(SUFFIX) &&
	       strcmp(entry->d_name + length - strlen(SUFFIX), SUFFIX) == 0;
}

static int name_compare(const struct dirent **left, const struct dirent **right)
{
	return strcmp((*left)->d_name, (*right)->d_name);
}

/* Who can make files in it can make rules. */
static int directory_check(const char *path, struct error *error)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return errno == ENOENT ? 0
		                       : error_set(error, -errno, ERROR_INVALID_ARGUMENT,
		                                   "cannot examine %s: %s", path, strerror(errno));
	if (status.st_uid == 0 && !(status.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	return error_set(error, -EPERM, ERROR_PERMISSION_DENIED,
	                 "%s is not root's alone (uid %u, mode %04o): run \"chown root %s\" and "
	                 "\"chmod go-w %s\"",
	                 path, status.st_uid, status.st_mode & 07777u, path, path);
}

int policy_read(const char *directory, struct policy *out, struct error *error)
{
	struct dirent **entries = NULL;
	int result = directory_check(directory, error);
	int count;

	memset(out, 0, sizeof(*out));
	if (result < 0)
		return result;
	count = scandir(directory, &entries, name_is_conf, name_compare);
	if (count < 0 && errno == ENOENT)
		return 0;
	if (count < 0)
		return error_set(error, -errno, ERROR_INVALID_ARGUMENT, "cannot list %s: %s",
		                 directory, strerror(errno));
	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];

		(void)snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		if (result == 0)
			result = file_read(path, out, error);
		free(entries[i]);
	}
	free(entries);
	return result;
}

size_t policy_demands(const struct policy *policy)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->rule_count; i++)
		count += policy->rules[i].kind != IMAGE_RULE_NONE;
	return count;
}
