# Types and targets, wherever they are spoken of: common, the frontend, the protocol, the client library.
foreach(name target target_record)
	bpfd_add_test(NAME ${name}_test LABEL unit SOURCES unit/${name}_test.c)
endforeach()
foreach(name program_type frontend_target)
	bpfd_add_test(NAME ${name}_test LABEL unit SOURCES unit/${name}_test.c LIBRARIES bpfd_frontend_core)
endforeach()
