# What tests/bench/run measures with. Not tests: nothing here is registered with ctest.
find_package(Threads REQUIRED)
bpfd_add_bpf_object(bpfd_bench_large bench/large.bpf.c)

add_library(bpfd_bench STATIC bench/samples.c bench/raw.c)
target_include_directories(bpfd_bench PUBLIC ${PROJECT_SOURCE_DIR})
target_link_libraries(bpfd_bench PRIVATE bpfd_flags)

function(bpfd_add_bench name)
	add_executable(bench_${name} bench/${name}.c)
	target_link_libraries(bench_${name} PRIVATE bpfd_bench ${ARGN} bpfd_flags)
	set_target_properties(bench_${name} PROPERTIES OUTPUT_NAME ${name}
		RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bench)
endfunction()

bpfd_add_bench(spawn_time)
bpfd_add_bench(load_libbpf bpfd::libbpf)
bpfd_add_bench(load_bpfd bpfd_client_shared)
bpfd_add_bench(attach_bpfd bpfd_client_shared)
bpfd_add_bench(load_raw bpfd_proto)
bpfd_add_bench(exchange)
bpfd_add_bench(echo_seqpacket)
bpfd_add_bench(echo_nng bpfd::nng)
bpfd_add_bench(calls bpfd_client_shared bpfd::nng Threads::Threads)
