# tcx and netkit: where a program goes. Everything else of them is in tests/integration/test_tcx.py.
bpfd_add_test(NAME tcx_order_test LABEL unit SOURCES unit/tcx_order_test.c LIBRARIES bpfd_broker_attach)
