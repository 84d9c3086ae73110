# SPDX-License-Identifier: MIT OR Apache-2.0
"""TC programs on both directions, beside filters of others."""
import os
import signal
import subprocess

from harness.host import test
from harness.net import ETH_P_TEST, TAGS_MAX, frame_tags, ip
from harness.outcome import SLOWNESS, check_equal, check_in, wait_for

UNSPEC, OK, SHOT, PIPE = -1, 0, 2, 3
FILTER = "pref 500 bpf chain 0 handle 0xbfd bpfd direct-action"


def tc(*arguments):
    return subprocess.run(["tc", *arguments], check=True, capture_output=True, text=True).stdout


def filters(wire, direction="ingress"):
    return tc("filter", "show", "dev", wire.name, direction)


def load(daemon, tag, verdict=PIPE, name="tc_sequence"):
    options = ("--global", f"tag=hex:{tag:02x}", "--global", "verdict=hex:" + (verdict & 0xFFFFFFFF).to_bytes(4, "little").hex())
    return daemon.load("tc_sequence", name, kind="tc", options=options)


def attach(daemon, program, wire, *options, direction="ingress"):
    return daemon.ask("attach", "tc", program, "--iface", wire.name, "--direction", direction, *options)


def trace_out(wire):
    """Sends one test frame out of the interface; the tags of the programs it passed, or None if it did not leave."""
    sender, receiver = wire.socket(wire.name, 0), wire.socket(wire.peer, ETH_P_TEST)
    try:
        sender.send((wire.header(ETH_P_TEST) + bytes(5 + TAGS_MAX)).ljust(64, b"\0"))
    except OSError:
        pass  # dropped at once
    receiver.settimeout(0.3 * SLOWNESS)
    try:
        return frame_tags(receiver.recv(65535))
    except TimeoutError:
        return None
    finally:
        sender.close()
        receiver.close()


@test("extensions")
def order_on_both_directions(host):
    daemon, wire = host.bpfd(), host.wire()
    for tag, priority in ((1, 50), (2, 10), (3, 90)):
        link = attach(daemon, load(daemon, tag), wire, "--priority", str(priority))
    check_equal([link[key] for key in ("type", "interface", "direction", "position", "priority")],
                ["tc", "v0", "ingress", 2, 90], "link")
    check_equal(link["proceed_on"], ["pipe", "dispatcher_return"], "proceed_on")
    check_equal(wire.trace(), [2, 1, 3], "programs that a frame passed on its way in")
    check_equal(trace_out(wire), [], "programs that a frame passed on its way out")
    both = load(daemon, 4)
    attach(daemon, both, wire, direction="egress")
    attach(daemon, load(daemon, 5), wire, "--priority", "1", direction="egress")
    attach(daemon, both, wire)
    check_equal(trace_out(wire), [5, 4], "the way out")
    check_equal(wire.trace(), [2, 1, 4, 3], "the way in: ties go by link")
    positions = {way: [link["position"] for link in daemon.links() if link["direction"] == way]
                 for way in ("ingress", "egress")}
    check_equal(positions, {"ingress": [0, 1, 2, 3], "egress": [0, 1]}, "positions")
    daemon.unload(both)
    check_equal((wire.trace(), trace_out(wire)), ([2, 1, 3], [5]), "without the one that was on both")


@test("extensions")
def type_by_section(host):
    daemon, wire = host.bpfd(), host.wire()
    programs = daemon.ask("load", "file", daemon.object("tc_sequence"), "--program", "tc_sequence", "--program",
                          "tc_sequence_second")
    check_equal([program["type"] for program in programs], ["tc", "tc"], "types")
    for program in programs:
        attach(daemon, program["id"], wire)
    check_equal(wire.trace(), [1, 101], "programs that a frame passed")


