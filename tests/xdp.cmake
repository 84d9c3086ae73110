# XDP, tracepoints and the opener. What needs extension programs skips where the kernel refuses them, and runs by tests/vm/run.
add_library(bpfd_xdp_harness STATIC xdp/harness.c)
target_link_libraries(bpfd_xdp_harness PUBLIC bpfd_broker_attach bpfd_opener_core bpfd_common bpfd_flags bpfd::cmocka)
target_compile_definitions(bpfd_xdp_harness PRIVATE BPFD_BUILD_DIR="${PROJECT_BINARY_DIR}")
target_compile_options(bpfd_xdp_harness PRIVATE "SHELL:-include stdarg.h" "SHELL:-include stddef.h"
	"SHELL:-include stdint.h" "SHELL:-include setjmp.h")
bpfd_add_policy(bpfd_xdp_harness opener opener_containers)
add_dependencies(bpfd_xdp_harness bpfd-opener bpfd_sample_xdp_counter bpfd_sample_xdp_filter)

bpfd_add_test(NAME xdp_multi_test LABEL kernel SOURCES xdp/xdp_multi_test.c LIBRARIES bpfd_xdp_harness)
bpfd_add_test(NAME xdp_flood_test LABEL kernel SOURCES xdp/xdp_flood_test.c LIBRARIES bpfd_xdp_harness)
bpfd_add_test(NAME xdp_loader_test LABEL kernel SOURCES xdp/xdp_loader_test.c LIBRARIES bpfd_xdp_harness)

foreach(test xdp_chain_test xdp_pins_test netlink_test)
	bpfd_add_test(NAME ${test} LABEL unit SOURCES unit/${test}.c LIBRARIES bpfd_broker_attach)
endforeach()

bpfd_add_test(NAME attach_test LABEL kernel SOURCES xdp/attach_test.c LIBRARIES bpfd_xdp_harness)
foreach(name opener_test opener_probe_test)
	bpfd_add_test(NAME ${name} LABEL channel SOURCES channel/${name}.c LIBRARIES bpfd_xdp_harness)
endforeach()
