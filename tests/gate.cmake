# The gate, the loader and the session between them.
foreach(name data maps kernel ksym no_field symbol refused huge odd_map priority)
	bpfd_add_bpf_object(bpfd_test_bpf_gate_${name} bpf/gate_${name}.bpf.c)
	list(APPEND gate_objects bpfd_test_bpf_gate_${name})
endforeach()
bpfd_add_bpf_object(bpfd_test_bpf_gate_untyped bpf/gate_untyped.bpf.c FLAGS -g0)
list(APPEND gate_objects bpfd_test_bpf_gate_untyped)

add_executable(gate_test_loader channel/gate_test_loader.c)
target_link_libraries(gate_test_loader PRIVATE bpfd_loader_core)
set_target_properties(gate_test_loader PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)

bpfd_add_test(NAME gate_load_test LABEL channel
	SOURCES channel/gate_load_test.c channel/gate_harness.c ${PROJECT_SOURCE_DIR}/broker/kernel.c
	LIBRARIES bpfd_broker_gate bpfd_channels bpfd::nettle)
add_dependencies(gate_load_test gate_test_loader ${gate_objects})

bpfd_add_test(NAME gate_sandbox_test LABEL sandbox
	SOURCES sandbox/gate_sandbox_test.c ${PROJECT_SOURCE_DIR}/broker/kernel.c
	LIBRARIES bpfd_broker_gate bpfd_channels)
bpfd_add_policy(gate_sandbox_test broker gate loader)
add_dependencies(gate_sandbox_test bpfd-loader ${gate_objects})

bpfd_add_test(NAME gate_hostile_test LABEL channel
	SOURCES channel/gate_hostile_test.c channel/gate_speaker.c channel/gate_harness.c ${PROJECT_SOURCE_DIR}/broker/kernel.c
	LIBRARIES bpfd_broker_gate bpfd_channels)
bpfd_add_test(NAME gate_types_test LABEL channel
	SOURCES channel/gate_types_test.c channel/gate_speaker.c channel/gate_harness.c ${PROJECT_SOURCE_DIR}/broker/kernel.c
	LIBRARIES bpfd_broker_gate bpfd_channels)
bpfd_add_test(NAME gate_result_test LABEL channel
	SOURCES channel/gate_result_test.c channel/gate_speaker.c channel/gate_harness.c ${PROJECT_SOURCE_DIR}/broker/kernel.c
	LIBRARIES bpfd_broker_gate bpfd_channels)
bpfd_add_test(NAME gate_packet_test LABEL channel
	SOURCES channel/gate_packet_test.c channel/gate_speaker.c channel/gate_harness.c ${PROJECT_SOURCE_DIR}/broker/kernel.c
	LIBRARIES bpfd_broker_gate bpfd_channels)

bpfd_add_test(NAME gate_share_test LABEL channel
	SOURCES channel/gate_share_test.c channel/gate_speaker.c channel/gate_harness.c ${PROJECT_SOURCE_DIR}/broker/kernel.c
		${PROJECT_SOURCE_DIR}/broker/kernel_map.c
	LIBRARIES bpfd_broker_gate bpfd_channels)

bpfd_add_fuzzer(NAME gate_message_fuzz SOURCES fuzz/gate_message_fuzz.c LIBRARIES bpfd_broker_gate bpfd_channels
	CORPUS ${CMAKE_CURRENT_LIST_DIR}/fuzz/corpus/gate_message)

bpfd_add_test(NAME gate_extension_test LABEL kernel
	SOURCES channel/gate_extension_test.c channel/gate_harness.c
	LIBRARIES bpfd_broker_gate bpfd_broker_attach bpfd_channels)
add_dependencies(gate_extension_test gate_test_loader ${gate_objects})
