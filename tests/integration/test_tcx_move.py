# SPDX-License-Identifier: MIT OR Apache-2.0
"""Links of tcx that move: a frame meets every program once, in the order before or the one after."""
import itertools
import os
import signal
import time

from harness import bpf, sp
from harness.host import test
from harness.net import frame_tags
from harness.outcome import check, check_equal, check_in
from test_main import pins
from test_restart import KILL_AT, Traffic, timed
from test_tc import trace_out
from test_tcx import Foreign, attach, load, needs, order
from test_update import Flood

MOVES = 30


def chain_make(daemon, wire, tags=(1, 2, 3, 4), **options):
    """Links by tag, with priorities of ten times the tag."""
    return {tag: attach(daemon, load(daemon, tag), wire, "--priority", str(tag * 10), **options)["id"] for tag in tags}


def move(daemon, link, priority, *options):
    return daemon.ask("update", link, "--priority", str(priority), *options)


@test()
def every_place_from_every_place(host):
    needs(6, 6, "tcx")
    daemon, wire = host.bpfd(), host.wire()
    links = chain_make(daemon, wire)
    there = pins(daemon)
    priorities = {tag: tag * 10 for tag in links}
    for tag, priority in itertools.product(links, (5, 45, 15, 35, 25)):
        found = move(daemon, links[tag], priority)
        priorities[tag] = priority
        expected = sorted(links, key=lambda one: (priorities[one], links[one]))
        check_equal((found["position"], found["priority"]), (expected.index(tag), priority), f"link {tag} with {priority}")
        check_equal(wire.trace(), expected, f"frames with {priorities}")
    check_equal(pins(daemon), there, "pins")
    before = daemon.links()
    daemon.stop()
    check_equal(wire.trace(), expected, "without bpfd")
    daemon.start()
    check_equal(daemon.links(), before, "links after a restart")
    daemon.unload(*(program["id"] for program in daemon.programs()))
    check_equal((wire.trace(), pins(daemon)), ([], []), "after unload")


@test()
def ties_and_directions(host):
    needs(6, 6, "tcx")
    daemon, wire = host.bpfd(), host.wire()
    links = chain_make(daemon, wire, direction="egress")
    move(daemon, links[1], 30)
    check_equal(trace_out(wire), [2, 1, 3, 4], "a tie goes by the link's id")
    move(daemon, links[4], 30)
    check_equal(trace_out(wire), [2, 1, 3, 4], "one that stays")
    move(daemon, links[4], 20)
    check_equal(trace_out(wire), [2, 4, 1, 3], "frames")
    check_equal(order(daemon, "egress"), [links[tag] for tag in (2, 4, 1, 3)], "order that bpfd shows")


@test()
def with_another_program(host):
    needs(6, 6, "tcx")
    daemon, wire = host.bpfd(), host.wire()
    links, new = chain_make(daemon, wire), load(daemon, 9)
    found = move(daemon, links[2], 90, "--program", new)
    check_equal((found["program_id"], found["position"]), (new, 3), "link")
    check_equal(wire.trace(), [1, 3, 4, 9], "frames")
    check_in("is attached there already", daemon.refused("update", links[1], "--priority", "99", "--program", new), "refusal")
    check_equal(wire.trace(), [1, 3, 4, 9], "frames after the refusal")
    daemon.detach(links[2])
    check_equal(wire.trace(), [1, 3, 4], "frames after a detach")


@test()
def others_keep_their_places(host):
    needs(6, 6, "tcx")
    daemon, wire = host.bpfd(), host.wire()
    first = Foreign(host, 101, wire)
    links = chain_make(daemon, wire)
    last = Foreign(host, 1, wire, link=False)
    move(daemon, links[2], 90)
    check_equal(wire.trace(), [101, 1, 3, 4, 2, 1], "to bpfd's end")
    move(daemon, links[2], 0)
    check_equal(wire.trace(), [101, 2, 1, 3, 4, 1], "to bpfd's beginning")
    check_equal([link["id"] is None for link in daemon.links()], [True, False, False, False, False, True], "what bpfd shows")
    first.detach()
    os.close(last.descriptor)


@test()
def no_frame_is_lost(host):
    needs(6, 6, "tcx")
    daemon, wire = host.bpfd(), host.wire()
    links = chain_make(daemon, wire, tags=(1, 2, 3))
    with Traffic(wire) as traffic:
        for number in range(MOVES):
            move(daemon, links[1], (90, 10)[number % 2])
    traffic.check_whole([(1, 2, 3), (2, 3, 1)])
    check_equal(len({tuple(frame_tags(frame)) for frame in traffic.received}), 2, "orders that frames met")


@test()
def flood(host):
    """As many frames as go: each is counted once by each, wherever it ran."""
    needs(6, 6, "tcx")
    daemon, wire = host.bpfd(), host.wire()
    programs = {tag: load(daemon, tag) for tag in (1, 2, 3)}
    links = {tag: attach(daemon, program, wire, "--priority", str(tag * 10))["id"] for tag, program in programs.items()}
    with Flood(wire):
        for number in range(MOVES):
            move(daemon, links[number % 3 + 1], number * 37 % 100)
    counts = {tag: bpf.map_counter(daemon.map_pin(program, "frames")) for tag, program in programs.items()}
    check(counts[1] > 1000, f"frames: {counts}")
    check_equal(len(set(counts.values())), 1, f"different counts: {counts}")


@test()
def killed_in_the_middle(host):
    needs(6, 6, "tcx")
    daemon, wire = host.bpfd(), host.wire()
    links = chain_make(daemon, wire, tags=(1, 2, 3))
    there = pins(daemon)

    def message(priority, request_id=None):  # sint32: zigzag
        return sp.request(sp.UPDATE, sp.field(1, links[1]) + sp.field(3, priority * 2), request_id=request_id)

    with daemon.client() as client:
        whole_s = timed(client, message(90))
        client.exchange(message(10))
    check_equal(wire.trace(), [1, 2, 3], "frames at first")
    for part in KILL_AT + (0.3, 0.5, 0.6, 0.7, 0.8):
        request_id = os.urandom(16)
        with Traffic(wire) as traffic, daemon.client() as client:
            client.send(message(90, request_id))
            time.sleep(part * whole_s)
            os.kill(daemon.role("broker"), signal.SIGKILL)
            check(daemon.wait_end() != 0, "bpfd's exit status")
            daemon.start()
        traffic.check_whole([(1, 2, 3), (2, 3, 1)])
        found = daemon.link(links[1])
        expected = [1, 2, 3] if found["priority"] == 10 else [2, 3, 1]
        check_equal((found["state"], wire.trace()), ("attached", expected), "what runs")
        check_equal(pins(daemon), there, "pins")
        with daemon.client() as client:
            client.exchange(message(90, request_id))
            check_equal(wire.trace(), [2, 3, 1], "after the repeat")
            client.exchange(message(10))
