# eBPF programs that only the integration tests load (tests/integration, run by scripts/test).
foreach(name sequence sequence_frags sequence_first refused tracing probes cgroup places iter map_kinds map_more map_bloom tcx_sections
	share share_second share_larger share_narrow share_slow)
	bpfd_add_bpf_object(bpfd_test_bpf_${name} bpf/${name}.bpf.c)
endforeach()

# A client that knows stock nng and the .proto file, nothing else of the project.
add_executable(nng_client interop/nng_client.c)
target_link_libraries(nng_client PRIVATE bpfd_proto bpfd::nng bpfd_flags)
set_target_properties(nng_client PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
