# SPDX-License-Identifier: MIT OR Apache-2.0
"""tcx and netkit: native links in order of priority, beside those of others, with real frames."""
import ctypes
import errno
import os
import signal
import socket
import struct
import subprocess
import threading
import time

from harness import bpf, sp
from harness.daemon import Refused
from harness.host import test
from harness.net import ETH_P_TEST, TAGS_MAX, frame_tags, ip
from harness.outcome import SLOWNESS, KernelLacks, check, check_equal, check_in, wait_for
from test_main import pins
from test_restart import KILL_AT, Traffic, timed
from test_tc import trace_out
from test_update import Flood, check_flood

NEXT, PASS, DROP = -1, 0, 2
PROG_LOAD, PROG_ATTACH, PROG_DETACH, LINK_CREATE, LINK_DETACH = 5, 8, 9, 28, 34
TCX_INGRESS, TCX_EGRESS = 46, 47
F_BEFORE, F_AFTER = 8, 16
UPDATES = 30


def release():
    return tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])


def needs(major, minor, what):
    if release() < (major, minor):
        raise KernelLacks(f"{what} needs Linux {major}.{minor}, this is {os.uname().release}")


def load(daemon, tag, verdict=NEXT, kind="tcx"):
    options = ("--global", f"tag=hex:{tag:02x}", "--global", "verdict=hex:" + (verdict & 0xFFFFFFFF).to_bytes(4, "little").hex())
    return daemon.load("tc_sequence", "tc_sequence", kind=kind, options=options)


def attach(daemon, program, wire, *options, direction="ingress", kind="tcx"):
    return daemon.ask("attach", kind, program, "--iface", wire.name, "--direction", direction, *options)


def order(daemon, direction="ingress"):
    """Link ids (None for foreign ones) as bpfd shows them."""
    return [link["id"] for link in daemon.links() if link["position"] is not None and link["direction"] == direction]


class Foreign:
    """A program of somebody else's at a tcx hook: loaded by bpftool, attached by bpf(2), with no bpfd in sight."""

    def __init__(self, host, tag, wire, attach_type=TCX_INGRESS, flags=F_AFTER, link=True):
        self.pin = f"/sys/fs/bpf/foreign-{tag}"
        self.descriptor, self.wire, self.attach_type = self.load(host, tag), wire, attach_type
        if link:
            self.link = bpf.bpf(LINK_CREATE, struct.pack("=IIIIIIQ", self.descriptor, wire.index, attach_type, flags, 0, 0, 0))
        else:
            bpf.bpf(PROG_ATTACH, struct.pack("=IIIIIIQ", wire.index, self.descriptor, attach_type, flags, 0, 0, 0))

    def load(self, host, tag):
        """bpftool cannot set globals: the tag is one of the object's own, 101 (tc_sequence_second) or 1."""
        path = host.build / "tests" / "tcx_sections.bpf.o"
        subprocess.run(["bpftool", "prog", "loadall", str(path), self.pin, "type", "classifier"], check=True, capture_output=True)
        return bpf.object_get(f"{self.pin}/{'tc_sequence' if tag == 1 else 'tc_sequence_second'}")

    def detach(self):
        os.close(self.link)


@test()
def order_by_priority(host):
    needs(6, 6, "tcx")
    daemon, wire = host.bpfd(), host.wire()
    links = {}
    for tag, priority in ((1, 50), (2, 10), (3, 90), (4, 50), (5, 10), (6, 0)):
        link = attach(daemon, load(daemon, tag), wire, "--priority", str(priority))
        links[tag] = link["id"]
    check_equal([link[key] for key in ("type", "interface", "direction", "priority", "position", "proceed_on", "state")],
                ["tcx", "v0", "ingress", 0, 0, [], "attached"], "link")
    expected = [6, 2, 5, 1, 4, 3]
    check_equal(wire.trace(), expected, "programs that a frame passed")
    check_equal(order(daemon), [links[tag] for tag in expected], "order that bpfd shows")
    check_equal(trace_out(wire), [], "programs on the way out")
    daemon.detach(links[5], links[6])
    check_equal(wire.trace(), [2, 1, 4, 3], "after a detach")
    daemon.stop()
    check_equal(wire.trace(), [2, 1, 4, 3], "without bpfd")
    daemon.start()
    check_equal(order(daemon), [links[tag] for tag in (2, 1, 4, 3)], "order after a restart")
    attach(daemon, load(daemon, 7), wire, "--priority", "50")
    check_equal(wire.trace(), [2, 1, 4, 7, 3], "a new one after a restart")
    daemon.unload(*(program["id"] for program in daemon.programs()))
    check_equal((wire.trace(), pins(daemon)), ([], []), "after unload")


