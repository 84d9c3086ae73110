/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the stage's frontend asks for, and how the host looks afterwards. */
#include <cmocka.h>

#include "tests/channel/broker_stage.h"

#include "common/cleanup.h"
#include "common/program_type.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

void stage_command(const char *command)
{
	if (system(command) != 0) /* NOLINT(cert-env33-c): the tests' own command lines */
		fail_msg("failed: %s", command);
}

int stage_object(const char *name)
{
	static const char *const places[] = { "tests", "bpf" };
	static unsigned char block[65536];
	_cleanup_close_ int from = -1;
	char path[512];
	int fd = memfd_create("object", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ssize_t length;

	for (size_t i = 0; i < 2 && from < 0; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s/%s.bpf.o", BPFD_BUILD_DIR, places[i],
		               name);
		from = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (from < 0)
		fail_msg("no object %s", name);
	while ((length = read(from, block, sizeof(block))) > 0)
		assert_int_equal(write(fd, block, (size_t)length), length);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
	return fd;
}

/* Every request of a run has another id. */
static void request_id_fill(uint8_t request_id[REQUEST_ID_SIZE])
{
	static uint64_t count;

	count++;
	memset(request_id, 0x77, REQUEST_ID_SIZE);
	memcpy(request_id, &count, sizeof(count));
}

void stage_load_fill(struct frontend_load *request, const char *function, uint32_t type)
{
	memset(request, 0, sizeof(*request));
	request->peer = (struct record_peer){ .uid = 1000, .gid = 1000, .pid = 1 };
	request_id_fill(request->request_id);
	request->program_count = 1;
	(void)snprintf(request->application, sizeof(request->application), "stage");
	(void)snprintf(request->source_name, sizeof(request->source_name), "x.o");
	(void)snprintf(request->programs[0].function, sizeof(request->programs[0].function), "%s",
	               function);
	request->programs[0].type = type;
	request->programs[0].exclusive = type == PROGRAM_TYPE_XDP;
}

uint64_t stage_load_send(const char *object, const struct frontend_load *request)
{
	_cleanup_close_ int fd = stage_object(object);

	return stage_send(FRONTEND_LOAD, request, &fd);
}

uint64_t stage_load(const char *object, const char *function, uint32_t type)
{
	static struct frontend_load request;

	stage_load_fill(&request, function, type);
	return assert_done(stage_answer(stage_load_send(object, &request)));
}

const struct stage_answer *stage_attach_xdp(uint64_t program_id, const char *interface)
{
	struct frontend_attach request = { .program_id = program_id,
		                           .type = PROGRAM_TYPE_XDP,
		                           .target = { .exclusive = 1 } };

	request_id_fill(request.request_id);
	(void)snprintf(request.target.interface, sizeof(request.target.interface), "%s", interface);
	return stage_answer(stage_send(FRONTEND_ATTACH, &request, NULL));
}

const struct stage_answer *stage_attach_tracepoint(uint64_t program_id, const char *group,
                                                   const char *name)
{
	struct frontend_attach request = { .program_id = program_id,
		                           .type = PROGRAM_TYPE_TRACEPOINT };

	request_id_fill(request.request_id);
	(void)snprintf(request.target.group, sizeof(request.target.group), "%s", group);
	(void)snprintf(request.target.name, sizeof(request.target.name), "%s", name);
	return stage_answer(stage_send(FRONTEND_ATTACH, &request, NULL));
}

const struct stage_answer *stage_remove(uint16_t type, uint64_t id)
{
	struct frontend_remove request = { .target_id = id };

	request_id_fill(request.request_id);
	return stage_answer(stage_send(type, &request, NULL));
}

struct record_program *stage_program(uint64_t id)
{
	for (size_t i = 0; i < stage->program_count; i++) {
		if (stage->programs[i].id == id)
			return &stage->programs[i];
	}
	return NULL;
}

struct record_link *stage_link(uint64_t id)
{
	for (size_t i = 0; i < stage->link_count; i++) {
		if (stage->links[i].id == id)
			return &stage->links[i];
	}
	return NULL;
}

uint64_t assert_done(const struct stage_answer *answer)
{
	assert_non_null(answer);
	if (answer->type != FRONTEND_DONE)
		fail_msg("refused: %s\n%s", answer->refused.error.message, answer->log);
	assert_true(answer->done.count > 0);
	return answer->done.ids[0];
}

void assert_refused(const struct stage_answer *answer, uint32_t code, const char *text)
{
	assert_non_null(answer);
	if (answer->type == FRONTEND_DONE)
		fail_msg("done, where \"%s\" was expected", text);
	if (answer->refused.error.code != code || !strstr(answer->refused.error.message, text))
		fail_msg("refused with %s: \"%s\", not with %s: \"%s\"",
		         error_code_name(answer->refused.error.code), answer->refused.error.message,
		         error_code_name(code), text);
}

uint32_t stage_attached(const char *interface)
{
	char command[64], line[512];
	unsigned int id = 0;

	(void)snprintf(command, sizeof(command), "ip link show %s", interface);

	FILE *output = popen(command, "re"); /* NOLINT(cert-env33-c): as above */

	assert_non_null(output);
	while (fgets(line, sizeof(line), output)) {
		const char *found = strstr(line, "prog/xdp id ");

		if (found)
			id = (unsigned int)strtoul(found + strlen("prog/xdp id "), NULL, 10);
	}
	(void)pclose(output);
	return id;
}

static void closedir_cleanup(DIR **directory)
{
	if (*directory)
		(void)closedir(*directory);
}

int stage_entries(const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%.120s/%s", stage->settings.bpffs_directory, name);

	_cleanup_(closedir) DIR *directory = opendir(path);
	int count = 0;

	if (!directory)
		return -1;
	for (const struct dirent *entry; (entry = readdir(directory));)
		count += entry->d_name[0] != '.';
	return count;
}
