# bpfd_broker_attach: programs put where they run, and the kernel operations under them.
add_library(bpfd_broker_attach STATIC attach.c attach_cgroup.c attach_event.c attach_iter.c attach_link.c attach_netfilter.c attach_netns.c
	attach_probe.c attach_tc.c attach_tcx.c attach_tcx_move.c attach_tracepoint.c attach_tracing.c attach_xdp.c cgroup.c chain.c
	dispatcher.c grace.c kernel.c kernel_map.c link_pins.c map_access.c netlink.c netlink_tc.c netns.c opener_client.c own_pins.c perf_events.c tc.c tc_chain.c tc_open.c tc_pins.c tc_read.c
	tc_replace.c tcx.c tcx_relay.c xdp.c xdp_chain.c xdp_open.c xdp_pins.c xdp_read.c xdp_replace.c)
target_link_libraries(bpfd_broker_attach PUBLIC bpfd_common bpfd_channels bpfd_dispatcher)