@test("extensions")
def verdicts_and_proceed_on(host):
    daemon, wire = host.bpfd(), host.wire()
    first = attach(daemon, load(daemon, 1, verdict=SHOT), wire)["id"]
    attach(daemon, load(daemon, 2), wire)
    check_equal(wire.trace(), None, "a frame that was shot")
    daemon.detach(first)
    attach(daemon, load(daemon, 3, verdict=SHOT), wire, "--proceed-on", "shot,ok", "--priority", "1")
    check_equal(wire.trace(), [3, 2], "the next runs after shot, and its verdict counts")
    attach(daemon, load(daemon, 4, verdict=OK), wire, "--priority", "2")
    check_equal(wire.trace(), [3, 4], "ok ends the chain, and the frame passes")


@test("extensions")
def beside_others(host):
    daemon, wire = host.bpfd(), host.wire()
    tc("qdisc", "add", "dev", wire.name, "clsact")
    tc("filter", "add", "dev", wire.name, "ingress", "pref", "9", "matchall", "action", "pass")
    tc("filter", "add", "dev", wire.name, "ingress", "pref", "1000", "matchall", "action", "drop")
    before = filters(wire)
    program = load(daemon, 1)
    link = attach(daemon, program, wire, direction="egress")["id"]
    check_equal(trace_out(wire), [1], "the way out")
    check_equal(filters(wire), before, "filters of the other direction")
    tc("filter", "del", "dev", wire.name, "ingress", "pref", "9")
    ok = attach(daemon, load(daemon, 2, verdict=OK), wire)["id"]
    check_in(FILTER, filters(wire), "filters")
    check_equal(wire.trace(), [2], "a program that says ok keeps a frame from the filters behind")
    daemon.detach(ok)
    attach(daemon, load(daemon, 3), wire)
    check_equal(wire.trace(), None, "one that says pipe does not")
    daemon.detach(*[entry["id"] for entry in daemon.links()])
    check_in("pref 1000 matchall", filters(wire), "filters of others")
    check_in("clsact", tc("qdisc", "show", "dev", wire.name), "the qdisc")
    check_equal("bpf" in filters(wire) or "bpf" in filters(wire, "egress"), False, "filters of bpfd's")
    check_equal(daemon.programs()[0]["links"], [], f"links of {program} after {link} was detached")


@test("extensions")
def place_taken(host):
    daemon, wire = host.bpfd(), host.wire()
    tc("qdisc", "add", "dev", wire.name, "ingress")
    program = load(daemon, 1)
    options = ("attach", "tc", program, "--iface", wire.name, "--direction")
    check_in("knows no egress", daemon.refused(*options, "egress"), "refusal")
    tc("filter", "add", "dev", wire.name, "ingress", "pref", "500", "matchall", "action", "pass")
    check_in("is not bpfd's (kind \"matchall\")", daemon.refused(*options, "ingress"), "refusal")
    check_equal(daemon.links(), [], "links")
    tc("filter", "del", "dev", wire.name, "ingress", "pref", "500")
    attach(daemon, program, wire)
    check_equal(wire.trace(), [1], "programs that a frame passed")
    check_in("already", daemon.refused(*options, "ingress"), "refusal of a second time")


@test("extensions")
def eleventh(host):
    daemon, wire = host.bpfd(), host.wire()
    for tag in range(1, 11):
        attach(daemon, load(daemon, tag), wire)
    program = load(daemon, 11)
    check_in("detach one first", daemon.refused("attach", "tc", program, "--iface", wire.name, "--direction", "ingress"),
             "refusal")
    check_equal(wire.trace(), list(range(1, 11)), "programs that a frame passed")
    attach(daemon, program, wire, direction="egress")
    check_equal(trace_out(wire), [11], "the other direction has its own ten")


@test("extensions")
def others_take_it_off(host):
    daemon, wire = host.bpfd(), host.wire()
    programs = [load(daemon, tag) for tag in (1, 2)]
    first = attach(daemon, programs[0], wire)["id"]
    second = attach(daemon, programs[1], wire, direction="egress")["id"]
    tc("filter", "del", "dev", wire.name, "ingress", "pref", "500")
    wait_for(lambda: daemon.link(first)["state"] == "removed", "the link follows its filter")
    check_equal(daemon.link(second)["state"], "attached", "the other direction")
    third = attach(daemon, load(daemon, 3), wire)["id"]
    check_equal(wire.trace(), [3], "what was taken off stays off")
    tc("qdisc", "del", "dev", wire.name, "clsact")
    for link in (second, third):
        wait_for(lambda link=link: daemon.link(link)["state"] == "removed", "the link follows its qdisc")
    daemon.detach(first, second, third)
    attach(daemon, programs[0], wire)
    check_equal(wire.trace(), [1], "attached again")
    wait_for(lambda: len(pins(daemon)) == 1, "left-over pins are collected")