@test()
def types_by_section(host):
    needs(6, 7, "netkit")
    daemon = host.bpfd()
    functions = ("comes_in", "goes_out", "leaves_the_primary", "leaves_the_peer")
    options = [word for function in functions for word in ("--program", function)]
    programs = daemon.ask("load", "file", daemon.object("tcx_sections"), *options)
    check_equal([program["type"] for program in programs], ["tcx", "tcx", "netkit", "netkit"], "types")
    check_equal({program["kernel"]["type"] for program in programs}, {"sched_cls"}, "types in the kernel")


@test()
def both_directions(host):
    needs(6, 6, "tcx")
    daemon, wire = host.bpfd(), host.wire()
    program = load(daemon, 3)
    incoming = attach(daemon, program, wire)
    outgoing = attach(daemon, program, wire, direction="egress")
    check_equal((wire.trace(), trace_out(wire)), ([3], [3]), "one program on both")
    check_equal([link["position"] for link in daemon.links()], [0, 0], "positions")
    check_in("already", daemon.refused("attach", "tcx", program, "--iface", wire.name, "--direction", "egress"), "twice")
    daemon.detach(incoming["id"])
    check_equal((wire.trace(), trace_out(wire)), ([], [3]), "after a detach")
    daemon.detach(outgoing["id"])
    check_equal(daemon.ask("status")["interfaces"], 0, "interfaces")


@test()
def verdicts_end_the_order(host):
    needs(6, 6, "tcx")
    daemon, wire = host.bpfd(), host.wire()
    attach(daemon, load(daemon, 1), wire)
    ends = attach(daemon, load(daemon, 2, verdict=PASS), wire)["id"]
    attach(daemon, load(daemon, 3), wire)
    check_equal(wire.trace(), [1, 2], "a frame that is passed on")
    daemon.detach(ends)
    attach(daemon, load(daemon, 4, verdict=DROP), wire, "--priority", "60")
    check_equal(wire.trace(), None, "a frame that is dropped")


@test()
def beside_those_of_others(host):
    """Links and programs of others keep their place; bpfd's own go around them."""
    needs(6, 6, "tcx")
    daemon, wire = host.bpfd(), host.wire()
    foreign = Foreign(host, 101, wire)
    first = attach(daemon, load(daemon, 10), wire, "--priority", "10")["id"]
    check_equal(wire.trace(), [101, 10], "theirs was there first")
    last = Foreign(host, 1, wire, link=False)
    attach(daemon, load(daemon, 30), wire, "--priority", "30")
    check_equal(wire.trace(), [101, 10, 30, 1], "right behind bpfd's own, before what came later")
    attach(daemon, load(daemon, 5), wire, "--priority", "5")
    check_equal(wire.trace(), [101, 5, 10, 30, 1], "right before bpfd's own")
    shown = [(link["id"] is None, link["priority"]) for link in daemon.links()]
    check_equal(shown, [(True, None), (False, 5), (False, 10), (False, 30), (True, None)], "what bpfd shows")
    daemon.detach(first)
    check_equal(wire.trace(), [101, 5, 30, 1], "after a detach")
    foreign.detach()
    wait_for(lambda: len(order(daemon)) == 3, "bpfd to see that somebody else's link went")
    check_equal(wire.trace(), [5, 30, 1], "after their detach")
    bpf.bpf(PROG_DETACH, struct.pack("=IIIIIIQ", wire.index, last.descriptor, TCX_INGRESS, 0, 0, 0, 0))
    check_equal(wire.trace(), [5, 30], "bpfd's own alone")


