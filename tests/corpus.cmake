# What tests/integration/test_corpus.py compares bpfd with. Not a test by itself.
add_executable(corpus_load_libbpf corpus/load_libbpf.c)
target_link_libraries(corpus_load_libbpf PRIVATE bpfd::libbpf bpfd_flags)
set_target_properties(corpus_load_libbpf PROPERTIES OUTPUT_NAME load_libbpf
	RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/corpus)
