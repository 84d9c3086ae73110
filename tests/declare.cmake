# programs.d: what files mean, and what a reload does.
bpfd_add_test(NAME declare_test LABEL unit SOURCES client/declare_test.c LIBRARIES bpfctl_core)