def bare_program():
    """The descriptor of a program that does nothing but go on: r0 = -1; exit."""
    code = ctypes.create_string_buffer(struct.pack("=BBhi", 0xB7, 0, 0, NEXT) + struct.pack("=BBhi", 0x95, 0, 0, 0), 16)
    license_text = ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack("=IIQQIIQII", 3, 2, ctypes.addressof(code), ctypes.addressof(license_text), 0, 0, 0, 0, 0)
    return bpf.make(PROG_LOAD, attributes)  # 3: sched_cls


def bare_link(wire, program, flags=F_AFTER):
    return bpf.bpf(LINK_CREATE, struct.pack("=IIIIIIQ", program, wire.index, TCX_INGRESS, flags, 0, 0, 0))


@test()
def a_hook_that_is_full(host):
    """The kernel's own bound, whoever holds the places; all of them are shown."""
    needs(6, 6, "tcx")
    daemon, wire = host.bpfd(), host.wire()
    link = attach(daemon, load(daemon, 1), wire)["id"]
    others = []
    try:
        while True:
            others.append(bare_link(wire, bare_program(), F_BEFORE))
    except OSError as error:
        check_equal(error.errno, errno.ERANGE, "why no more fit")
    wait_for(lambda: len(daemon.links()) == len(others) + 1, "bpfd to see those of others")
    check_equal(daemon.link(link)["position"], len(others), "position of bpfd's own")
    message = daemon.refused("attach", "tcx", load(daemon, 2), "--iface", wire.name, "--direction", "ingress")
    check_in("no more programs fit ingress of interface \"v0\"", message, "refusal")
    check_equal(wire.trace(), [1], "frames")
    for descriptor in others:
        os.close(descriptor)
    wait_for(lambda: order(daemon) == [link], "bpfd to see that they are gone")


@test()
def others_at_the_same_time(host):
    """Somebody else attaches and detaches at the hook all the while: bpfd's order holds, and nothing is refused."""
    needs(6, 6, "tcx")
    daemon, wire = host.bpfd(), host.wire()
    programs = [load(daemon, tag) for tag in range(1, 6)]
    bare, stopping, turns = bare_program(), threading.Event(), [0]

    def disturb():
        while not stopping.is_set():
            os.close(bare_link(wire, bare, (F_BEFORE, F_AFTER)[turns[0] % 2]))
            turns[0] += 1

    other = threading.Thread(target=disturb)
    other.start()
    try:
        for _ in range(3):
            links = [attach(daemon, program, wire, "--priority", str(priority))["id"]
                     for program, priority in zip(programs, (30, 10, 50, 20, 40))]
            check_equal(wire.trace(), [2, 4, 1, 5, 3], "order")
            daemon.detach(*links)
    finally:
        stopping.set()
        other.join()
    check(turns[0] > 20, f"the other one came to its turn {turns[0]} times only")
    check_equal(wire.trace(), [], "frames in the end")


@test()
def taken_off_by_somebody_else(host):
    needs(6, 6, "tcx")
    daemon, wire = host.bpfd(), host.wire()
    kept = attach(daemon, load(daemon, 1), wire)["id"]
    link = attach(daemon, load(daemon, 2), wire)["id"]
    descriptor = bpf.object_get(daemon.bpffs / "bpfd" / "links" / str(link))
    bpf.bpf(LINK_DETACH, struct.pack("=I", descriptor))
    os.close(descriptor)
    wait_for(lambda: daemon.link(link)["state"] == "removed", "the link to be marked removed")
    check_equal((wire.trace(), order(daemon)), ([1], [kept]), "what is left")
    check_in("somebody else took it off", daemon.refused("update", link, "--priority", "3"), "refusal of an update")
    daemon.detach(link)
    check_equal([row["id"] for row in daemon.links()], [kept], "links")


