# libbpfd and bpfctl: against a server of the tests' own, which can answer what no bpfd would.
find_package(Threads REQUIRED)
add_library(bpfd_client_test STATIC client/test_server.c client/samples.c client/samples_image.c client/samples_kernel.c)
target_include_directories(bpfd_client_test PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(bpfd_client_test PUBLIC bpfd_proto bpfd_flags Threads::Threads)

# The library's own files come with bpfd_client_objects: its shared form shows only the public functions.
foreach(name transport connection)
	bpfd_add_test(NAME client_${name}_test LABEL unit
		SOURCES client/${name}_test.c client/script.c $<TARGET_OBJECTS:bpfd_client_objects>
		LIBRARIES bpfd_client_test bpfd_client_objects)
endforeach()
foreach(name library library_image target answer)
	bpfd_add_test(NAME client_${name}_test LABEL unit
		SOURCES client/${name}_test.c client/fixture.c $<TARGET_OBJECTS:bpfd_client_objects>
		LIBRARIES bpfd_client_test bpfd_client_objects)
endforeach()

foreach(name arguments render bpfctl credentials image)
	bpfd_add_test(NAME client_${name}_test LABEL unit
		SOURCES client/${name}_test.c client/run_command.c client/bpfctl_run.c
		LIBRARIES bpfctl_core bpfd_client_test)
endforeach()
add_dependencies(client_bpfctl_test bpfctl)
add_dependencies(client_image_test bpfctl)

foreach(shell bash zsh fish)
	add_test(NAME client_completion_${shell}_test
		COMMAND ${BPFD_RUN} ${CMAKE_CURRENT_SOURCE_DIR}/client/completion_test.sh ${shell} $<TARGET_FILE:bpfctl>)
	set_tests_properties(client_completion_${shell}_test PROPERTIES LABELS unit SKIP_RETURN_CODE 77)
endforeach()

add_test(NAME client_symbols_test
	COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/client/symbols_test.sh ${PROJECT_SOURCE_DIR} $<TARGET_FILE:bpfd_client_shared>)
set_tests_properties(client_symbols_test PROPERTIES LABELS unit)

# Behind the real filter, which a sanitizer's run-time does not live with.
if(NOT BPFD_SANITIZE)
	add_test(NAME client_build_test
		COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/client/build_test.sh $<TARGET_FILE:bpfctl> ${PROJECT_BINARY_DIR}/tests)
	set_tests_properties(client_build_test PROPERTIES LABELS sandbox)
endif()
