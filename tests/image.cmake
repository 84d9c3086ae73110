# The image library: references, JSON of registries, layers, objects, evidence, and images that are built.
foreach(name reference json index manifest config)
	bpfd_add_test(NAME image_${name}_test LABEL unit SOURCES unit/image_${name}_test.c LIBRARIES bpfd_image)
endforeach()

add_library(bpfd_image_maker STATIC unit/image_maker.c)
target_link_libraries(bpfd_image_maker PUBLIC bpfd_image bpfd_flags PRIVATE bpfd::libzstd)

foreach(name layer object build chain)
	bpfd_add_test(NAME image_${name}_test LABEL unit SOURCES unit/image_${name}_test.c LIBRARIES bpfd_image_maker)
	add_dependencies(image_${name}_test bpfd_sample_xdp_counter)
endforeach()
foreach(name layer_bad layer_limit)
	bpfd_add_test(NAME image_${name}_test LABEL unit SOURCES unit/image_${name}_test.c unit/image_layer_check.c LIBRARIES bpfd_image_maker)
endforeach()
bpfd_add_test(NAME image_evidence_test LABEL unit SOURCES unit/image_evidence_test.c LIBRARIES bpfd_image)

bpfd_add_bpf_object(bpfd_test_bpf_big_endian bpf/big_endian.bpf.c FLAGS --target=bpfeb)
foreach(name object build)
	add_dependencies(image_${name}_test bpfd_test_bpf_big_endian bpfd_test_bpf_map_kinds bpfd_test_bpf_gate_untyped
		bpfd_sample_tracepoint_counter)
endforeach()

foreach(name json layer evidence)
	bpfd_add_fuzzer(NAME image_${name}_fuzz SOURCES fuzz/image_${name}_fuzz.c LIBRARIES bpfd_image
		CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/image_${name})
endforeach()
add_executable(image_corpus EXCLUDE_FROM_ALL fuzz/image_corpus.c)
target_link_libraries(image_corpus PRIVATE bpfd_image_maker)
set_target_properties(image_corpus PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
