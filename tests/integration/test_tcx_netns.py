# SPDX-License-Identifier: MIT OR Apache-2.0
"""tcx and netkit in other network namespaces: where they run, and how they and their interfaces vanish and come back."""
import contextlib
import os
import struct
import subprocess

from harness import bpf
from harness.host import test
from harness.net import ip
from harness.outcome import check, check_equal, check_in, wait_for
from test_netns import LOOK_S, inside, interfaces, state_is
from test_restart import Traffic
from test_tcx import LINK_DETACH, Netkit, bare_program, load, needs, order

LINK_CREATE, TCX_INGRESS, F_AFTER = 28, 46, 16


def attach(daemon, program, wire, *options, direction="ingress", kind="tcx"):
    return daemon.ask("attach", kind, program, "--iface", wire.name, "--direction", direction, "--netns", wire.netns.path, *options)


def link_pins(daemon):
    return sorted(path.name for path in (daemon.bpffs / "bpfd" / "links").iterdir())


@test()
def order_by_priority(host):
    needs(6, 6, "tcx")
    netns, daemon = host.netns(), host.bpfd()
    wire, here = host.wire(netns=netns), host.wire("v1", index=None)
    links = {}
    for tag, priority in ((1, 50), (2, 10), (3, 90), (4, 50)):
        link = attach(daemon, load(daemon, tag), wire, "--priority", str(priority))
        links[tag] = link["id"]
    check_equal([link[key] for key in ("type", "interface", "netns", "netns_id", "ifindex", "position", "state")],
                ["tcx", "v0", netns.path, netns.number(), wire.index, 2, "attached"], "link")
    check_equal((wire.trace(), here.trace()), ([2, 1, 4, 3], []), "programs that a frame passed")
    daemon.detach(links[1])
    check_equal(wire.trace(), [2, 4, 3], "after a detach")
    daemon.stop()
    check_equal(wire.trace(), [2, 4, 3], "without bpfd")
    daemon.start()
    check_equal(order(daemon), [links[tag] for tag in (2, 4, 3)], "order after a restart")
    attach(daemon, load(daemon, 5), wire, "--priority", "60")
    check_equal(wire.trace(), [2, 4, 5, 3], "a new one after a restart")
    daemon.unload(*(program["id"] for program in daemon.programs()))
    check_equal((wire.trace(), link_pins(daemon)), ([], []), "after unload")


@test()
def updates(host):
    """Another program, another place, both: in place, and no frame is lost."""
    needs(6, 6, "tcx")
    netns, daemon = host.netns(), host.bpfd()
    wire = host.wire(netns=netns)
    links = {tag: attach(daemon, load(daemon, tag), wire, "--priority", str(tag * 10))["id"] for tag in (1, 2, 3)}
    new = load(daemon, 9)
    with Traffic(wire) as traffic:
        daemon.ask("update", links[2], "--program", new)
        for priority in (5, 40, 25):
            daemon.ask("update", links[2], "--priority", str(priority))
    traffic.check_whole([(1, 2, 3), (1, 9, 3), (9, 1, 3), (1, 3, 9)])
    check_equal(wire.trace(), [1, 9, 3], "frames")
    daemon.ask("update", links[2], "--priority", "90", "--program", load(daemon, 8))
    check_equal(wire.trace(), [1, 3, 8], "frames after both")
    check_equal(link_pins(daemon), sorted(map(str, links.values())), "pins")


@test()
def same_number_here_and_there(host):
    needs(6, 6, "tcx")
    netns, daemon = host.netns(), host.bpfd()
    there, here = host.wire("v0", netns=netns, index=77), host.wire("v1", index=77)
    check_equal((there.index, here.index), (77, 77), "indexes")
    program = load(daemon, 3)
    outside = daemon.ask("attach", "tcx", program, "--iface", "v1", "--direction", "ingress")["id"]
    link = attach(daemon, program, there)["id"]
    check_in("already", daemon.refused("attach", "tcx", program, "--iface", "v0", "--direction", "ingress", "--netns", netns.path),
             "the same a second time")
    check_equal([row["position"] for row in daemon.links()], [0, 0], "positions")
    daemon.detach(outside)
    check_equal((here.trace(), there.trace()), ([], [3]), "frames")
    here.remove()
    daemon.stop()
    daemon.start()
    check_equal(daemon.link(link)["state"], "attached", "the other link")


