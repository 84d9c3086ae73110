set(keyless_maker unit/keyless_maker.c unit/keyless_log.c unit/keyless_certificates.c)

# What makes signatures by identities, for those who ask the real verifier.
add_executable(keyless_tool image/keyless_tool.c ${keyless_maker})
target_link_libraries(keyless_tool PRIVATE bpfd_verifier_core bpfd_flags)
set_target_properties(keyless_tool PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)

# The verifier: the real program behind its real filter, which a sanitizer's run-time does not live with.
if(NOT BPFD_SANITIZE)
	add_test(NAME verifier_test COMMAND /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/image/run ${PROJECT_BINARY_DIR} test_verifier)
	set_tests_properties(verifier_test PROPERTIES LABELS channel)
endif()

bpfd_add_test(NAME verifier_keyless_test LABEL unit
	SOURCES unit/verifier_keyless_test.c ${keyless_maker} LIBRARIES bpfd_verifier_core)

bpfd_add_test(NAME verifier_parts_test LABEL unit SOURCES unit/verifier_parts_test.c LIBRARIES bpfd_verifier_core)

bpfd_add_test(NAME verifier_cosign_test LABEL unit SOURCES unit/verifier_cosign_test.c LIBRARIES bpfd_verifier_core)

bpfd_add_fuzzer(NAME signature_fuzz SOURCES fuzz/signature_fuzz.c ${keyless_maker} LIBRARIES bpfd_verifier_core
	CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/signature)
add_executable(signature_corpus EXCLUDE_FROM_ALL fuzz/signature_corpus.c ${keyless_maker})
target_link_libraries(signature_corpus PRIVATE bpfd_verifier_core bpfd_flags)
set_target_properties(signature_corpus PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
