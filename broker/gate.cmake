# The gate and the broker's side of it. It links neither libbpf nor libelf: tests/sandbox proves it.
add_library(bpfd_broker_gate STATIC ${CMAKE_CURRENT_LIST_DIR}/session.c ${CMAKE_CURRENT_LIST_DIR}/gate.c
	${CMAKE_CURRENT_LIST_DIR}/gate_btf.c ${CMAKE_CURRENT_LIST_DIR}/gate_map.c ${CMAKE_CURRENT_LIST_DIR}/gate_program.c
	${CMAKE_CURRENT_LIST_DIR}/gate_result.c ${CMAKE_CURRENT_LIST_DIR}/gate_share.c)
target_link_libraries(bpfd_broker_gate PUBLIC bpfd_channels bpfd_common)
# session.c enters it in the forked gate
bpfd_add_policy(bpfd_broker_gate gate)
