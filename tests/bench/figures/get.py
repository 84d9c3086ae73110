# SPDX-License-Identifier: MIT OR Apache-2.0
"""
`get program`: by a raw client that speaks SP against a bare SEQPACKET echo, through libbpfd against a stock nng echo. The echoes
send as many bytes as bpfd does. The four take turns.
"""
import statistics
import time

from harness import sp

from . import table

ROUNDS = 5
CLIENTS = (1, 16, 256)


def sizes(daemon, program):
    """The request, and how long its answer is."""
    request = sp.request(sp.GET_PROGRAM, sp.field(1, program))
    with sp.Client(daemon.socket) as client:
        client.send(request)
        return request, len(client.receive())


def median(results, key):
    return statistics.median(result[key] for result in results)


def row(name, base_name, ours, base, clients, most):
    cells = [clients, name]
    for key in ("p50_us", "p99_us"):
        cells += [table.time(median(ours, key)), table.time(median(base, key))]
    ratio = table.ratio(median(ours, "p50_us"), median(base, "p50_us"), most)
    ratio_99 = f"{median(ours, 'p99_us') / median(base, 'p99_us'):.2f}"
    return [*cells, ratio, ratio_99, f"{median(ours, 'per_s'):,.0f}", base_name]


def measure(host):
    daemon = host.daemon()
    program = daemon.load("xdp_counter")
    request, size = sizes(daemon, program)
    bare, nng = host.scratch / "bare", host.scratch / "nng"
    servers = [host.serve("echo_seqpacket", bare, size + 13), host.serve("echo_nng", nng, size)]
    time.sleep(0.5)
    count, rows = host.times(20000), []

    for clients in CLIENTS:
        runs = {"bare": [], "sp": [], "nng": [], "bpfd": []}
        for _ in range(ROUNDS):
            runs["bare"] += host.tool("exchange", "seqpacket", bare, clients, count, request.hex())
            runs["sp"] += host.tool("exchange", "sp", daemon.socket, clients, count, request.hex())
            runs["nng"] += host.tool("calls", "nng", nng, clients, count // 4, len(request))
            runs["bpfd"] += host.tool("calls", "bpfd", daemon.socket, clients, count // 4, program)
        rows.append(row("raw SP client", "SEQPACKET echo", runs["sp"], runs["bare"], clients, 4))
        rows.append(row("libbpfd", "nng REQ/REP echo", runs["bpfd"], runs["nng"], clients, 1.5))
    for server in servers:
        server.kill()
    return table.markdown(
        f"`get program` (answer of {size} bytes)",
        ["clients", "through", "p50", "echo's p50", "p99", "echo's p99", "ratio of p50", "of p99", "per second", "echo"],
        rows)
