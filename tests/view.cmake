# The whole host in view: records of the kernel's objects, what the launcher reports, rates.
bpfd_add_test(NAME frontend_kernel_view_test LABEL unit
	SOURCES unit/frontend_kernel_view_test.c LIBRARIES bpfd_frontend_core)
bpfd_add_test(NAME launcher_report_test LABEL unit SOURCES unit/launcher_report_test.c LIBRARIES bpfd_launcher_core)
bpfd_add_test(NAME top_rates_test LABEL unit SOURCES unit/top_rates_test.c LIBRARIES bpfctl_core)
bpfd_add_test(NAME frontend_kernel_test LABEL channel
	SOURCES channel/frontend_kernel_test.c channel/frontend_requests.c channel/frontend_fixture.c
	LIBRARIES bpfd_frontend_core)

bpfd_add_fuzzer(NAME kernel_records_fuzz SOURCES fuzz/kernel_records_fuzz.c LIBRARIES bpfd_frontend_core
	CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/kernel_records)
