# SPDX-License-Identifier: MIT OR Apache-2.0
"""
Loading: a small object against bpftool, a large one against libbpf in one process. Medians; the two take turns, and both pause as
long before each load.
"""
import statistics

from . import table

ROUNDS = 10


def median(results):
    return statistics.median(result["p50_us"] for result in results)


def turns(host, *commands):
    """Runs all in turns, so that what else the machine does hits all of them."""
    results = [[host.tool(*command)[0] for command in commands] for _ in range(ROUNDS)]
    return [median(column) for column in zip(*results)]


def measure(host):
    daemon = host.daemon()
    small, large = host.object("xdp_counter"), host.object("large")
    pin = daemon.bpffs / "bench"
    count = host.times(10)
    pause = host.pause_ms()

    raw_us, small_us, bpftool_us = turns(
        host, ("load_raw", daemon.socket, count, pause, small, "xdp_counter"),
        ("load_bpfd", daemon.socket, count, pause, small, "xdp_counter"),
        ("spawn_time", count, pause, pin, "bpftool", "prog", "load", small, pin, "type", "xdp"))
    cold_us = host.tool("load_bpfd", daemon.socket, count, 1, small, "xdp_counter")[0]["p50_us"]
    small_libbpf_us = host.tool("load_libbpf", count, 1, small)[0]["p50_us"]
    large_us, libbpf_us = turns(
        host, ("load_bpfd", daemon.socket, count, pause, large, "large"), ("load_libbpf", count, pause, large))
    return table.markdown("Loading", ["what", "bpfd", "against", "takes", "ratio"], [
        ["small object (xdp_counter), a call by a raw socket", table.time(raw_us), "`bpftool prog load`",
         table.time(bpftool_us), table.ratio(raw_us, bpftool_us, 0.5)],
        ["the same, a call of libbpfd", table.time(small_us), "`bpftool prog load`",
         table.time(bpftool_us), table.ratio(small_us, bpftool_us, 0.5)],
        ["the same, one right after the other", table.time(cold_us), "libbpf in one process, nothing stored",
         table.time(small_libbpf_us), f"{cold_us / small_libbpf_us:.1f}"],
        ["large object (24,000 instructions, 300 KB of constants)", table.time(large_us), "libbpf in one process",
         table.time(libbpf_us), table.ratio(large_us, libbpf_us, 1.5)],
    ])
