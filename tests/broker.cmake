# The broker's core: its store, its logic, and the whole of it over real channels.
bpfd_add_test(NAME broker_store_test LABEL unit SOURCES unit/broker_store_test.c LIBRARIES bpfd_broker_store)
bpfd_add_test(NAME broker_store_copy_test LABEL unit SOURCES unit/broker_store_copy_test.c LIBRARIES bpfd_broker_store)
bpfd_add_test(NAME broker_copies_test LABEL unit SOURCES unit/broker_copies_test.c ${PROJECT_SOURCE_DIR}/broker/copies.c
	LIBRARIES bpfd_broker_store)
bpfd_add_test(NAME broker_codec_test LABEL unit SOURCES unit/broker_codec_test.c LIBRARIES bpfd_broker_store)
bpfd_add_test(NAME broker_validate_test LABEL unit SOURCES unit/broker_validate_test.c LIBRARIES bpfd_broker_store)
bpfd_add_test(NAME broker_reconcile_test LABEL unit SOURCES unit/broker_reconcile_test.c
	${PROJECT_SOURCE_DIR}/broker/reconcile_plan.c)
bpfd_add_test(NAME broker_queue_test LABEL unit SOURCES unit/broker_queue_test.c
	${PROJECT_SOURCE_DIR}/broker/load_queue.c ${PROJECT_SOURCE_DIR}/broker/registry.c ${PROJECT_SOURCE_DIR}/broker/chain.c)

# The broker on a stage: its own processes, the real kernel, a launcher and a frontend that the test plays.
add_library(bpfd_broker_stage STATIC channel/broker_crash.c channel/broker_stage.c channel/broker_stage_pump.c channel/broker_stage_requests.c
	channel/broker_stage_roles.c channel/broker_stage_verifier.c)
target_link_libraries(bpfd_broker_stage PUBLIC bpfd_broker_core bpfd_launcher_core bpfd_opener_core bpfd::cmocka)
bpfd_add_policy(bpfd_broker_stage broker gate loader opener)
target_compile_definitions(bpfd_broker_stage PRIVATE BPFD_BUILD_DIR="${PROJECT_BINARY_DIR}")
target_compile_options(bpfd_broker_stage PRIVATE "SHELL:-include stdarg.h" "SHELL:-include stddef.h" "SHELL:-include stdint.h"
	"SHELL:-include setjmp.h")
foreach(name requests faults garbage crash_load crash_attach crash_update crash_start image verifier)
	bpfd_add_test(NAME broker_${name}_test LABEL channel SOURCES channel/broker_${name}_test.c
		LIBRARIES bpfd_broker_stage)
	add_dependencies(broker_${name}_test bpfd-broker bpfd-loader bpfd-opener gate_test_loader bpfd_test_bpf_gate_data
		bpfd_test_bpf_share bpfd_test_bpf_share_second)
	set_tests_properties(broker_${name}_test PROPERTIES RESOURCE_LOCK broker_stage)
endforeach()