@test()
def interfaces_that_go(host):
    needs(6, 6, "tcx")
    daemon, wire, other = host.bpfd(), host.wire(), host.wire("v1")
    program = load(daemon, 1)
    link, kept = (attach(daemon, program, where)["id"] for where in (wire, other))
    wire.remove()
    wait_for(lambda: daemon.link(link)["state"] == "gone", "the link to be marked gone")
    check_equal([path.name for path in (daemon.bpffs / "bpfd" / "links").iterdir()], [str(kept)], "pins of links")
    check_in("is gone", daemon.refused("update", link, "--priority", "3"), "refusal of an update")
    second = attach(daemon, load(daemon, 2), other)["id"]
    daemon.stop()
    other.remove()
    daemon.start()
    check_equal([daemon.link(number)["state"] for number in (kept, second)], ["gone", "gone"], "states after a restart")
    daemon.unload(*(program["id"] for program in daemon.programs()))
    check_equal((daemon.links(), pins(daemon)), ([], []), "what is left")


@test()
def renamed_interfaces(host):
    needs(6, 6, "tcx")
    daemon, wire = host.bpfd(), host.wire()
    link = attach(daemon, load(daemon, 1), wire)["id"]
    ip("link", "set", wire.name, "down")
    ip("link", "set", wire.name, "name", "renamed")
    wait_for(lambda: daemon.link(link)["interface"] == "renamed", "bpfd to see the new name")
    check_equal(daemon.link(link)["state"], "attached", "state")


