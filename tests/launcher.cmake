# The launcher: its parts, and its core with fake roles.
bpfd_add_test(NAME launcher_config_test LABEL unit SOURCES unit/launcher_config_test.c LIBRARIES bpfd_launcher_core)
bpfd_add_test(NAME launcher_files_test LABEL unit SOURCES unit/launcher_files_test.c LIBRARIES bpfd_launcher_core)
bpfd_add_test(NAME launcher_policy_test LABEL unit SOURCES unit/launcher_policy_test.c LIBRARIES bpfd_launcher_core)

# Without sanitizers, whatever the rest is built with: they run behind the launcher's sandbox.
set(behaviours good dies sigsys hangs ignores_stop ready_twice closes garbage asks_loader asks_verifier asks_fetcher
	asks_nothing asks_beyond kills_worker same_id inspects runs_loaders runs_fetchers misses_fetchers
	reads_rules asks_rules worker)
foreach(behaviour ${behaviours})
	add_executable(fake_role_${behaviour} launcher/fake_role.c ${PROJECT_SOURCE_DIR}/common/channel.c
		${PROJECT_SOURCE_DIR}/proto/channel_launcher.c)
	target_include_directories(fake_role_${behaviour} PRIVATE ${PROJECT_SOURCE_DIR})
	target_compile_options(fake_role_${behaviour} PRIVATE -Wall -Wextra -Wshadow -Wconversion -Wvla)
	target_compile_definitions(fake_role_${behaviour} PRIVATE _GNU_SOURCE FAKE_ROLE=${behaviour} LOADER_UID=64203 FETCHER_UID=64205
		VERIFIER_UID=64206)
	set_target_properties(fake_role_${behaviour} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/fake_roles)
endforeach()

bpfd_add_test(NAME launcher_test LABEL channel SOURCES channel/launcher_test.c LIBRARIES bpfd_launcher_core
	DEFINITIONS FAKE_ROLES="${PROJECT_BINARY_DIR}/tests/fake_roles")
bpfd_add_policy(launcher_test launcher)
foreach(behaviour ${behaviours})
	add_dependencies(launcher_test fake_role_${behaviour})
endforeach()
