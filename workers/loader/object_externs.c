/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Externs: kernel symbols (.ksyms) and kernel configuration (.kconfig) that an object refers to. */
#include "workers/loader/loader.h"

#include "common/cleanup.h"

#include <bpf/btf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>

static void btf_free_cleanup(struct btf **btf)
{
	btf__free(*btf);
}

static const struct btf_type *type_resolve(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	while (type && (btf_is_mod(type) || btf_is_typedef(type)))
		type = btf__type_by_id(btf, type->type);
	return type;
}

/* A typed ksym is resolved through the kernel's BTF. An untyped one needs addresses, which only
 * root sees: it would be 0. */
static int ksym_check(const struct btf *btf, const struct btf_type *variable, struct error *error)
{
	const struct btf_type *type =
		btf_is_var(variable) ? type_resolve(btf, variable->type) : NULL;

	if (!type || !btf_is_void(type))
		return 0;
	return error_set(
		error, -EINVAL, ERROR_UNSUPPORTED,
		"kernel symbol \"%s\" is declared without a type (extern const void %s __ksym), "
		"and its address is not known without privilege: declare it with its type",
		btf__name_by_offset(btf, variable->name_off),
		btf__name_by_offset(btf, variable->name_off));
}

/* libbpf answers this one by a probe that needs tracefs. */
static int kconfig_check(const struct btf *btf, const struct btf_type *variable,
                         struct error *error)
{
	if (strcmp(btf__name_by_offset(btf, variable->name_off), "LINUX_HAS_SYSCALL_WRAPPER") != 0)
		return 0;
	return error_set(error, -EINVAL, ERROR_UNSUPPORTED,
	                 "extern LINUX_HAS_SYSCALL_WRAPPER cannot be found out without privilege: "
	                 "use CONFIG_ARCH_HAS_SYSCALL_WRAPPER");
}

static bool kernel_config_readable(void)
{
	struct utsname names;
	char path[sizeof(names.release) + 32];

	if (uname(&names) < 0)
		return false;
	(void)snprintf(path, sizeof(path), "/boot/config-%s", names.release);

	_cleanup_close_ int boot = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int proc = open("/proc/config.gz", O_RDONLY | O_CLOEXEC);

	return boot >= 0 || proc >= 0;
}

/* The value that stands for "not set", as the extern's type wants it written. */
static const char *kconfig_nothing(const struct btf *btf, const struct btf_type *variable)
{
	const struct btf_type *type = type_resolve(btf, variable->type);

	if (type && btf_is_array(type))
		return "\"\"";
	if (type && btf_is_int(type) && !(btf_int_encoding(type) & BTF_INT_BOOL))
		return "0";
	return "n";
}

static int kconfig_add(const struct object *object, const struct btf *btf,
                       const struct btf_type *variable, char **kconfig)
{
	const char *name = btf__name_by_offset(btf, variable->name_off);
	char *longer;

	if (strncmp(name, "CONFIG_", 7) != 0 || !object_symbol_is_weak(object, name))
		return 0;
	if (asprintf(&longer, "%s%s=%s\n", *kconfig ?: "", name, kconfig_nothing(btf, variable)) <
	    0)
		return -ENOMEM;
	free(*kconfig);
	*kconfig = longer;
	return 0;
}

static int section_check(const struct object *object, const struct btf *btf,
                         const struct btf_type *section, bool without_config, char **kconfig,
                         struct error *error)
{
	const char *name = btf__name_by_offset(btf, section->name_off);
	const struct btf_var_secinfo *entry = btf_var_secinfos(section);
	bool ksyms = strcmp(name, ".ksyms") == 0;
	int result = 0;

	if (!ksyms && strcmp(name, ".kconfig") != 0)
		return 0;
	for (unsigned int i = 0; i < btf_vlen(section) && result == 0; i++) {
		const struct btf_type *variable = btf__type_by_id(btf, entry[i].type);

		if (!variable)
			continue;
		result = ksyms ? ksym_check(btf, variable, error)
		               : kconfig_check(btf, variable, error);
		if (result == 0 && !ksyms && without_config)
			result = kconfig_add(object, btf, variable, kconfig);
	}
	return result;
}

static bool object_has_externs(const struct object *object)
{
	const struct btf *btf = bpf_object__btf(object->bpf);

	return btf && (btf__find_by_name_kind(btf, ".ksyms", BTF_KIND_DATASEC) > 0 ||
	               btf__find_by_name_kind(btf, ".kconfig", BTF_KIND_DATASEC) > 0);
}

/*
 * Reads the object's BTF as it is in the file, because libbpf has put its own types in by now.
 * Where no kernel configuration can be read, libbpf would refuse even externs that may be missing:
 * for these it gets a text that says so.
 */
int object_check_externs(const struct object *object, char **kconfig, struct error *error)
{
	_cleanup_(btf_free) struct btf *btf = NULL;
	_cleanup_free_ char *text = NULL;
	bool without_config;
	int result = 0;

	if (!object_has_externs(object))
		return 0;
	btf = object_btf_original(object);
	if (!btf)
		return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
		                 "the object's BTF cannot be read: %s", messages_text());
	without_config = !kernel_config_readable();
	for (unsigned int id = 1; id < btf__type_cnt(btf) && result == 0; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (btf_is_datasec(type))
			result = section_check(object, btf, type, without_config, &text, error);
	}
	if (result == 0)
		*kconfig = steal_ptr(&text);
	return result;
}
