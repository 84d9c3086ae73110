/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bpfd.conf(5): what is taken, and each thing that is refused, with its message. */
#include "common/cleanup.h"
#include "launcher/config.h"
#include "launcher/settings.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char path[64];

static void file_write(const char *text, mode_t mode)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t length = strlen(text);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), (ssize_t)length);
	assert_int_equal(fchmod(fd, mode), 0);
}

static int text_read(const char *text, struct config *config, struct error *error)
{
	file_write(text, 0644);
	config_defaults(config);
	return config_read(path, true, config, error);
}

static void defaults_are_as_documented(void **state)
{
	(void)state;
	struct config config;

	config_defaults(&config);
	assert_string_equal(config.broker_user, "bpfd-broker");
	assert_string_equal(config.group, "bpfd");
	assert_string_equal(config.state_directory, "/var/lib/bpfd");
	assert_string_equal(config.bpffs, "/sys/fs/bpf");
	assert_int_equal(config.socket_mode, 0660);
	assert_int_equal(config.send_timeout_ms, 5000);
	assert_int_equal(config.map_memory_bytes, 1 << 30);
	assert_int_equal(config.opener, 1);
	assert_int_equal(config.containers, 0);
	assert_int_equal(config.cpu_latency, 1);
	assert_string_equal(config.fetcher_user, "bpfd-fetcher");
	assert_string_equal(config.verifier_user, "bpfd-verifier");
	assert_string_equal(config.policy, "/etc/bpfd/policy.d");
	assert_int_equal(config.images, 1);
	assert_int_equal(config.signed_only, 0);
	assert_int_equal(config.cache_size_bytes, 1 << 30);
	assert_string_equal(config.ca_file, "/etc/ssl/certs/ca-certificates.crt");
	assert_string_equal(config.trusted_root, "");
	assert_string_equal(config.insecure_registries[0], "");
	assert_int_equal(config.total_timeout_ms, 300000);
	assert_int_equal(config.stall_timeout_ms, 30000);
	assert_int_equal(config.log_level, LOG_LEVEL_INFO);
}

