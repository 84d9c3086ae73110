# The image library: references, JSON of registries, layers, objects, evidence, and images that are built.
foreach(name reference json index manifest config)
	bpfd_add_test(NAME image_${name}_test LABEL unit SOURCES unit/image_${name}_test.c LIBRARIES bpfd_image)
endforeach()

add_library(bpfd_image_maker STATIC unit/image_maker.c)
target_link_libraries(bpfd_image_maker PUBLIC bpfd_image bpfd_flags PRIVATE bpfd::libzstd)

foreach(name layer build)
	bpfd_add_test(NAME image_${name}_test LABEL unit SOURCES unit/image_${name}_test.c LIBRARIES bpfd_image_maker)
	add_dependencies(image_${name}_test bpfd_sample_xdp_counter)
endforeach()
foreach(name layer_bad layer_limit)
	bpfd_add_test(NAME image_${name}_test LABEL unit SOURCES unit/image_${name}_test.c unit/image_layer_check.c LIBRARIES bpfd_image_maker)
endforeach()
bpfd_add_test(NAME image_evidence_test LABEL unit SOURCES unit/image_evidence_test.c LIBRARIES bpfd_image)

bpfd_add_bpf_object(bpfd_test_bpf_big_endian bpf/big_endian.bpf.c FLAGS --target=bpfeb)
add_dependencies(image_build_test bpfd_test_bpf_big_endian bpfd_test_bpf_map_kinds bpfd_test_bpf_gate_untyped)
