# The fetcher: pure parts of the registry protocol, its cache, and the real program against registries good and bad.
bpfd_add_test(NAME http_test LABEL unit SOURCES unit/http_test.c LIBRARIES bpfd_registry)
bpfd_add_fuzzer(NAME http_fields_fuzz SOURCES fuzz/http_fields_fuzz.c LIBRARIES bpfd_registry
	CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/http_fields)

bpfd_add_test(NAME image_cache_test LABEL unit SOURCES unit/image_cache_test.c LIBRARIES bpfd_fetcher_core)
foreach(call fsync write unlinkat renameat openat)
	target_link_options(image_cache_test PRIVATE -Wl,--wrap=${call})
endforeach()

add_executable(push_tool image/push_tool.c)
target_link_libraries(push_tool PRIVATE bpfd_registry bpfd_flags)
add_executable(measure_tool image/measure_tool.c)
target_link_libraries(measure_tool PRIVATE bpfd_flags)
set_target_properties(push_tool measure_tool PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)

# Behind the real filter, which a sanitizer's run-time does not live with.
if(NOT BPFD_SANITIZE)
	foreach(part good access names cached killed memory signatures push hostile settings)
		add_test(NAME fetcher_${part}_test
			COMMAND /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/image/run ${PROJECT_BINARY_DIR} test_${part})
		set_tests_properties(fetcher_${part}_test PROPERTIES LABELS channel)
	endforeach()
endif()
