# SPDX-License-Identifier: MIT OR Apache-2.0
"""Attaching the n-th program to an interface, against `xdp-loader load`; and the bpf() calls that each makes."""
import json
import pathlib
import re
import statistics
import subprocess
import time

from harness import net
from harness.outcome import SLOWNESS, Skip

from . import table

PROGRAMS = 10
ROUNDS = 5
LIBXDP_CALLS = 115  # of one add, 2 to 3 programs, as measured before


def bpfd_round(host, daemon, wire, sample):
    return host.tool("attach_bpfd", daemon.socket, sample, "xdp_counter", wire.name, PROGRAMS, host.pause_ms())


def xdp_loader_round(host, wire, sample):
    found = [host.tool("spawn_time", 1, host.pause_ms(), "/nonexistent", "xdp-loader", "load", wire.name, sample)[0]["p50_us"]
             for _ in range(PROGRAMS)]
    subprocess.run(["xdp-loader", "unload", wire.name, "--all"], check=True)
    return found


def times(host, daemon, ours, theirs, sample):
    """[(attach, load + attach, xdp-loader)] for each n: medians of some rounds, in which both take turns."""
    rounds = [(bpfd_round(host, daemon, ours, sample), xdp_loader_round(host, theirs, sample)) for _ in range(ROUNDS)]
    return [(statistics.median(turn[0][n]["attach_us"] for turn in rounds),
             statistics.median(turn[0][n]["load_us"] + turn[0][n]["attach_us"] for turn in rounds),
             statistics.median(turn[1][n] for turn in rounds)) for n in range(PROGRAMS)]


def calls(trace):
    """Of bpf(), in strace's output; one that was interrupted is told twice."""
    text = trace.read_text(encoding="utf-8", errors="replace") if trace.exists() else ""
    return len(re.findall(r"\bbpf\(BPF_", text))


def strace(trace, *arguments):
    return ["strace", "-f", "-qq", "-o", str(trace), "-e", "trace=bpf", "-e", "signal=none", *map(str, arguments)]


def bpfd_calls(host, daemon, wire, sample):
    """bpf() calls of every process of bpfd's while the n-th program is attached."""
    trace = pathlib.Path(host.scratch, "bpfd.trace")
    watched = [word for role in ("broker", "opener") for word in ("-p", daemon.roles()[role])]
    tracer = subprocess.Popen(strace(trace, *watched))
    time.sleep(1 * SLOWNESS)
    client = subprocess.Popen([host.tools / "attach_bpfd", daemon.socket, sample, "xdp_counter", wire.name,
                               str(PROGRAMS), "turns"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    counts = []
    for _ in range(PROGRAMS):
        if client.stdout.readline().strip() != "next":
            raise RuntimeError("attach_bpfd failed")
        # what the next loader does while it gets warm is not the attachment's
        time.sleep(0.5 * SLOWNESS)
        before = calls(trace)
        client.stdin.write("\n")
        client.stdin.flush()
        json.loads(client.stdout.readline())
        counts.append(calls(trace) - before)
    client.stdin.close()
    client.wait()
    tracer.terminate()
    tracer.wait()
    return counts


def xdp_loader_calls(host, wire, sample):
    counts = []
    for n in range(PROGRAMS):
        trace = pathlib.Path(host.scratch, f"loader{n}.trace")
        subprocess.run(strace(trace, "xdp-loader", "load", wire.name, sample), check=True)
        counts.append(calls(trace))
    subprocess.run(["xdp-loader", "unload", wire.name, "--all"], check=True)
    return counts


def measure(host):
    daemon = host.daemon()
    if not daemon.features()["extension_programs"]["present"]:
        raise Skip("no extension programs")
    ours, theirs = net.Wire("ours"), net.Wire("theirs")
    sample = host.object("xdp_counter")
    measured = times(host, daemon, ours, theirs, sample)
    our_calls, loader_calls = bpfd_calls(host, daemon, ours, sample), xdp_loader_calls(host, theirs, sample)
    rows = [[n + 1, table.time(attach), table.time(both), table.time(loader), table.ratio(both, loader, 1),
             our, loader_count, table.ratio(our, LIBXDP_CALLS, 0.334)]
            for n, ((attach, both, loader), our, loader_count) in enumerate(zip(measured, our_calls, loader_calls))]
    return table.markdown(
        "Attaching the n-th XDP program to one interface",
        ["n", "bpfd: attach", "load and attach", "`xdp-loader load`", "ratio to load and attach", "bpf() calls of bpfd's attach",
         "of `xdp-loader load`", f"ratio to libxdp's {LIBXDP_CALLS} of one add"], rows)
