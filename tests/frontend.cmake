# The frontend: its pure parts, its loop with a test as launcher, broker and clients, and its fuzz target.
foreach(name sp wire validate view)
	bpfd_add_test(NAME frontend_${name}_test LABEL unit
		SOURCES unit/frontend_${name}_test.c LIBRARIES bpfd_frontend_core)
endforeach()
foreach(name strangers changes)
	bpfd_add_test(NAME frontend_${name}_test LABEL channel
		SOURCES channel/frontend_${name}_test.c channel/frontend_fixture.c LIBRARIES bpfd_frontend_core)
endforeach()
bpfd_add_test(NAME frontend_nng_test LABEL channel
	SOURCES channel/frontend_nng_test.c channel/frontend_fixture.c LIBRARIES bpfd_frontend_core bpfd::nng)