static void every_key_is_taken(void **state)
{
	(void)state;
	struct config config;
	struct error error = {};
	int result = text_read(
		"[users]\nbroker = 1001\nfrontend=front\nloader : l_o.a-d$\ngroup = 7\n"
		"# a comment\n; another\n\n"
		"[paths]\nstate-directory = /a\nruntime-directory = /b/c ; why\nbpffs = /d\n"
		"tracefs = /e\nhelpers = /f.g/..h\n"
		"[socket]\nmode = 600\n"
		"[limits]\nconnections = 16384\nconnections-per-uid = 1\nsend-timeout = 10ms\n"
		"load-timeout = 2min\nmap-memory = 64K\nprograms = 65536\n"
		"[features]\nopener = no\ncpu-latency = no\ncontainers = yes\nimages = "
		"no\n[log]\nlevel = debug\n"
		"[users]\nfetcher = fetch\nverifier = 9\n[paths]\npolicy = /p\n"
		"[images]\nsigned-only = yes\ncache-size = 64M\nca-file = /c/a.pem\n"
		"trusted-root = /t.json\ninsecure-registries = 10.0.0.1:5000  reg.local\t[::1]:80\n"
		"total-timeout = 1min\nstall-timeout = 1s\n",
		&config, &error);

	assert_string_equal(error.message, "");
	assert_int_equal(result, 0);
	assert_string_equal(config.broker_user, "1001");
	assert_string_equal(config.frontend_user, "front");
	assert_string_equal(config.loader_user, "l_o.a-d$");
	assert_string_equal(config.group, "7");
	assert_string_equal(config.state_directory, "/a");
	assert_string_equal(config.runtime_directory, "/b/c");
	assert_string_equal(config.bpffs, "/d");
	assert_string_equal(config.tracefs, "/e");
	assert_string_equal(config.helpers, "/f.g/..h");
	assert_int_equal(config.socket_mode, 0600);
	assert_int_equal(config.connections, 16384);
	assert_int_equal(config.connections_per_uid, 1);
	assert_int_equal(config.send_timeout_ms, 10);
	assert_int_equal(config.load_timeout_ms, 120000);
	assert_int_equal(config.map_memory_bytes, 65536);
	assert_int_equal(config.programs, 65536);
	assert_int_equal(config.opener, 0);
	assert_int_equal(config.containers, 1);
	assert_int_equal(config.cpu_latency, 0);
	assert_int_equal(config.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(config.images, 0);
	assert_string_equal(config.fetcher_user, "fetch");
	assert_string_equal(config.verifier_user, "9");
	assert_string_equal(config.policy, "/p");
	assert_int_equal(config.signed_only, 1);
	assert_int_equal(config.cache_size_bytes, 64 << 20);
	assert_string_equal(config.ca_file, "/c/a.pem");
	assert_string_equal(config.trusted_root, "/t.json");
	assert_string_equal(config.insecure_registries[0], "10.0.0.1:5000");
	assert_string_equal(config.insecure_registries[1], "reg.local");
	assert_string_equal(config.insecure_registries[2], "[::1]:80");
	assert_string_equal(config.insecure_registries[3], "");
	assert_int_equal(config.total_timeout_ms, 60000);
	assert_int_equal(config.stall_timeout_ms, 1000);
}

#define LONG_40 "0123456789012345678901234567890123456789"

struct refused_row {
	const char *text;
	const char *said; /* after "FILE:" */
};

/* clang-format off */
static const struct refused_row refused_rows[] = {
	{ "[user]\n", "1: unknown section [user]: allowed are users, paths, socket, limits, features, images, log" },
	{ "[log]\n\n[nothing]\nlevel = info\n", "3: unknown section [nothing]" },
	{ "[log]\nlevels = info\n", "2: unknown key \"levels\" in [log]: allowed are level" },
	{ "[users]\nconnections = 3\n", "2: unknown key \"connections\" in [users]: allowed are broker, frontend, loader, fetcher, verifier, group" },
	{ "level = info\n", "1: \"level\" stands before the first section" },
	{ "[log]\nlevel = info\n[users]\n[log]\nlevel = info\n", "5: \"level\" is set twice: first in line 2" },
	{ "[log]\nlevel\n", "2: expected \"[section]\" or \"key = value\"" },
	{ "[log\nlevel = info\n", "1: expected \"[section]\" or \"key = value\"" },
	{ "[log]\nlevel = loud\n", "2: level = loud: expected error, warning, info or debug" },
	{ "[log]\nlevel =\n", "2: level = : expected error" },
	{ "[features]\nopener = true\n", "2: opener = true: expected yes or no" },
	{ "[limits]\nconnections = 0\n", "2: connections = 0: expected a number from 1 to 16384" },
	{ "[limits]\nconnections = 16385\n", "2: connections = 16385: expected a number" },
	{ "[limits]\nconnections = -1\n", "2: connections = -1: expected a number" },
	{ "[limits]\nconnections = 1e3\n", "2: connections = 1e3: expected a number" },
	{ "[limits]\nconnections = 99999999999999999999\n", "2: connections = 99999999999999999999: expected" },
	{ "[limits]\nsend-timeout = 5\n", "2: send-timeout = 5: expected a time from 10ms to 10min, with the unit ms, s or min" },
	{ "[limits]\nsend-timeout = 9ms\n", "2: send-timeout = 9ms: expected" },
	{ "[limits]\nsend-timeout = 5 s\n", "2: send-timeout = 5 s: expected" },
	{ "[limits]\nload-timeout = 2h\n", "2: load-timeout = 2h: expected a time from 1s to 60min" },
	{ "[limits]\nload-timeout = 18446744073709551615min\n", "2: load-timeout = 18446744073709551615min: expected" },
	{ "[limits]\nmap-memory = 63K\n", "2: map-memory = 63K: expected a size from 64K to 1024G: bytes, or" },
	{ "[limits]\nmap-memory = 1T\n", "2: map-memory = 1T: expected" },
	{ "[images]\ntrusted-root = t.json\n", "2: trusted-root = t.json: expected nothing, or an absolute path" },
	{ "[images]\nca-file =\n", "2: ca-file = : expected an absolute path" },
	{ "[images]\ninsecure-registries = a, b\n", "2: insecure-registries = a, b: expected at most 16 registries" },
	{ "[images]\ninsecure-registries = http://a\n", "2: insecure-registries = http://a: expected" },
	{ "[images]\ninsecure-registries = A\n", "2: insecure-registries = A: expected" },
	{ "[images]\ninsecure-registries = a:\n", "2: insecure-registries = a:: expected" },
	{ "[images]\ninsecure-registries = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n", "2: insecure-registries = 1 2" },
	{ "[images]\ninsecure-registries = " LONG_40 LONG_40 LONG_40 "01234567\n", "2: insecure-registries = 0123" },
	{ "[images]\ncache-size = 1M\n", "2: cache-size = 1M: expected a size from 32M to 1024G" },
	{ "[socket]\nmode = 0060\n", "2: mode = 0060: expected an octal mode that holds 0600 and nothing beyond 0666" },
	{ "[socket]\nmode = 0770\n", "2: mode = 0770: expected" },
	{ "[socket]\nmode = 668\n", "2: mode = 668: expected" },
	{ "[paths]\nbpffs = sys/fs/bpf\n", "2: bpffs = sys/fs/bpf: expected an absolute path" },
	{ "[paths]\nbpffs = /\n", "2: bpffs = /: expected" },
	{ "[paths]\nbpffs = /sys/\n", "2: bpffs = /sys/: expected" },
	{ "[paths]\nbpffs = /sys//bpf\n", "2: bpffs = /sys//bpf: expected" },
	{ "[paths]\nbpffs = /sys/../bpf\n", "2: bpffs = /sys/../bpf: expected" },
	{ "[paths]\nbpffs = /sys/./bpf\n", "2: bpffs = /sys/./bpf: expected" },
	{ "[paths]\nhelpers = /" LONG_40 LONG_40 "012345678901234\n", "2: helpers = /0123" },
	{ "[users]\nbroker = a b\n", "2: broker = a b: expected a name or a number" },
	{ "[users]\nbroker = -x\n", "2: broker = -x: expected" },
	{ "[users]\nbroker = " LONG_40 LONG_40 "\n", "2: broker = 0123" },
	{ "[users]\nbroker = x\n # " LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 "\n", "3: the line is too long" },
};
/* clang-format on */

static void each_mistake_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused_rows) / sizeof(refused_rows[0]); i++) {
		struct config config, before;
		struct error error = {};
		char said[512];

		config_defaults(&before);
		assert_int_equal(text_read(refused_rows[i].text, &config, &error), -EINVAL);
		(void)snprintf(said, sizeof(said), "%s:%s", path, refused_rows[i].said);
		error.message[strnlen(said, sizeof(said))] = '\0';
		assert_string_equal(error.message, said);
		/* not half of it was taken */
		assert_memory_equal(&config, &before, sizeof(config));
	}
}