def pins(daemon):
    return [path.name for path in (daemon.bpffs / "bpfd" / "dispatchers").iterdir()]


@test("extensions")
def restart(host):
    daemon, wire = host.bpfd(), host.wire()
    links = [attach(daemon, load(daemon, tag), wire, "--priority", str(100 - tag))["id"] for tag in (1, 2, 3)]
    out = attach(daemon, load(daemon, 4), wire, direction="egress")["id"]
    daemon.stop()
    check_equal((wire.trace(), trace_out(wire)), ([3, 2, 1], [4]), "while bpfd does not run")
    tc("filter", "del", "dev", wire.name, "egress", "pref", "500")
    daemon.start()
    check_equal([daemon.link(link)["position"] for link in links], [2, 1, 0], "positions")
    check_equal(daemon.link(out)["state"], "removed", "what was taken off meanwhile")
    check_equal(len(pins(daemon)), 1, "dispatchers with pins")
    os.kill(daemon.role("broker"), signal.SIGKILL)
    daemon.wait_end()
    check_equal(wire.trace(), [3, 2, 1], "after the broker was killed")
    daemon.start()
    daemon.detach(links[1])
    check_equal(wire.trace(), [3, 1], "after a detach")


@test("extensions")
def interface_gone(host):
    daemon, wire = host.bpfd(), host.wire()
    link = attach(daemon, load(daemon, 1), wire)["id"]
    ip("link", "del", wire.name)
    wait_for(lambda: daemon.link(link)["state"] == "gone", "the link follows its interface")
    wait_for(lambda: not pins(daemon), "its pins are collected")
    daemon.detach(link)
    check_equal(daemon.links(), [], "links")


@test("extensions")
def interface_renamed(host):
    daemon, wire = host.bpfd(), host.wire()
    link = attach(daemon, load(daemon, 1), wire)["id"]
    for command in (("down",), ("name", "other"), ("up",)):
        ip("link", "set", wire.name if command[0] != "up" else "other", *command)
    wait_for(lambda: daemon.link(link)["interface"] == "other", "the link follows its interface's name")
    check_equal(daemon.link(link)["state"], "attached", "state")


@test("extensions")
def beside_xdp(host):
    daemon, wire = host.bpfd(), host.wire()
    daemon.attach(daemon.load_sequence(7), wire.name)
    attach(daemon, load(daemon, 8), wire)
    check_equal(wire.trace(), [7, 8], "XDP runs first")
    check_equal([link["position"] for link in daemon.links()], [0, 0], "each is the first of its chain")


@test()
def bad_input(host):
    daemon, wire = host.bpfd(), host.wire()
    program = load(daemon, 1)
    place = ("--iface", wire.name, "--direction", "ingress")
    for options, reason in (((*place, "--priority", "-1"), "out of range"),
                            (("--iface", "nothing", "--direction", "egress"), "does not exist")):
        message = daemon.refused("attach", "tc", program, *options)
        if "extension programs" not in message:  # said first where the kernel takes none
            check_in(reason, message, "refusal")
    for options, reason in (((), "--iface"), (("--iface", wire.name), "--direction"),
                            (("--iface", wire.name, "--direction", "sideways"), "ingress or egress"),
                            ((*place, "--proceed-on", "pass"), "no action \"pass\""),
                            ((*place, "--mode", "native"), "take no --mode")):
        result = daemon.bpfctl("attach", "tc", program, *options)
        check_equal(result.returncode, 2, f"exit status with {options}")
        check_in(reason, result.stderr, "complaint")
    check_in("of type tc", daemon.refused("attach", "xdp", program, "--iface", wire.name), "refusal of another type")
    check_equal(daemon.links(), [], "links")
