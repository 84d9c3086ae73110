# SPDX-License-Identifier: MIT OR Apache-2.0
"""
What 10, 100 and 1,000 programs, as many links (ten on each interface) and 10, 100 and 500 clients at once cost: a table for each,
with the growth from the smallest to the largest. Each size has a daemon of its own. Where the kernel takes extension programs
the links are shared XDP ones, else tcx ones.
"""
import json
import statistics
import time

from harness import processes, sp
from harness.outcome import SLOWNESS, Skip, check_equal

from . import machine, scale_load, scale_table, size as memory

SIZES = (10, 100, 1000)
CLIENTS = (10, 100, 500)
PER_INTERFACE = 10
LIMITS = {"programs": 4096, "connections": 2048, "connections_per_uid": 1024}


def percentiles(times_s):
    ordered = sorted(times_s)
    return {"p50_us": statistics.median(ordered) * 1e6, "p99_us": ordered[(len(ordered) - 1) * 99 // 100] * 1e6}


def timed(function, *arguments):
    start = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - start, result


def role_memory(daemon):
    """KiB of each role, resident and proportional, once the next loader is warm."""
    time.sleep(0.5 * SLOWNESS)
    return {name: {"rss_kib": int(processes.status(pid)["VmRSS"].split()[0]), "pss_kib": memory.pss_kib(pid)}
            for name, pid in sorted(daemon.roles().items())}


def per_item(before, after, count):
    """Bytes that each item took, by role and of all together; a loader holds nothing of them."""
    roles = {name: {key: (after[name][key] - before[name][key]) * 1024 / count for key in ("rss_kib", "pss_kib")}
             for name in ("broker", "frontend", "opener", "bpfd") if name in before and name in after}
    return {name: {"rss": row["rss_kib"], "pss": row["pss_kib"]} for name, row in roles.items()}


def load_and_unload(host, work, count):
    """With a warm loader each time, as `load` measures it."""
    loads, unloads = [], []
    for _ in range(count):
        time.sleep(host.pause_ms() / 2000)
        seconds, program = timed(work.load)
        loads.append(seconds)
        unloads.append(timed(work.unload, program)[0])
    return {"load": percentiles(loads), "unload": percentiles(unloads)}


def attach_and_detach(work, interfaces, count):
    """One more link on an interface that has ten, another interface each time."""
    program = work.load()
    attaches, detaches = [], []
    for turn in range(count):
        seconds, link = timed(work.attach, program, interfaces[turn % len(interfaces)])
        attaches.append(seconds)
        detaches.append(timed(work.detach, link)[0])
    work.unload(program)
    return {"attach": percentiles(attaches), "detach": percentiles(detaches)}


def alone_attach(work, interfaces, count):
    """Exclusive XDP, on interfaces where no other XDP runs."""
    program = work.load_alone()
    attaches = []
    for turn in range(count):
        seconds, link = timed(work.attach_alone, program, interfaces[turn % len(interfaces)])
        attaches.append(seconds)
        work.detach(link)
    work.unload(program)
    return {"attach alone": percentiles(attaches)}


def questions(host, daemon, program, link):
    """Name, request and how often each is asked."""
    def exchange(operation, body, count):
        return host.tool("exchange", "sp", daemon.socket, 1, count, sp.request(operation, body).hex())[0]

    return {"get program": exchange(sp.GET_PROGRAM, sp.field(1, program), host.times(5000)),
            "get link": exchange(sp.GET_LINK, sp.field(1, link), host.times(5000)),
            "list programs": exchange(sp.LIST_PROGRAMS, b"", host.times(300)),
            "list links": exchange(sp.LIST_LINKS, b"", host.times(300))}


def restart(daemon, count):
    """Seconds until READY, and how many links are attached then."""
    stop_s, _ = timed(daemon.stop)
    start_s, _ = timed(daemon.start)
    adopted = sum(link["state"] == "attached" for link in daemon.links())
    check_equal(adopted, count, "links that are attached after the restart")
    return {"stop_s": stop_s, "start_s": start_s, "adopted": adopted}


def measure_size(host, work, daemon, count, interfaces):
    repetitions = host.times(100)
    work.load()  # what the first load alone takes is nobody's share
    base = role_memory(daemon)
    fill_s, programs = timed(lambda: [work.load() for _ in range(count)])
    loaded = role_memory(daemon)
    attach_s, links = timed(lambda: [work.attach(program, interfaces[turn // PER_INTERFACE])
                                     for turn, program in enumerate(programs)])
    attached = role_memory(daemon)
    row = {"count": count, "interfaces": len(interfaces), "memory": attached,
           "fill": {"load_us": fill_s / count * 1e6, "attach_us": attach_s / count * 1e6},
           "per_program": per_item(base, loaded, count), "per_link": per_item(loaded, attached, count)}
    row["operations"] = load_and_unload(host, work, repetitions) | attach_and_detach(work, interfaces, repetitions) | \
        questions(host, daemon, programs[len(programs) // 2], links[len(links) // 2])
    if not work.shared_xdp:
        row["operations"] |= alone_attach(work, interfaces, repetitions)
    row["restart"] = restart(daemon, count)
    return row


def clients_measure(host, daemon, program):
    """`get program` and `list programs` by many connections; the daemon holds what the largest size left."""
    rows = []
    for clients in CLIENTS:
        answers = {}
        for name, operation, body, count in (("get program", sp.GET_PROGRAM, sp.field(1, program), 20000),
                                             ("list programs", sp.LIST_PROGRAMS, b"", 2000)):
            request = sp.request(operation, body).hex()
            found = host.tool("exchange", "sp", daemon.socket, clients, max(host.times(count), 2 * clients), request)
            answers[name] = dict(item for line in found for item in line.items())
        rows.append({"count": clients, "operations": answers, "memory": role_memory(daemon)})
    return rows


def measure(host):
    sizes = SIZES[:-1] if host.quick and SLOWNESS > 1 else SIZES
    found = {"machine": machine.describe().strip(), "sizes": [], "clients": []}
    interfaces = scale_load.interfaces_make(sizes[-1] // PER_INTERFACE)
    for count in sizes:
        daemon = host.daemon_named(f"scale{count}", limits=LIMITS)
        with daemon.client(timeout_s=60) as client:
            work = scale_load.Work(host, daemon, client)
            if not work.shared_xdp and not scale_load.has_tcx():
                raise Skip("neither extension programs nor tcx")
            found["links"] = "shared XDP" if work.shared_xdp else "tcx"
            found["sizes"].append(measure_size(host, work, daemon, count, interfaces[:count // PER_INTERFACE]))
        if count == sizes[-1]:
            found["clients"] = clients_measure(host, daemon, daemon.programs()[0]["id"])
        with daemon.client(timeout_s=60) as client:
            scale_load.Work(host, daemon, client).clear()
        daemon.stop()
    return scale_table.tables(found) + f"\n{scale_table.MARK}{json.dumps(found)} -->\n"
