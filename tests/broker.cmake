# The broker's core: its store, its logic, and the whole of it over real channels.
bpfd_add_test(NAME broker_store_test LABEL unit SOURCES unit/broker_store_test.c LIBRARIES bpfd_broker_store)
bpfd_add_test(NAME broker_codec_test LABEL unit SOURCES unit/broker_codec_test.c LIBRARIES bpfd_broker_store)
bpfd_add_test(NAME broker_validate_test LABEL unit SOURCES unit/broker_validate_test.c LIBRARIES bpfd_broker_store)
bpfd_add_test(NAME broker_reconcile_test LABEL unit SOURCES unit/broker_reconcile_test.c
	${PROJECT_SOURCE_DIR}/broker/reconcile_plan.c)
bpfd_add_test(NAME broker_queue_test LABEL unit SOURCES unit/broker_queue_test.c
	${PROJECT_SOURCE_DIR}/broker/load_queue.c ${PROJECT_SOURCE_DIR}/broker/registry.c)