@test()
def updates_lose_no_frame(host):
    """Every frame passes the old program or the new one, exactly once; each counts what it saw."""
    needs(6, 6, "tcx")
    daemon, wire = host.bpfd(), host.wire()
    programs = {tag: load(daemon, tag) for tag in (1, 2, 3, 9)}
    links = {tag: attach(daemon, programs[tag], wire)["id"] for tag in (1, 2, 3)}
    passing = attach(daemon, load(daemon, 4, verdict=PASS), wire, "--priority", "90")["id"]
    with Traffic(wire) as traffic:
        for number in range(UPDATES):
            daemon.ask("update", links[2], "--program", programs[9 if number % 2 == 0 else 2])
        for _ in range(UPDATES // 3):
            between = attach(daemon, programs[9], wire, "--priority", "60")["id"]
            daemon.detach(between)
    traffic.check_whole([(1, 2, 3, 4), (1, 9, 3, 4), (1, 2, 3, 9, 4)])
    seen = [tuple(frame_tags(frame)) for frame in traffic.received]
    for tag, program in programs.items():
        check_equal(bpf.map_counter(daemon.map_pin(program, "frames")), sum(tag in tags for tags in seen),
                    f"frames counted by program {tag}")
    check(len(set(seen)) > 1, f"only one chain was met: {set(seen)}")
    check_equal(daemon.link(passing)["position"], 3, "position of the last")


@test()
def flood(host):
    """The same with as many frames as go: none is counted twice, or not at all."""
    needs(6, 6, "tcx")
    daemon, wire = host.bpfd(), host.wire()
    programs = {tag: load(daemon, tag) for tag in (1, 2, 3, 9)}
    links = {tag: attach(daemon, programs[tag], wire)["id"] for tag in (1, 2, 3)}
    with Flood(wire):
        for number in range(UPDATES):
            daemon.ask("update", links[2], "--program", programs[9 if number % 2 == 0 else 2])
    check_flood(daemon, [programs[1], programs[3]], [programs[2], programs[9]])


@test()
def updates_in_place(host):
    needs(6, 6, "tcx")
    daemon, wire = host.bpfd(), host.wire()
    links = {tag: attach(daemon, load(daemon, tag), wire, "--priority", str(tag * 10))["id"] for tag in (1, 2, 3)}
    new = load(daemon, 9)
    link = daemon.ask("update", links[2], "--program", new, "--priority", "29")
    check_equal((link["id"], link["program_id"], link["priority"], link["position"]), (links[2], new, 29, 1), "link")
    check_equal(wire.trace(), [1, 9, 3], "frames")
    attach(daemon, load(daemon, 5), wire, "--priority", "25")
    check_equal(wire.trace(), [1, 5, 9, 3], "what comes later goes by the new priority")
    before = daemon.links()
    check_in("is attached there already", daemon.refused("update", links[1], "--program", new), "refusal of a program")
    check_in("of type tc,", daemon.refused("update", links[1], "--program", load(daemon, 1, kind="tc")), "another type")
    check_in("out of range", daemon.refused("update", links[1], "--priority", "-1"), "refusal of a priority")
    result = daemon.bpfctl("update", links[1], "--proceed-on", "ok")
    check_equal(result.returncode, 2, "exit status with proceed-on")
    check_in("is in no chain", result.stderr, "complaint")
    check_equal(daemon.links(), before, "links after refusals")
    daemon.stop()
    daemon.start()
    check_equal(daemon.links(), before, "links after a restart")


@test()
def killed_in_the_middle(host):
    needs(6, 6, "tcx")
    daemon, wire = host.bpfd(), host.wire()
    one, two = load(daemon, 1), load(daemon, 2)
    link = attach(daemon, one, wire)["id"]

    def message(program, request_id=None):
        return sp.request(sp.UPDATE, sp.field(1, link) + sp.field(2, program), request_id=request_id)

    with daemon.client() as client:
        whole_s = timed(client, message(two))
        client.exchange(message(one))
    for part in KILL_AT + (0.5, 0.6, 0.7, 0.8):
        request_id = os.urandom(16)
        with Traffic(wire) as traffic, daemon.client() as client:
            client.send(message(two, request_id))
            time.sleep(part * whole_s)
            os.kill(daemon.role("broker"), signal.SIGKILL)
            check(daemon.wait_end() != 0, "bpfd's exit status")
            daemon.start()
        traffic.check_whole([(1,), (2,)])
        found = daemon.link(link)
        check_equal((found["state"], wire.trace()), ("attached", [1 if found["program_id"] == one else 2]), "what runs")
        with daemon.client() as client:
            client.exchange(message(two, request_id))
            check_equal(wire.trace(), [2], "after the repeat")
            client.exchange(message(one))


@test()
def what_is_refused(host):
    needs(6, 6, "tcx")
    daemon, wire = host.bpfd(), host.wire()
    program = load(daemon, 1)
    for options, reason in ((("--iface", "nothing", "--direction", "ingress"), "\"nothing\" does not exist"),
                            (("--iface", wire.name, "--direction", "egress", "--priority", "1000001"), "out of range"),
                            (("--iface", "a/b", "--direction", "egress"), "interface \"a/b\" is not")):
        check_in(reason, daemon.refused("attach", "tcx", program, *options), f"refusal of {options}")
    for options, reason in ((("--iface", wire.name), "--direction DIRECTION is missing"),
                            (("--iface", wire.name, "--direction", "up"), "no direction \"up\""),
                            (("--iface", wire.name, "--direction", "egress", "--proceed-on", "ok"), "--proceed-on")):
        result = daemon.bpfctl("attach", "tcx", program, *options)
        check_equal(result.returncode, 2, f"exit status with {options}")
        check_in(reason, result.stderr, "complaint")
    check_equal(daemon.links(), [], "links")


def netkit_make(name, peer):
    """A netkit pair in L2 mode; iproute2 of Debian 12 does not know it."""
    def attribute(number, data):
        return struct.pack("=HH", 4 + len(data), number) + data + bytes(-len(data) % 4)

    def message(flags, body):
        return struct.pack("=IHHII", 16 + len(body), 16, flags, 1, 0) + body

    peer_info = struct.pack("=BxHiII", 0, 0, 0, 0, 0) + attribute(3, peer.encode() + b"\0")
    data = attribute(1, peer_info) + attribute(3, struct.pack("=I", 0))  # IFLA_NETKIT_PEER_INFO, IFLA_NETKIT_MODE: L2
    link = attribute(1, b"netkit\0") + attribute(2, data)
    body = struct.pack("=BxHiII", 0, 0, 0, 0, 0) + attribute(3, name.encode() + b"\0") + attribute(18, link)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
        netlink.send(message(0x1 | 0x4 | 0x200 | 0x400, body))  # REQUEST, ACK, EXCL, CREATE
        number = -struct.unpack("=i", netlink.recv(8192)[16:20])[0]
    if number == errno.EOPNOTSUPP:
        raise KernelLacks("this kernel was built without netkit")
    if number:
        raise OSError(number, f"netkit pair: {os.strerror(number)}")


class Netkit:
    """As Wire: frames are sent into `name`p and arrive at `name`."""

    def __init__(self, name="nk0"):
        self.name, self.peer = name, name + "p"
        netkit_make(self.name, self.peer)
        for end in (self.name, self.peer):
            with open(f"/proc/sys/net/ipv6/conf/{end}/disable_ipv6", "w", encoding="ascii") as file:
                file.write("1")
            ip("link", "set", end, "up")

    @staticmethod
    def header():
        return b"\xff" * 6 + b"\x02\x00\x00\x00\x00\x01" + struct.pack(">H", ETH_P_TEST)

    def trace(self, sender_name, receiver_name):
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_TEST)) as receiver, \
                socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
            receiver.bind((receiver_name, ETH_P_TEST))
            sender.bind((sender_name, 0))
            sender.send((self.header() + bytes(5 + TAGS_MAX)).ljust(64, b"\0"))
            receiver.settimeout(0.5 * SLOWNESS)
            try:
                return frame_tags(receiver.recv(65535))
            except TimeoutError:
                return None

    def trace_in(self):
        return self.trace(self.peer, self.name)

    def trace_out(self):
        return self.trace(self.name, self.peer)