@test()
def namespace_deleted(host):
    """bpfd keeps no namespace alive, a pinned link does not either, and bpfd notices that it is gone."""
    needs(6, 6, "tcx")
    netns, daemon = host.netns(), host.bpfd()
    wire = host.wire(netns=netns)
    links = [attach(daemon, load(daemon, tag), wire)["id"] for tag in (1, 2)]
    wire.close()
    netns.remove()
    wait_for(lambda: wire.peer not in interfaces(), "the namespace to be freed", 2)
    for link in links:
        state_is(daemon, link, "gone")
    check_equal(link_pins(daemon), [], "pins")
    check_in("its place is gone", daemon.refused("update", links[0], "--priority", "3"), "an update")
    daemon.detach(*links)
    check_equal(daemon.links(), [], "links")


@test()
def refused_at_once_where_it_is_gone(host):
    """Before bpfd has looked: what is asked about such a link is refused, or done."""
    needs(6, 6, "tcx")
    netns, daemon = host.netns(), host.bpfd()
    wire = host.wire(netns=netns)
    links = [attach(daemon, load(daemon, tag), wire, "--priority", str(tag))["id"] for tag in (1, 2)]
    wire.close()
    netns.remove()
    wait_for(lambda: wire.peer not in interfaces(), "the namespace to be freed", 2)
    check_in("gone", daemon.refused("update", links[0], "--priority", "90"), "refusal of a move")
    daemon.detach(*links)
    check_equal((daemon.links(), link_pins(daemon)), ([], []), "what is left")


@test()
def interface_deleted_and_made_again(host):
    needs(6, 6, "tcx")
    netns, daemon = host.netns(), host.bpfd()
    wires = [host.wire("v0", netns=netns), host.wire("v1", netns=netns)]
    program = load(daemon, 8)
    links = [attach(daemon, program, wires[0], "--follow")["id"], attach(daemon, program, wires[1])["id"]]
    for wire in wires:
        wire.remove()
    for link in links:
        state_is(daemon, link, "gone")
    check_equal(link_pins(daemon), [], "pins")
    wires = [host.wire("v0", netns=netns), host.wire("v1", netns=netns)]
    state_is(daemon, links[0], "attached")
    check_equal((wires[0].trace(), wires[1].trace()), ([8], []), "frames")
    check_equal(daemon.link(links[1])["state"], "gone", "the link that does not follow")
    ip("-n", "blue", "link", "set", "v0", "down")
    ip("-n", "blue", "link", "set", "v0", "name", "v9")
    wait_for(lambda: daemon.link(links[0])["interface"] == "v9", "the new name", LOOK_S)
    check_equal(daemon.link(links[0])["state"], "attached", "the renamed link")


@test()
def gone_while_bpfd_is_not_running(host):
    needs(6, 6, "tcx")
    netns, daemon = host.netns(), host.bpfd()
    wire, other = host.wire(netns=netns), host.wire("v1", netns=netns)
    program = load(daemon, 1)
    links = [attach(daemon, program, where)["id"] for where in (wire, other)]
    daemon.stop()
    wire.remove()
    daemon.start()
    check_equal([daemon.link(link)["state"] for link in links], ["gone", "attached"], "links without one of the interfaces")
    daemon.stop()
    other.close()
    netns.remove()
    daemon.start()
    check_equal([daemon.link(link)["state"] for link in links], ["gone", "gone"], "links without the namespace")
    check_equal(link_pins(daemon), [], "pins")


@test()
def what_others_do(host):
    """Links of others in the namespace are seen, and so is that one of bpfd's was taken off."""
    needs(6, 6, "tcx")
    netns, daemon = host.netns(), host.bpfd()
    wire = host.wire(netns=netns)
    links = [attach(daemon, load(daemon, tag), wire, "--priority", str(tag))["id"] for tag in (1, 2)]
    with netns.entered():
        foreign = bpf.bpf(LINK_CREATE, struct.pack("=IIIIIIQ", bare_program(), wire.index, TCX_INGRESS, F_AFTER, 0, 0, 0))
    wait_for(lambda: order(daemon) == [*links, None], "bpfd to see somebody else's link", LOOK_S)
    check_equal([link["position"] for link in daemon.links()], [0, 1, 2], "positions")
    descriptor = bpf.object_get(daemon.bpffs / "bpfd" / "links" / str(links[0]))
    bpf.bpf(LINK_DETACH, struct.pack("=I", descriptor))
    os.close(descriptor)
    state_is(daemon, links[0], "removed")
    wait_for(lambda: order(daemon) == [links[1], None], "bpfd to tell the new order", LOOK_S)
    check_equal(link_pins(daemon), [str(links[1])], "pins")
    os.close(foreign)
    wait_for(lambda: order(daemon) == [links[1]], "bpfd to see that the other one went", LOOK_S)
    check_equal(wire.trace(), [2], "frames")


