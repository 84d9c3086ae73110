# The verifier: the real program behind its real filter, which a sanitizer's run-time does not live with.
if(NOT BPFD_SANITIZE)
	add_test(NAME verifier_test COMMAND /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/image/run ${PROJECT_BINARY_DIR} test_verifier)
	set_tests_properties(verifier_test PROPERTIES LABELS channel)
endif()
