# The frontend: its pure parts, its loop with a test as launcher, broker and clients, and its fuzz target.
foreach(name wire validate view readers)
	bpfd_add_test(NAME frontend_${name}_test LABEL unit
		SOURCES unit/frontend_${name}_test.c LIBRARIES bpfd_frontend_core)
endforeach()
foreach(name strangers answers load attach update remove end events)
	bpfd_add_test(NAME frontend_${name}_test LABEL channel
		SOURCES channel/frontend_${name}_test.c channel/frontend_requests.c channel/frontend_fixture.c
		LIBRARIES bpfd_frontend_core)
endforeach()
foreach(name image image_signed image_faults image_limits image_secrets)
	bpfd_add_test(NAME frontend_${name}_test LABEL channel
		SOURCES channel/frontend_${name}_test.c channel/fetcher_stage.c channel/frontend_requests.c channel/frontend_fixture.c
		LIBRARIES bpfd_frontend_core)
endforeach()
foreach(name nng nng_events)
	bpfd_add_test(NAME frontend_${name}_test LABEL channel
		SOURCES channel/frontend_${name}_test.c channel/frontend_fixture.c LIBRARIES bpfd_frontend_core bpfd::nng)
endforeach()

# The corpus is checked in; this wrote its seeds.
add_executable(client_message_corpus EXCLUDE_FROM_ALL fuzz/client_message_corpus.c)
target_link_libraries(client_message_corpus PRIVATE bpfd_frontend_core bpfd_flags)
bpfd_add_fuzzer(NAME client_message_fuzz SOURCES fuzz/client_message_fuzz.c LIBRARIES bpfd_frontend_core
	CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/client_message)
bpfd_add_fuzzer(NAME fetcher_message_fuzz SOURCES fuzz/fetcher_message_fuzz.c LIBRARIES bpfd_frontend_core
	CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/fetcher_message) # the seeds are of fuzz/fetcher_message_corpus.py

bpfd_add_test(NAME protocol_doc_test LABEL unit SOURCES unit/protocol_doc_test.c LIBRARIES bpfd_channels)
