# SPDX-License-Identifier: MIT OR Apache-2.0
"""Beside Debian's xdp-loader on the same interface, both ways round."""
import re
import subprocess

from harness.host import test
from harness.outcome import SLOWNESS, Fail, check, check_equal, check_in, wait_for

FOREIGN_TAG = 101  # sequence_second of an object loaded with its default tag


def xdp_loader(*arguments, fails=False):
    result = subprocess.run(["xdp-loader", *map(str, arguments)], capture_output=True, text=True, check=False,
                            timeout=60 * SLOWNESS)
    check((result.returncode != 0) == fails,
          f"xdp-loader {' '.join(map(str, arguments))} ended with {result.returncode}: {result.stderr}")
    return result.stdout


def status_rows(interface):
    """Programs in order as xdp-loader sees them: (priority, name, kernel id)."""
    rows = re.findall(r"(?m)^ => +(\d+) +(\S+) +(\d+)", xdp_loader("status", interface))
    return [(int(priority), name, int(number)) for priority, name, number in rows]


def foreign_load(daemon, wire, priority, *options):
    xdp_loader("load", "-m", "native", "-n", "sequence_second", "-P", priority, *options, wire.name, daemon.object("sequence"))
    return next(number for _, name, number in status_rows(wire.name) if name == "sequence_second")


def kernel_id(daemon, program):
    return daemon.ask("get", "program", program)["kernel"]["id"]


def view_wait(daemon, expected):
    """bpfd hears of what others do from the kernel, a moment later."""
    try:
        wait_for(lambda: view(daemon) == expected, "bpfd's view to follow")
    except Fail:
        check_equal(view(daemon), expected, "bpfd's view")


def view(daemon):
    """bpfd's view: (link id, position, priority) in order."""
    return [(link["id"], link["position"], link["priority"]) for link in daemon.links() if link["position"] is not None]


@test("extensions")
def xdp_loader_sees_bpfd(host):
    daemon, wire = host.bpfd(), host.wire()
    programs = [daemon.load_sequence(tag) for tag in (1, 2)]
    daemon.attach(programs[0], wire.name, "--priority", 30)
    check_equal(status_rows(wire.name), [(30, "sequence", kernel_id(daemon, programs[0]))], "one program")
    daemon.attach(programs[1], wire.name, "--priority", 20, "--proceed-on", "pass,drop")
    check_equal(status_rows(wire.name), [(20, "sequence", kernel_id(daemon, programs[1])),
                                         (30, "sequence", kernel_id(daemon, programs[0]))], "two programs")
    check_in("XDP_DROP", xdp_loader("status", wire.name), "proceed-on as xdp-loader sees it")


@test("extensions")
def xdp_loader_adds_between_and_removes(host):
    daemon, wire = host.bpfd(), host.wire()
    first = daemon.attach(daemon.load_sequence(1), wire.name, "--priority", 10)
    second = daemon.attach(daemon.load_sequence(2), wire.name, "--priority", 30)
    foreign = foreign_load(daemon, wire, 20)
    check_equal(wire.trace(), [1, FOREIGN_TAG, 2], "frames with xdp-loader's program between")
    view_wait(daemon, [(first, 0, 10), (None, 1, 20), (second, 2, 30)])
    # and bpfd goes on from there
    third = daemon.attach(daemon.load_sequence(3), wire.name, "--priority", 25)
    check_equal(wire.trace(), [1, FOREIGN_TAG, 3, 2], "frames after bpfd added another")
    check_equal([number for _, _, number in status_rows(wire.name)][1], foreign, "the foreign program's place")
    xdp_loader("unload", wire.name, "-i", foreign)
    check_equal(wire.trace(), [1, 3, 2], "frames after xdp-loader removed its own")
    view_wait(daemon, [(first, 0, 10), (third, 1, 25), (second, 2, 30)])
    daemon.detach(first, second, third)
    check_equal(wire.trace(), [], "frames after detach")


