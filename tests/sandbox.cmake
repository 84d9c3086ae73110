# The policies and what enforces them, the channels, and common/.
set(BPFD_ALL_POLICIES bpfd_policy_launcher bpfd_policy_broker bpfd_policy_gate bpfd_policy_frontend
	bpfd_policy_loader bpfd_policy_opener)

bpfd_add_test(NAME policy_simulator_test LABEL sandbox
	SOURCES sandbox/simulator_test.c sandbox/simulator.c sandbox/policies.c
	LIBRARIES ${BPFD_ALL_POLICIES})
bpfd_add_test(NAME sandbox_live_test LABEL sandbox
	SOURCES sandbox/live_test.c sandbox/fixture.c sandbox/policies.c
	LIBRARIES ${BPFD_ALL_POLICIES})
add_executable(sandbox_role_helper sandbox/role_helper.c sandbox/policies.c)
target_link_libraries(sandbox_role_helper PRIVATE ${BPFD_ALL_POLICIES} bpfd_common)
set_target_properties(sandbox_role_helper PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
bpfd_add_test(NAME sandbox_identity_test LABEL sandbox
	SOURCES sandbox/identity_test.c sandbox/fixture.c sandbox/policies.c
	LIBRARIES ${BPFD_ALL_POLICIES})
add_dependencies(sandbox_identity_test sandbox_role_helper)
bpfd_add_test(NAME policy_compiler_test LABEL sandbox
	SOURCES sandbox/compiler_test.c sandbox/simulator.c ${BPFD_POLICY_COMPILER_SOURCES}
	LIBRARIES bpfd::libseccomp bpfd::libcap-ng)