@test()
def netkit(host):
    needs(6, 7, "netkit")
    netns, daemon = host.netns(), host.bpfd()
    with netns.entered():
        pair = Netkit()
    pair.netns = netns
    links = {tag: attach(daemon, load(daemon, tag, kind="netkit"), pair, "--priority", str(tag), kind="netkit")["id"]
             for tag in (1, 2)}
    with netns.entered():
        check_equal(pair.trace_in(), [1, 2], "frames")
    daemon.ask("update", links[1], "--priority", "9")
    with netns.entered():
        check_equal(pair.trace_in(), [2, 1], "frames after a move")
    check_in("is the peer end", daemon.refused("attach", "netkit", load(daemon, 3, kind="netkit"), "--iface", pair.peer, "--direction",
                                               "ingress", "--netns", netns.path), "refusal")
    netns.remove()
    for link in links.values():
        state_is(daemon, link, "gone")
    check_equal(link_pins(daemon), [], "pins")


@test()
def bad_input(host):
    needs(6, 6, "tcx")
    netns, daemon = host.netns(), host.bpfd()
    wire = host.wire(netns=netns)
    program = load(daemon, 1)
    for path, interface, reason in (
            ("/run/netns/missing", "v0", "there is no network namespace"), ("/run/netns", "v0", "no file of a network namespace"),
            ("/proc/1/ns/mnt", "v0", "may not open"), ("blue", "v0", "absolute path"),
            (netns.path, wire.peer, "does not exist in network namespace"), (netns.path, "none", "does not exist in network namespace")):
        check_in(reason, daemon.refused("attach", "tcx", program, "--iface", interface, "--direction", "ingress", "--netns", path),
                 f"refusal of {path} {interface}")
    check_equal((daemon.links(), link_pins(daemon)), ([], []), "what is left")


@test()
def without_the_opener(host):
    """Nothing is attached; what was attached before is left alone, and can be detached."""
    needs(6, 6, "tcx")
    netns, daemon = host.netns(), host.bpfd()
    wire = host.wire(netns=netns)
    program = load(daemon, 1)
    link = attach(daemon, program, wire)["id"]
    daemon.stop()
    daemon.configure(features={"opener": "no"})
    daemon.start()
    check_equal((daemon.link(link)["state"], wire.trace()), ("attached", [1]), "what was attached")
    check_in("needs bpfd's opener", daemon.refused("attach", "tcx", load(daemon, 2), "--iface", "v0", "--direction", "ingress",
                                                   "--netns", netns.path), "refusal")
    check_in("opener", daemon.refused("update", link, "--priority", "3"), "refusal of an update")
    daemon.detach(link)
    check_equal((wire.trace(), daemon.links()), ([], []), "after a detach")


@test()
def full_hook(host):
    needs(6, 6, "tcx")
    netns, daemon = host.netns(), host.bpfd()
    wire = host.wire(netns=netns)
    links = [attach(daemon, load(daemon, tag), wire, "--priority", str(tag))["id"] for tag in (1, 2)]
    others = []
    with netns.entered(), contextlib.suppress(OSError):
        while len(others) < 100:
            others.append(bpf.bpf(LINK_CREATE, struct.pack("=IIIIIIQ", bare_program(), wire.index, TCX_INGRESS, F_AFTER, 0, 0, 0)))
    check(len(others) < 64, f"{len(others)} more programs fit")
    check_in("no more programs fit ingress of interface \"v0\"", daemon.refused("update", links[0], "--priority", "9"), "a move")
    check_equal((wire.trace(), len(link_pins(daemon))), ([1, 2], 2), "what is left")
    for descriptor in others:
        os.close(descriptor)
    daemon.ask("update", links[0], "--priority", "9")
    check_equal(wire.trace(), [2, 1], "frames after a move")


@test()
def attached_by_a_process_inside(host):
    """With `containers = yes` a process names its namespace."""
    needs(6, 6, "tcx")
    netns, daemon = host.netns(), host.bpfd(features={"containers": "yes"})
    wire = host.wire(netns=netns)
    with subprocess.Popen(["nsenter", f"--net={netns.path}", "sleep", "1000"]) as sleeper:
        wait_for(lambda: os.stat(f"/proc/{sleeper.pid}/ns/net").st_ino == netns.number(), "the process to be there")
        link = daemon.ask("attach", "tcx", load(daemon, 6), "--iface", "v0", "--direction", "ingress",
                          "--netns", f"/proc/{sleeper.pid}/ns/net")["id"]
        check_equal(wire.trace(), [6], "frames")
        sleeper.kill()
        sleeper.wait()
    state_is(daemon, link, "gone")
    check(inside(netns, "ip", "link", "show", "v0"), "the interface is still there")
    wait_for(lambda: not link_pins(daemon), "the pin to be removed", LOOK_S)
    check_equal(wire.trace(), [], "frames without the pin")
