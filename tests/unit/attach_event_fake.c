/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <cmocka.h>

#include "tests/unit/attach_event_fake.h"

#include "broker/kernel.h"
#include "broker/link_pins.h"
#include "common/cleanup.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct fake_opener opener;
struct fake_host host;
struct launcher_settings settings;
struct attach_context context;
static struct opener_client client;

static int number_fd(uint32_t number)
{
	int fd = memfd_create("event", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &number, sizeof(number), 0), sizeof(number));
	return fd;
}

uint32_t number_read(int fd)
{
	uint32_t number = 0;

	assert_int_equal(pread(fd, &number, sizeof(number), 0), sizeof(number));
	return number;
}

static bool sample_there(const struct opener_sample *asked)
{
	return asked->cpu == -1 ||
	       (asked->cpu < (int32_t)opener.online && asked->cpu != opener.offline);
}

static void sample_answer(const struct channel_message *question)
{
	const struct opener_sample *asked = question->body;
	struct opener_refused refused = { .errno_value = ENODEV };
	_cleanup_close_ int fd = number_fd(0);

	opener.asked++;
	(void)error_set(&refused.error, -ENODEV, ERROR_NOT_FOUND, "no CPU %d", asked->cpu);
	if (asked->cpu == opener.broken) {
		refused.errno_value = EIO;
		(void)error_set(&refused.error, -EIO, ERROR_KERNEL, "CPU %d burns", asked->cpu);
	}
	if (sample_there(asked) && asked->cpu != opener.broken)
		assert_int_equal(
			channel_send(&opener.channel, OPENER_OPENED, question->id, NULL, &fd), 0);
	else
		assert_int_equal(
			channel_send(&opener.channel, OPENER_REFUSED, question->id, &refused, NULL),
			0);
}

static void *opener_run(void *nothing)
{
	static struct channel_buffer buffer;
	struct channel_message question;

	while (channel_receive(&opener.channel, OPENER_STATE_READY, &buffer, &question) == 0)
		sample_answer(&question);
	return nothing;
}

static int fake_link(const union bpf_attr *attr)
{
	if (!host.links)
		return -EINVAL;
	if (attr->link_create.target_fd == UINT32_MAX)
		return -EBADF;
	assert_int_equal(attr->link_create.attach_type, BPF_PERF_EVENT);
	if (++host.runs == host.fail)
		return -host.refusal;
	return number_fd(attr->link_create.prog_fd - FD_OFFSET);
}

static int fake_pin(const union bpf_attr *attr)
{
	const char *path = (const char *)(uintptr_t)attr->pathname;
	uint32_t number = number_read((int)attr->bpf_fd);
	_cleanup_close_ int fd = -1;

	if (++host.pins == host.pins_failed)
		return -ENOSPC;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	assert_int_equal(pwrite(fd, &number, sizeof(number), 0), sizeof(number));
	return 0;
}

static int fake_get(const union bpf_attr *attr)
{
	int fd = open((const char *)(uintptr_t)attr->pathname, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int fake_info(const union bpf_attr *attr)
{
	struct bpf_link_info info = { .prog_id = number_read((int)attr->info.bpf_fd) };

	memcpy((void *)(uintptr_t)attr->info.info, &info, sizeof(info));
	return 0;
}

static int fake_bpf(enum bpf_cmd command, union bpf_attr *attr, unsigned int size)
{
	(void)size;
	switch (command) {
	case BPF_LINK_CREATE:
		return fake_link(attr);
	case BPF_OBJ_PIN:
		return fake_pin(attr);
	case BPF_OBJ_GET:
		return fake_get(attr);
	case BPF_OBJ_GET_INFO_BY_FD:
		return fake_info(attr);
	case BPF_PROG_LOAD:
		return host.loads_refused ? -EPERM : number_fd(0);
	default:
		fail_msg("bpf command %d", command);
		return -EINVAL;
	}
}

static int fake_ioctl(int fd, unsigned long request, unsigned long argument)
{
	uint32_t program = (uint32_t)argument - FD_OFFSET;

	assert_int_equal(request, PERF_EVENT_IOC_SET_BPF);
	assert_false(host.links);
	if (++host.runs == host.fail)
		return -host.refusal;
	assert_int_equal(pwrite(fd, &program, sizeof(program), 0), sizeof(program));
	return 0;
}

static const struct kernel_operations fake = { .bpf = fake_bpf, .ioctl = fake_ioctl };

void setup(bool links, uint32_t online)
{
	char directory[] = "/tmp/bpfd-events-XXXXXX", path[LINK_PIN_PATH_SIZE];
	int pair[2];

	memset(&settings, 0, sizeof(settings));
	assert_non_null(mkdtemp(directory));
	memcpy(settings.bpffs_directory, directory, sizeof(directory));
	(void)snprintf(path, sizeof(path), "%s/links", directory);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(channel_pair(pair), 0);
	memset(&opener, 0, sizeof(opener));
	memset(&host, 0, sizeof(host));
	opener.channel = (struct channel){ pair[0], CHANNEL_LOWER, &channel_opener };
	opener.online = online;
	opener.offline = opener.broken = -2;
	client = (struct opener_client){ { pair[1], CHANNEL_UPPER, &channel_opener }, 0 };
	assert_int_equal(pthread_create(&opener.thread, NULL, opener_run, NULL), 0);
	host.links = links;
	host.refusal = EIO;
	kernel = &fake;
	context = (struct attach_context){
		.settings = &settings,
		.opener = &client,
		.perf_links = kernel_perf_links() != 0,
		.cpus_end = online + 3,
	};
	assert_int_equal(context.perf_links, links);
}

void teardown(void)
{
	char path[LINK_PIN_PATH_SIZE];

	assert_int_equal(context.events.count, 0);
	perf_events_close(&context.events);
	(void)shutdown(client.channel.fd, SHUT_RDWR);
	assert_int_equal(pthread_join(opener.thread, NULL), 0);
	(void)close(client.channel.fd);
	(void)close(opener.channel.fd);
	(void)snprintf(path, sizeof(path), "%s/links", settings.bpffs_directory);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(settings.bpffs_directory), 0);
	kernel = &kernel_real;
}
