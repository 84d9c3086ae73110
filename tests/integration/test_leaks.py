# SPDX-License-Identifier: MIT OR Apache-2.0
"""Hundreds of operations of every kind, done and refused: no process of bpfd's holds more descriptors or memory afterwards."""
import os
import socket
import struct

from harness import processes, sp
from harness.host import test
from harness.outcome import check, check_equal, wait_for
from test_bad_targets import FIELDS, TYPES, load_one

NEEDS = ("no kernel",)  # memory and descriptors of bpfd's processes

ROLES = ("bpfd", "broker", "frontend", "opener")
ROUNDS = 4
MAP_ROUNDS = 10
LOAD_ROUNDS = 10
MEMORY_KIB = 512  # the allocator gives some back late


def target_encode(target):
    return b"".join(sp.field(FIELDS[name][0], value) for name, value in target.items())


def holdings(daemon):
    """Of each role: how many descriptors, and KiB of memory of its own."""
    roles = daemon.roles()
    return {name: (len(os.listdir(f"/proc/{roles[name]}/fd")), int(processes.status(roles[name])["RssAnon"].split()[0]))
            for name in ROLES}


def grown(daemon, before):
    now = holdings(daemon)
    return {name: (before[name], now[name]) for name in ROLES
            if now[name][0] > before[name][0] or now[name][1] > before[name][1] + MEMORY_KIB}


def nothing_grows(daemon, work, rounds):
    """The first rounds fill what is kept on purpose: caches, the allocator's own."""
    counts = {}
    for _ in range(rounds):
        work(counts)
    before = holdings(daemon)
    for _ in range(rounds):
        work(counts)
    wait_for(lambda: not grown(daemon, before), f"nothing to grow, but {grown(daemon, before)}")
    print(counts, before)
    return counts


class Operations:
    """`types`: of which a program is to be loaded."""

    def __init__(self, host, daemon, types=()):
        self.client, self.group, self.programs = daemon.client(), host.cgroup(), {}
        for name in types:
            self.programs[name] = load_one(daemon, name, TYPES[name])[0]

    def call(self, counts, operation, body):
        number, answer = self.client.call(operation, body)
        key = "refused" if number == sp.ANSWER_ERROR else "done"
        counts[key] = counts.get(key, 0) + 1
        return answer if key == "done" else None

    def attach(self, counts, name, target):
        target = dict(target)
        if target.get("path") == "/sys/fs/cgroup":
            target["path"] = str(self.group.path)
        if name == "xdp":
            target["exclusive"] = 1
        body = sp.field(1, self.programs[name] or 4711) + sp.field(3, TYPES[name].number) + sp.field(4, target_encode(target))
        answer = self.call(counts, sp.ATTACH, body)
        if answer is None:
            return
        link = sp.value(sp.fields(sp.value(answer, 1)), 1)
        self.call(counts, sp.UPDATE, sp.field(1, link) + sp.field(2, 4711))
        check(self.call(counts, sp.DETACH, sp.field(1, link)) is not None, f"a link of {name} was not detached")

    def everywhere(self, counts):
        for name, row in TYPES.items():
            self.attach(counts, name, row.needs)
            for fields, _ in row.absent:
                self.attach(counts, name, {**row.needs, **fields})


@test()
def of_links(host):
    """Every type, where it can run and where it cannot."""
    daemon = host.bpfd()
    operations = Operations(host, daemon, TYPES)
    counts = nothing_grows(daemon, operations.everywhere, ROUNDS)
    check(min(counts["done"], counts["refused"]) > 200, f"too few of a kind: {counts}")
    check_equal(daemon.links(), [], "links")


@test()
def of_maps(host):
    daemon = host.bpfd()
    operations, program = Operations(host, daemon), daemon.load("map_kinds", kind="tracepoint")
    rows = [(sp.field(1, program) + sp.field(2, name), struct.pack("=I", 1), bytes(size))
            for name, size in (("numbers", 8), ("recent", 8), ("many", 4), ("queue", 4), ("records", 4), ("nothing", 4),
                               ("calls", 4), ("each_hash", 8), (".rodata", 16))]

    def work(counts):
        for where, key, value in rows:
            for data in (key, b"", bytes(600)):
                named = where + (sp.field(3, data) if data else b"")
                operations.call(counts, sp.MAP_SET, named + sp.field(4, value))
                operations.call(counts, sp.MAP_GET, named)
                operations.call(counts, sp.MAP_DELETE, named)
            operations.call(counts, sp.MAP_DUMP, where)
            operations.call(counts, sp.MAP_TYPES, where)

    counts = nothing_grows(daemon, work, MAP_ROUNDS)
    check(min(counts["done"], counts["refused"]) > 200, f"too few of a kind: {counts}")


@test()
def of_lists_and_loads(host):
    daemon = host.bpfd()
    operations, good = Operations(host, daemon), daemon.object("tracepoint_counter").read_bytes()
    load = sp.field(2, sp.field(1, 2) + sp.field(2, "tracepoint_counter"))

    def work(counts):
        answer = operations.call(counts, sp.LOAD, sp.field(1, good) + load)
        operations.call(counts, sp.UNLOAD, sp.field(1, sp.value(sp.fields(sp.value(answer, 1)), 1)))
        operations.call(counts, sp.LOAD, sp.field(1, good[:-2000]) + load)
        for operation, every in ((sp.LIST_PROGRAMS, 4), (sp.LIST_LINKS, 2), (sp.LIST_MAPS, 1)):
            operations.call(counts, operation, sp.field(every, 1))
        operations.call(counts, sp.GET_PROGRAM, sp.field(1, 4711))
        operations.call(counts, sp.STATUS, b"")
        with socket.socket(socket.AF_UNIX) as watcher:
            watcher.connect(str(daemon.runtime / "events.sock"))

    counts = nothing_grows(daemon, work, LOAD_ROUNDS)
    check(counts["refused"] >= 2 * LOAD_ROUNDS, f"too few refusals: {counts}")
