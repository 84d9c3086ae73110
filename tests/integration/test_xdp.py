# SPDX-License-Identifier: MIT OR Apache-2.0
"""Modes, frames in fragments, exclusive attachments, interfaces that go."""
import json
import subprocess

from harness.host import test
from harness.outcome import Fail, check, check_equal, check_in, wait_for

JUMBO = 9000


def xdp_of(interface):
    """What the kernel says is attached: the `xdp` part of `ip -j link`."""
    out = subprocess.run(["ip", "-j", "-d", "link", "show", interface], check=True, capture_output=True, text=True).stdout
    return json.loads(out)[0].get("xdp")


@test("extensions")
def modes(host):
    daemon = host.bpfd()
    for mode, number in (("native", 1), ("generic", 2)):
        wire = host.wire(f"m{number}")
        link = daemon.attach(daemon.load_sequence(number), wire.name, "--mode", mode)
        check_equal(daemon.link(link)["mode"], mode, "mode of the link")
        check_equal(xdp_of(wire.name)["mode"], number, "mode as the kernel says")
        check_equal(wire.trace(), [number], f"frames in {mode} mode")


@test("extensions")
def default_mode_is_native_where_possible(host):
    daemon, wire = host.bpfd(), host.wire()
    link = daemon.attach(daemon.load_sequence(1), wire.name)
    check_equal(daemon.link(link)["mode"], "native", "mode on a veth")


@test("extensions")
def one_mode_per_interface(host):
    daemon, wire = host.bpfd(), host.wire()
    daemon.attach(daemon.load_sequence(1), wire.name, "--mode", "generic")
    message = daemon.refused("attach", "xdp", daemon.load_sequence(2), "--iface", wire.name, "--mode", "native")
    check_in("generic", message, "refusal of another mode")
    daemon.attach(daemon.load_sequence(3), wire.name)
    check_equal(wire.trace(), [1, 3], "the mode that is there is kept")


@test("extensions")
def frags_need_every_program(host):
    daemon, wire = host.bpfd(), host.wire(mtu=JUMBO)
    wire.listen()
    daemon.attach(daemon.load_sequence(1, name="sequence_frags"), wire.name, "--mode", "native")
    daemon.attach(daemon.load_sequence(2, name="sequence_frags"), wire.name)
    check_equal(wire.trace(), [1, 2], "small frames")
    wire.send_test(size=JUMBO)
    check_equal([len(frame) for frame in wire.receive()], [JUMBO], "a big frame")
    daemon.refused("attach", "xdp", daemon.load_sequence(3), "--iface", wire.name)
    check_equal(wire.trace(), [1, 2], "after one without frags was refused")


@test()
def exclusive(host):
    daemon, wire = host.bpfd(), host.wire()
    alone, other = (daemon.load_sequence(tag, options=("--exclusive",)) for tag in (1, 2))
    link = daemon.attach(alone, wire.name, "--exclusive")
    check_equal(wire.trace(), [1], "frames through an exclusive program")
    check_equal(xdp_of(wire.name)["prog"]["id"], daemon.ask("get", "program", alone)["kernel"]["id"],
                "the program itself is attached")
    message = daemon.refused("attach", "xdp", other, "--iface", wire.name, "--exclusive")
    check_in("exclusive", message, "refusal of a second one")
    daemon.detach(link)
    check_equal(xdp_of(wire.name), None, "XDP on the interface after detach")
    check_equal(wire.trace(), [], "frames after detach")


@test("extensions")
def exclusive_and_chain_exclude_each_other(host):
    daemon, wire = host.bpfd(), host.wire()
    alone, member = daemon.load_sequence(1, options=("--exclusive",)), daemon.load_sequence(2)
    daemon.refused("attach", "xdp", alone, "--iface", wire.name)
    daemon.refused("attach", "xdp", member, "--iface", wire.name, "--exclusive")
    link = daemon.attach(member, wire.name)
    daemon.refused("attach", "xdp", alone, "--iface", wire.name, "--exclusive")
    daemon.detach(link)
    daemon.attach(alone, wire.name, "--exclusive")
    daemon.refused("attach", "xdp", member, "--iface", wire.name)
    check_equal(wire.trace(), [1], "frames")


@test()
def where_extensions_are_refused_attach_says_so(host):
    """Never a silent fallback to a plain attachment."""
    daemon, wire = host.bpfd(), host.wire()
    if daemon.features()["extension_programs"]["present"]:
        link = daemon.attach(daemon.load_sequence(1), wire.name)
        check_equal(daemon.link(link)["state"], "attached", "state")
        return
    message = daemon.refused("attach", "xdp", daemon.load_sequence(1), "--iface", wire.name)
    check_in("--exclusive", message, "what to do")
    check_equal(xdp_of(wire.name), None, "XDP on the interface after a refusal")


@test("extensions")
def foreign_plain_program(host):
    daemon, wire = host.bpfd(), host.wire()
    subprocess.run(["ip", "link", "set", wire.name, "xdp", "obj", str(daemon.object("xdp_counter")), "sec", "xdp"], check=True)
    number = xdp_of(wire.name)["prog"]["id"]
    message = daemon.refused("attach", "xdp", daemon.load_sequence(1), "--iface", wire.name)
    check_in(str(number), message, "the foreign program's id")
    check_in("xdp_counter", message, "the foreign program's name")
    check_equal(xdp_of(wire.name)["prog"]["id"], number, "the foreign program is still there")


@test("extensions")
def an_interface_that_goes(host):
    daemon, wire = host.bpfd(), host.wire()
    program = daemon.load_sequence(1)
    link = daemon.attach(program, wire.name)
    wire.remove()
    wait_for(lambda: daemon.link(link)["state"] == "gone", "the link to be marked")
    left = [path for path in (daemon.bpffs / "xdp").rglob("*") if not path.is_dir()]
    check_equal(left, [], "pins of the interface that went")
    daemon.detach(link)
    daemon.unload(program)


@test("extensions")
def somebody_takes_it_off(host):
    daemon, wire = host.bpfd(), host.wire()
    link = daemon.attach(daemon.load_sequence(1), wire.name)
    subprocess.run(["ip", "link", "set", wire.name, "xdp", "off"], check=True)
    wait_for(lambda: daemon.link(link)["state"] == "removed", "the link to be marked")
    second = daemon.attach(daemon.load_sequence(2), wire.name)
    check_equal(wire.trace(), [2], "frames after another attach")
    check_equal(daemon.link(second)["position"], 0, "position of the one that runs")
    try:
        daemon.detach(link)
    except Exception as error:
        raise Fail(f"a removed link cannot be detached: {error}") from error
    check(all(row["id"] != link for row in daemon.links()), "the removed link is still listed")
