# Functions in programs and libraries, and libraries by name, as bpfctl looks them up.
set(symbol_sources client/symbols/sample.c client/symbols/second.c)
add_executable(symbol_sample_pie EXCLUDE_FROM_ALL ${symbol_sources})
target_link_options(symbol_sample_pie PRIVATE -pie)
add_executable(symbol_sample_fixed EXCLUDE_FROM_ALL ${symbol_sources})
set_target_properties(symbol_sample_fixed PROPERTIES POSITION_INDEPENDENT_CODE OFF)
target_link_options(symbol_sample_fixed PRIVATE -no-pie)
add_library(symbol_sample_library SHARED EXCLUDE_FROM_ALL ${symbol_sources})
target_compile_definitions(symbol_sample_library PRIVATE SAMPLE_LIBRARY)
target_link_options(symbol_sample_library PRIVATE -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/client/symbols/sample.map)
foreach(kind pie library)
	set(stripped ${CMAKE_CURRENT_BINARY_DIR}/symbol_sample_${kind}.stripped)
	add_custom_command(OUTPUT ${stripped} COMMAND ${CMAKE_STRIP} -s -o ${stripped} $<TARGET_FILE:symbol_sample_${kind}>
		DEPENDS symbol_sample_${kind} VERBATIM)
	list(APPEND symbol_stripped ${stripped})
endforeach()
add_custom_target(symbol_samples DEPENDS symbol_sample_fixed ${symbol_stripped})

foreach(name elf_symbols library_cache)
	bpfd_add_test(NAME client_${name}_test LABEL unit
		SOURCES client/${name}_test.c $<TARGET_OBJECTS:bpfd_client_objects> LIBRARIES bpfd_client_objects bpfd_proto
		DEFINITIONS SAMPLE_PIE="$<TARGET_FILE:symbol_sample_pie>" SAMPLE_FIXED="$<TARGET_FILE:symbol_sample_fixed>"
			SAMPLE_LIBRARY_FILE="$<TARGET_FILE:symbol_sample_library>"
			SAMPLE_STRIPPED="${CMAKE_CURRENT_BINARY_DIR}/symbol_sample_pie.stripped"
			SAMPLE_LIBRARY_STRIPPED="${CMAKE_CURRENT_BINARY_DIR}/symbol_sample_library.stripped")
	add_dependencies(client_${name}_test symbol_samples)
endforeach()

foreach(name elf_symbols library_cache)
	bpfd_add_fuzzer(NAME ${name}_fuzz SOURCES fuzz/${name}_fuzz.c $<TARGET_OBJECTS:bpfd_client_objects>
		LIBRARIES bpfd_client_objects bpfd_proto CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name})
endforeach()
