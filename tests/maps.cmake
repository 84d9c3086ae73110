# Entries of maps: what the broker allows, what bpfctl makes of them. The rest is in tests/integration/test_maps.py.
bpfd_add_test(NAME map_access_test LABEL unit SOURCES unit/map_access_test.c LIBRARIES bpfd_broker_attach bpfd_broker_store)
bpfd_add_test(NAME typed_test LABEL unit SOURCES unit/typed_test.c LIBRARIES bpfctl_core)
bpfd_add_fuzzer(NAME typed_fuzz SOURCES fuzz/typed_fuzz.c LIBRARIES bpfctl_core
	CORPUS ${CMAKE_CURRENT_LIST_DIR}/fuzz/corpus/typed)
