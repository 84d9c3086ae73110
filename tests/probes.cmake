# Probes and sampled events: names, paths in others' roots, and the kernel operations under the attachments.
bpfd_add_test(NAME attach_point_test LABEL unit SOURCES unit/attach_point_test.c)
bpfd_add_test(NAME root_file_test LABEL unit SOURCES unit/root_file_test.c LIBRARIES bpfd_opener_core)
bpfd_add_test(NAME kernel_link_test LABEL unit SOURCES unit/kernel_link_test.c LIBRARIES bpfd_broker_attach)
bpfd_add_test(NAME attach_event_test LABEL unit SOURCES unit/attach_event_test.c unit/attach_event_fake.c LIBRARIES bpfd_broker_attach)
bpfd_add_test(NAME places_test LABEL unit SOURCES unit/places_test.c)