@test()
def netkit(host):
    needs(6, 7, "netkit")
    daemon, wire, pair = host.bpfd(), host.wire(), Netkit()
    links = {}
    for tag, priority in ((1, 50), (2, 10), (3, 50)):
        links[tag] = attach(daemon, load(daemon, tag, kind="netkit"), pair, "--priority", str(priority), kind="netkit")["id"]
    out = attach(daemon, load(daemon, 4, kind="netkit"), pair, kind="netkit", direction="egress")
    check_equal((out["type"], out["direction"], out["position"]), ("netkit", "egress", 0), "link")
    check_equal((pair.trace_in(), pair.trace_out()), ([2, 1, 3], [4]), "frames")
    new = load(daemon, 9, kind="netkit")
    daemon.ask("update", links[1], "--program", new)
    check_equal(pair.trace_in(), [2, 9, 3], "frames after an update")
    daemon.ask("update", links[1], "--priority", "1")
    check_equal(pair.trace_in(), [9, 2, 3], "frames after a move")
    daemon.ask("update", links[1], "--priority", "60", "--program", load(daemon, 8, kind="netkit"))
    check_equal(pair.trace_in(), [2, 3, 8], "frames after a move with another program")
    daemon.stop()
    daemon.start()
    check_equal([link["state"] for link in daemon.links()], ["attached"] * 4, "states after a restart")
    for name, reason in ((wire.name, "is no netkit device"), (pair.peer, "is the peer end of a netkit pair")):
        check_in(reason, daemon.refused("attach", "netkit", new, "--iface", name, "--direction", "ingress"), "refusal")
    daemon.detach(links[2])
    check_equal(pair.trace_in(), [3, 8], "frames after a detach")
    ip("link", "del", pair.name)
    wait_for(lambda: daemon.link(out["id"])["state"] == "gone", "the links to be marked gone")
    daemon.unload(*(program["id"] for program in daemon.programs()))
    check_equal(pins(daemon), [], "pins")


@test()
def where_the_kernel_has_none(host):
    """Refused with the version that it needs, be it at load or at attach."""
    daemon, wire = host.bpfd(), host.wire()
    missing = [(kind, since) for kind, since in (("tcx", (6, 6)), ("netkit", (6, 7))) if release() < since]
    if not missing:
        raise KernelLacks("this kernel has both, there is nothing to refuse")
    for kind, since in missing:
        try:
            program = load(daemon, 1, kind=kind)
            message = daemon.refused("attach", kind, program, "--iface", wire.name, "--direction", "ingress")
        except Refused as error:
            message = error.stderr
        check_in(f"need Linux {since[0]}.{since[1]}", message.replace("needs", "need"), f"refusal of {kind}")
    check_equal((daemon.links(), wire.trace()), ([], []), "links and frames")
