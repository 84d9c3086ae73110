# Program types by their places: control groups, network namespaces, and what a kernel is too old for.
bpfd_add_test(NAME kernel_release_test LABEL unit SOURCES unit/kernel_release_test.c)
bpfd_add_test(NAME cgroup_test LABEL unit SOURCES unit/cgroup_test.c LIBRARIES bpfd_broker_attach)
