# TC: the engine and its netlink. What needs extension programs skips where the kernel refuses them, and runs by tests/vm/run.
bpfd_add_bpf_object(bpfd_test_bpf_tc_sequence bpf/tc_sequence.bpf.c)
foreach(test tc_test tc_foreign_test)
	bpfd_add_test(NAME ${test} LABEL kernel SOURCES tc/${test}.c tc/tc_stage.c LIBRARIES bpfd_xdp_harness)
endforeach()
bpfd_add_test(NAME tc_flood_test LABEL kernel SOURCES tc/tc_flood_test.c LIBRARIES bpfd_xdp_harness)

foreach(test tc_chain_test netlink_tc_test)
	bpfd_add_test(NAME ${test} LABEL unit SOURCES unit/${test}.c LIBRARIES bpfd_broker_attach)
endforeach()
