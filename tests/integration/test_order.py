# SPDX-License-Identifier: MIT OR Apache-2.0
"""Order and proceed-on, proven by what frames went through."""
import pathlib

from harness.host import test
from harness.net import frame_tags, ip
from harness.outcome import check_equal, check_in

ABORTED, DROP, PASS, TX, REDIRECT = range(5)


@test("extensions")
def priorities_decide(host):
    daemon, wire = host.bpfd(), host.wire()
    for tag, priority in ((1, 50), (2, 10), (3, 90)):
        daemon.attach(daemon.load_sequence(tag), wire.name, "--priority", priority)
    check_equal(wire.trace(), [2, 1, 3], "programs that a frame passed")
    check_equal([link["position"] for link in daemon.links()], [0, 1, 2], "positions, as listed")
    check_equal([link["priority"] for link in daemon.links()], [10, 50, 90], "priorities, as listed")


@test("extensions")
def ties_go_by_link(host):
    daemon, wire = host.bpfd(), host.wire()
    programs = [daemon.load_sequence(tag) for tag in (1, 2, 3)]
    for program in reversed(programs):
        daemon.attach(program, wire.name)
    check_equal(wire.trace(), [3, 2, 1], "programs that a frame passed: first attached, first run")


@test("extensions")
def two_programs_of_one_object(host):
    daemon, wire = host.bpfd(), host.wire()
    first, second = daemon.load("sequence", "sequence", "sequence_second", options=("--global", "tag=5"))
    daemon.attach(second, wire.name)
    daemon.attach(first, wire.name)
    check_equal(wire.trace(), [105, 5], "programs that a frame passed")
    daemon.unload(second)
    check_equal(wire.trace(), [5], "programs that a frame passed once one of the object is unloaded")


@test("extensions")
def drop_ends_the_chain(host):
    daemon, wire = host.bpfd(), host.wire()
    last = daemon.load_sequence(3)
    daemon.attach(daemon.load_sequence(1), wire.name)
    middle = daemon.attach(daemon.load_sequence(2, verdict=DROP), wire.name)
    daemon.attach(last, wire.name)
    check_equal(wire.trace(), None, "a dropped frame")
    daemon.detach(middle)
    check_equal(wire.trace(), [1, 3], "after the one in the middle is detached")


@test("extensions")
def proceed_on_is_followed(host):
    daemon, wire = host.bpfd(), host.wire()
    daemon.attach(daemon.load_sequence(1, verdict=DROP), wire.name, "--proceed-on", "drop,pass")
    daemon.attach(daemon.load_sequence(2), wire.name)
    check_equal(wire.trace(), [1, 2], "the next runs after drop, and its verdict counts")
    check_equal(daemon.links()[0]["proceed_on"], ["drop", "pass", "dispatcher_return"], "proceed_on, as listed")


@test("extensions")
def proceed_on_may_exclude_pass(host):
    daemon, wire = host.bpfd(), host.wire()
    daemon.attach(daemon.load_sequence(1), wire.name, "--proceed-on", "drop")
    daemon.attach(daemon.load_sequence(2), wire.name)
    check_equal(wire.trace(), [1], "pass ends the chain, and the frame passes")


@test("extensions")
def a_single_program_decides_alone(host):
    daemon, wire = host.bpfd(), host.wire()
    daemon.attach(daemon.load_sequence(1, verdict=DROP), wire.name, "--proceed-on", "drop,pass")
    check_equal(wire.trace(), None, "a frame dropped by the only program")


@test("extensions")
def run_configuration_of_the_object(host):
    daemon, wire = host.bpfd(), host.wire()
    daemon.attach(daemon.load_sequence(1), wire.name)
    link = daemon.attach(daemon.load_sequence(2, verdict=DROP, name="sequence_first"), wire.name)
    answer = daemon.link(link)
    check_equal((answer["priority"], answer["proceed_on"]), (5, ["drop", "pass", "dispatcher_return"]), "taken from the object")
    check_equal(wire.trace(), [2, 1], "programs that a frame passed")


@test("extensions")
def tx_goes_back(host):
    daemon, wire = host.bpfd(), host.wire()
    pathlib.Path(f"/sys/class/net/{wire.peer}/queues").exists()
    ip("link", "set", wire.peer, "xdpgeneric", "off")
    daemon.attach(daemon.load_sequence(1, verdict=TX), wire.name, "--mode", "generic")
    wire.listen()
    back = wire.socket(wire.peer, 0x88B5)
    wire.send_test(4)
    back.settimeout(5)
    frame = back.recv(2048)
    while frame_tags(frame) != [1]:  # what was sent is seen too
        frame = back.recv(2048)
    check_equal(wire.receive(), [], "frames delivered though sent back")


@test("extensions")
def ten_and_no_more(host):
    daemon, wire = host.bpfd(), host.wire()
    programs = [daemon.load_sequence(tag) for tag in range(1, 12)]
    for count, program in enumerate(programs[:10], 1):
        daemon.attach(program, wire.name)
        check_equal(wire.trace(), list(range(1, count + 1)), f"with {count} programs")
    message = daemon.refused("attach", "xdp", programs[10], "--iface", wire.name)
    check_in("10", message, "refusal of the eleventh")
    check_equal(wire.trace(), list(range(1, 11)), "after the refusal")
    daemon.detach(*[link["id"] for link in daemon.links()][1:9])
    check_equal(wire.trace(), [1, 10], "the first and the last are left")


@test("extensions")
def the_same_program_twice(host):
    daemon, wire, other = host.bpfd(), host.wire(), host.wire("v1")
    program = daemon.load_sequence(1)
    daemon.attach(program, wire.name)
    daemon.refused("attach", "xdp", program, "--iface", wire.name)
    daemon.attach(program, other.name)
    check_equal((wire.trace(), other.trace()), ([1], [1]), "one program on two interfaces")