static void a_missing_file_is_fine_unless_named(void **state)
{
	(void)state;
	struct config config;
	struct error error = {};

	(void)unlink(path);
	config_defaults(&config);
	assert_int_equal(config_read(path, false, &config, &error), 0);
	assert_int_equal(config_read(path, true, &config, &error), -ENOENT);
	assert_non_null(strstr(error.message, "cannot open the configuration file"));
}

static void only_roots_own_file_is_read(void **state)
{
	(void)state;
	struct config config;
	struct error error = {};

	config_defaults(&config);
	file_write("[log]\n", 0664);
	assert_int_equal(config_read(path, true, &config, &error), -EPERM);
	assert_non_null(
		strstr(error.message, "is writable by others (mode 0664): run \"chmod go-w"));
	file_write("[log]\n", 0600);
	assert_int_equal(config_read(path, true, &config, &error), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 64201, 0), 0);
		assert_int_equal(config_read(path, true, &config, &error), -EPERM);
		assert_non_null(strstr(error.message, "belongs to uid 64201: it must be root's"));
		assert_int_equal(chown(path, 0, 0), 0);
	}
	assert_int_equal(config_read("/dev/null", true, &config, &error), -EINVAL);
	assert_string_equal(error.message, "/dev/null is not a regular file");
}

/* Every key is in the example, commented out, and with its default. */
static void the_example_shows_the_defaults(void **state)
{
	(void)state;
	_cleanup_fclose_ FILE *example = fopen(BPFD_BUILD_DIR "/deploy/bpfd.conf", "re");
	char line[256], text[8192] = "";
	struct config config, defaults;
	struct error error = {};
	size_t keys = 0;

	assert_non_null(example);
	while (fgets(line, sizeof(line), example)) {
		bool key = line[0] == '#' && line[1] != ' ';

		keys += key;
		(void)strncat(text, line + key, sizeof(text) - strlen(text) - 1);
	}
	assert_int_equal(keys, 33);
	config_defaults(&defaults);
	assert_int_equal(text_read(text, &config, &error), 0);
	assert_memory_equal(&config, &defaults, sizeof(config));
}

static void helpers_of_the_command_line_are_checked(void **state)
{
	(void)state;
	struct config config;
	struct error error = {};

	config_defaults(&config);
	assert_int_equal(config_set_helpers(&config, "bin", &error), -EINVAL);
	assert_non_null(strstr(error.message, "--helpers bin: expected an absolute path"));
	assert_int_equal(config_set_helpers(&config, "/opt/bpfd", &error), 0);
	assert_string_equal(config.helpers, "/opt/bpfd");
}