@test("extensions")
def xdp_loader_removes_bpfds(host):
    daemon, wire = host.bpfd(), host.wire()
    programs = [daemon.load_sequence(tag) for tag in (1, 2, 3)]
    links = [daemon.attach(program, wire.name) for program in programs]
    xdp_loader("unload", wire.name, "-i", kernel_id(daemon, programs[1]))
    check_equal(wire.trace(), [1, 3], "frames after xdp-loader removed the one in the middle")
    wait_for(lambda: daemon.link(links[1])["state"] == "removed", "the link to be marked")
    daemon.detach(links[0])
    check_equal(wire.trace(), [3], "a rebuild does not bring back what was removed")
    xdp_loader("unload", wire.name, "--all")
    wait_for(lambda: daemon.link(links[2])["state"] == "removed", "the last link to be marked")
    check_equal(wire.trace(), [], "frames after xdp-loader removed all")


@test("extensions")
def bpfd_joins_xdp_loader(host):
    daemon, wire = host.bpfd(), host.wire()
    foreign_load(daemon, wire, 20)
    check_equal(wire.trace(), [FOREIGN_TAG], "frames through xdp-loader's program")
    first = daemon.attach(daemon.load_sequence(1), wire.name, "--priority", 10)
    second = daemon.attach(daemon.load_sequence(2), wire.name, "--priority", 30)
    check_equal(wire.trace(), [1, FOREIGN_TAG, 2], "frames through both")
    check_equal(view(daemon), [(first, 0, 10), (None, 1, 20), (second, 2, 30)], "bpfd's view")
    row = next(link for link in daemon.links() if link["id"] is None)
    check_equal((row["program_id"], row["program_name"]), (None, "sequence_second"), "the foreign program as listed")
    daemon.detach(first, second)
    check_equal(wire.trace(), [FOREIGN_TAG], "frames after bpfd left: xdp-loader's program stays")
    check_equal(len(status_rows(wire.name)), 1, "programs that xdp-loader sees")
    xdp_loader("unload", wire.name, "--all")


@test("extensions")
def bpfd_joins_after_a_restart(host):
    daemon, wire = host.bpfd(), host.wire()
    link = daemon.attach(daemon.load_sequence(1), wire.name, "--priority", 10)
    daemon.stop()
    foreign = foreign_load(daemon, wire, 5)
    daemon.start()
    check_equal(view(daemon), [(None, 0, 5), (link, 1, 10)], "what xdp-loader did meanwhile is seen")
    second = daemon.attach(daemon.load_sequence(2), wire.name, "--priority", 7)
    check_equal(wire.trace(), [FOREIGN_TAG, 2, 1], "frames")
    daemon.stop()
    xdp_loader("unload", wire.name, "-i", foreign)
    daemon.start()
    check_equal(view(daemon), [(second, 0, 7), (link, 1, 10)], "and again")


@test("extensions")
def eleven_with_foreign_ones(host):
    daemon, wire = host.bpfd(), host.wire()
    foreign_load(daemon, wire, 5)
    for tag in range(1, 10):
        daemon.attach(daemon.load_sequence(tag), wire.name)
    daemon.refused("attach", "xdp", daemon.load_sequence(10), "--iface", wire.name)
    check_equal(wire.trace(), [FOREIGN_TAG, *range(1, 10)], "ten programs, one of them foreign")


@test("extensions")
def at_the_same_time(host):
    """bpfd's rebuilds and xdp-loader's, one against the other: whoever loses tries again or says so; nothing is lost."""
    daemon, wire = host.bpfd(), host.wire()
    fixed = daemon.attach(daemon.load_sequence(1), wire.name, "--priority", 1)
    program = daemon.load_sequence(2)
    loader = subprocess.Popen(
        ["sh", "-c", f"for i in 1 2 3 4; do xdp-loader load -n sequence_second -P 20 {wire.name} {daemon.object('sequence')}; done"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while loader.poll() is None:
        link = daemon.bpfctl("-o", "json", "attach", "xdp", program, "--iface", wire.name, "--priority", "10")
        if link.returncode == 0:
            for row in daemon.links():
                if row["program_id"] == program:
                    daemon.bpfctl("detach", row["id"])
    tags = wire.trace()
    check(tags and tags[0] == 1, f"bpfd's fixed program is gone: {tags}")
    check_equal(daemon.link(fixed)["state"], "attached", "state of the fixed link")
    rows = status_rows(wire.name)
    wait_for(lambda: len(view(daemon)) == len(rows), "bpfd's view to have as many programs as xdp-loader's")
