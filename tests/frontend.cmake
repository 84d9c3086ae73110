# The frontend: its pure parts, and its loop with a test as launcher, broker and clients.
bpfd_add_test(NAME frontend_nng_test LABEL channel
	SOURCES channel/frontend_nng_test.c channel/frontend_fixture.c LIBRARIES bpfd_frontend_core bpfd::nng)
bpfd_add_test(NAME frontend_strangers_test LABEL channel
	SOURCES channel/frontend_strangers_test.c channel/frontend_fixture.c LIBRARIES bpfd_frontend_core)
bpfd_add_test(NAME frontend_changes_test LABEL channel
	SOURCES channel/frontend_changes_test.c channel/frontend_fixture.c LIBRARIES bpfd_frontend_core)