static void settings_follow_the_configuration(void **state)
{
	(void)state;
	struct users users = { .access_gid = 77 };
	struct launcher_settings settings;
	struct config config;

	config_defaults(&config);
	settings_fill(&config, &users, 3, &settings);
	assert_string_equal(settings.bpffs_directory, "/sys/fs/bpf/bpfd");
	assert_string_equal(settings.xdp_directory, "/sys/fs/bpf/xdp");
	assert_string_equal(settings.state_directory, "/var/lib/bpfd");
	assert_string_equal(settings.runtime_directory, "/run/bpfd");
	assert_string_equal(settings.tracefs_directory, "/sys/kernel/tracing");
	assert_string_equal(settings.helpers_directory, config.helpers);
	assert_int_equal(settings.access_gid, 77);
	assert_int_equal(settings.maps_gid, 77);
	assert_int_equal(settings.connections_max, 1024);
	assert_int_equal(settings.connections_per_uid_max, 512);
	assert_int_equal(settings.send_timeout_ms, 5000);
	assert_int_equal(settings.load_timeout_ms, 60000);
	assert_int_equal(settings.map_memory_max, 1 << 30);
	assert_int_equal(settings.programs_max, 1024);
	assert_int_equal(settings.opener, 1);
	assert_int_equal(settings.containers, 0);
	assert_int_equal(settings.log_level, LOG_LEVEL_INFO);
	assert_int_equal(settings.images, 1);
	assert_int_equal(settings.signed_only, 0);
	assert_int_equal(settings.image_rules, 3);
	assert_int_equal(settings.fetch_timeout_ms, 300000);
	(void)snprintf(config.ca_file, sizeof(config.ca_file), "/nowhere/at/all.pem");
	config.signed_only = 1;
	config.keep_ready = 1;
	settings_fill(&config, &users, 0, &settings);
	assert_int_equal(settings.images, 2);
	assert_string_equal(settings.ca_directory, "/nowhere/at");
	assert_int_equal(settings.signed_only, 1);
	assert_int_equal(settings.image_rules, 0);
}

/* The certificates' directory is that of the file, not of a link to it. */
static void a_link_of_the_certificates_is_followed(void **state)
{
	(void)state;
	struct users users = {};
	struct launcher_settings settings;
	struct config config;

	config_defaults(&config);
	(void)snprintf(config.ca_file, sizeof(config.ca_file), "%s.link", path);
	assert_int_equal(symlink("/etc/passwd", config.ca_file), 0);
	settings_fill(&config, &users, 0, &settings);
	assert_int_equal(unlink(config.ca_file), 0);
	assert_string_equal(settings.ca_directory, "/etc");
}

static void fetchers_are_told_what_concerns_them(void **state)
{
	(void)state;
	struct fetcher_settings settings;
	struct config config;

	config_defaults(&config);
	settings_fetcher_fill(&config, 0, &settings);
	assert_string_equal(settings.cache_directory, "/var/lib/bpfd/images");
	assert_string_equal(settings.ca_file, "/etc/ssl/certs/ca-certificates.crt");
	assert_int_equal(settings.cache_size_max, 1 << 30);
	assert_int_equal(settings.total_timeout_ms, 300000);
	assert_int_equal(settings.stall_timeout_ms, 30000);
	assert_int_equal(settings.log_level, LOG_LEVEL_INFO);
	assert_int_equal(settings.signatures, 0);
	assert_int_equal(settings.insecure_count, 0);
	for (size_t i = 0; i < CONFIG_HOSTS_MAX; i++)
		(void)snprintf(config.insecure_registries[i], CONFIG_HOST_SIZE, "h%zu", i);
	settings_fetcher_fill(&config, 1, &settings);
	assert_int_equal(settings.signatures, 1);
	assert_int_equal(settings.insecure_count, FETCHER_INSECURE_MAX);
	assert_string_equal(settings.insecure[15], "h15");
	config.signed_only = 1;
	settings_fetcher_fill(&config, 0, &settings);
	assert_int_equal(settings.signatures, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_as_documented),
		cmocka_unit_test(every_key_is_taken),
		cmocka_unit_test(each_mistake_is_told),
		cmocka_unit_test(a_missing_file_is_fine_unless_named),
		cmocka_unit_test(only_roots_own_file_is_read),
		cmocka_unit_test(the_example_shows_the_defaults),
		cmocka_unit_test(helpers_of_the_command_line_are_checked),
		cmocka_unit_test(settings_follow_the_configuration),
		cmocka_unit_test(a_link_of_the_certificates_is_followed),
		cmocka_unit_test(fetchers_are_told_what_concerns_them),
	};

	if (geteuid() != 0) {
		(void)fprintf(stderr, "SKIP: needs root, for the file must be root's\n");
		return 77;
	}
	(void)snprintf(path, sizeof(path), "/tmp/bpfd-config-test-%d.conf", (int)getpid());
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	(void)unlink(path);
	return failed;
}
