# The policies and what enforces them, the channels, and common/.
set(BPFD_ALL_POLICIES bpfd_policy_launcher bpfd_policy_broker bpfd_policy_gate bpfd_policy_frontend
	bpfd_policy_loader bpfd_policy_fetcher bpfd_policy_verifier bpfd_policy_opener bpfd_policy_opener_containers bpfd_policy_image)

bpfd_add_test(NAME channel_test LABEL channel SOURCES channel/channel_test.c channel/channel_ends.c)
bpfd_add_test(NAME channel_packet_test LABEL channel SOURCES channel/channel_packet_test.c channel/channel_ends.c)
bpfd_add_test(NAME common_test LABEL unit SOURCES unit/common_test.c)
bpfd_add_test(NAME sp_test LABEL unit SOURCES unit/sp_test.c)
bpfd_add_test(NAME policy_compiler_test LABEL unit
	SOURCES sandbox/compiler_test.c sandbox/simulator.c
	LIBRARIES bpfd_policy_compiler)
bpfd_add_test(NAME policy_simulator_test LABEL sandbox
	SOURCES sandbox/simulator_test.c sandbox/simulator.c sandbox/policies.c
	LIBRARIES ${BPFD_ALL_POLICIES})

# Behind the real filters: a sanitizer's run-time makes calls of its own, and adds libraries. No filter is widened for it.
if(NOT BPFD_SANITIZE)
	bpfd_add_test(NAME sandbox_live_test LABEL sandbox
		SOURCES sandbox/live_test.c sandbox/fixture.c sandbox/policies.c
		LIBRARIES ${BPFD_ALL_POLICIES})

	bpfd_add_test(NAME sandbox_steps_test LABEL sandbox
		SOURCES sandbox/steps_test.c sandbox/fixture.c sandbox/policies.c
		LIBRARIES ${BPFD_ALL_POLICIES})

	add_executable(sandbox_role_helper sandbox/role_helper.c sandbox/policies.c)
	target_link_libraries(sandbox_role_helper PRIVATE ${BPFD_ALL_POLICIES} bpfd_common)
	set_target_properties(sandbox_role_helper PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
	bpfd_add_test(NAME sandbox_identity_test LABEL sandbox
		SOURCES sandbox/identity_test.c sandbox/fixture.c sandbox/policies.c
		LIBRARIES ${BPFD_ALL_POLICIES})
	add_dependencies(sandbox_identity_test sandbox_role_helper)

	add_test(NAME needed_libraries
		COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/sandbox/needed_libraries.sh ${PROJECT_BINARY_DIR}/bin ${PROJECT_SOURCE_DIR}/seccomp)
	set_tests_properties(needed_libraries PROPERTIES LABELS sandbox)
endif()
