# tcx and netkit: where a program goes, and how one moves. Everything else of them is in tests/integration/test_tcx.py.
bpfd_add_test(NAME tcx_order_test LABEL unit SOURCES unit/tcx_order_test.c LIBRARIES bpfd_broker_attach)

add_library(bpfd_tcx_stage STATIC tcx/stage.c)
target_link_libraries(bpfd_tcx_stage PUBLIC bpfd_xdp_harness)
target_compile_options(bpfd_tcx_stage PRIVATE "SHELL:-include stdarg.h" "SHELL:-include stddef.h"
	"SHELL:-include stdint.h" "SHELL:-include setjmp.h")
bpfd_add_test(NAME tcx_flood_test LABEL kernel SOURCES tcx/tcx_flood_test.c LIBRARIES bpfd_tcx_stage)
bpfd_add_test(NAME tcx_move_test LABEL kernel SOURCES tcx/tcx_move_test.c LIBRARIES bpfd_tcx_stage)
bpfd_add_test(NAME opener_tcx_test LABEL channel SOURCES channel/opener_tcx_test.c LIBRARIES bpfd_xdp_harness)
