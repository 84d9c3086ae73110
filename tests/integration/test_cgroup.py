# SPDX-License-Identifier: MIT OR Apache-2.0
"""Programs of control groups: each type by its section, in order, and when the group goes."""
import errno
import pathlib
import socket
import struct
import subprocess

from harness import bpf, sp
from harness.host import test
from harness.outcome import check, check_equal, check_in, wait_for


def tcp(family, address):
    """A connection to a listener of this process, asked for both its ends' addresses, and a byte through it."""
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.bind((address, 0))
        listener.listen()
        with socket.socket(family, socket.SOCK_STREAM) as client:
            client.connect(listener.getsockname()[:2])
            with listener.accept()[0] as server:
                client.getpeername()
                server.send(b"x")
                client.recv(1)


def udp(family, address):
    with socket.socket(family, socket.SOCK_DGRAM) as receiver, socket.socket(family, socket.SOCK_DGRAM) as sender:
        receiver.bind((address, 0))
        sender.sendto(b"x", receiver.getsockname()[:2])
        receiver.recvfrom(10)


def options():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def work():
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        tcp(family, address)
        udp(family, address)
    options()
    pathlib.Path("/proc/sys/net/ipv4/ip_forward").read_text(encoding="ascii")
    with open("/dev/zero", "rb"):
        pass


def connect():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.connect(("127.0.0.1", 9))


def connect_refused():
    try:
        connect()
    except OSError as error:
        check_equal(error.errno, errno.EPERM, "why connect failed")
        return
    raise AssertionError("connect was allowed")


# function: its slot in the map and its type, by its section
CONNECT4 = 48  # the type's number in the protocol
COUNTERS = {
    "skb_in": (0, "cgroup_skb_ingress"), "skb_out": (1, "cgroup_skb_egress"),
    "sock_made": (2, "cgroup_sock_create"), "sock_ended": (3, "cgroup_sock_release"),
    "bound4": (4, "cgroup_post_bind4"), "bound6": (5, "cgroup_post_bind6"),
    "bind4": (6, "cgroup_bind4"), "bind6": (7, "cgroup_bind6"),
    "connect4": (8, "cgroup_connect4"), "connect6": (9, "cgroup_connect6"),
    "sendmsg4": (10, "cgroup_sendmsg4"), "sendmsg6": (11, "cgroup_sendmsg6"),
    "recvmsg4": (12, "cgroup_recvmsg4"), "recvmsg6": (13, "cgroup_recvmsg6"),
    "getpeername4": (14, "cgroup_getpeername4"), "getpeername6": (15, "cgroup_getpeername6"),
    "getsockname4": (16, "cgroup_getsockname4"), "getsockname6": (17, "cgroup_getsockname6"),
    "option_read": (18, "cgroup_getsockopt"), "option_set": (19, "cgroup_setsockopt"),
    "sysctl": (20, "cgroup_sysctl"), "device": (21, "cgroup_dev"), "operation": (22, "sockops"),
}


def load_functions(daemon, *words):
    options_of = [word for name in words for word in ("--program", name)]
    return {row["name"]: row for row in daemon.ask("load", "file", daemon.object("cgroup"), *options_of)}


def calls(daemon, program, slot):
    return bpf.map_counter(daemon.map_pin(program, "calls"), slot)


def trace(daemon, program, group):
    """Which of one ... four ran at a connect, in order."""
    pin = daemon.map_pin(program, "trace")
    bpf.map_update(pin, 0, bytes(8))
    group.run(connect)
    return str(struct.unpack("=Q", bpf.map_lookup(pin))[0])


def attach(daemon, group, program, *options_of, kind="cgroup_connect4"):
    return daemon.ask("attach", kind, program, "--target", group.path, *options_of)["id"]


@test()
def every_type_by_section(host):
    daemon, group = host.bpfd(), host.cgroup()
    programs = load_functions(daemon, *COUNTERS)
    some = programs["skb_in"]["id"]
    check_equal({name: row["type"] for name, row in programs.items()},
                {name: kind for name, (_, kind) in COUNTERS.items()}, "types by the sections")
    links = [daemon.ask("attach", kind, programs[name]["id"], "--target", group.path)
             for name, (_, kind) in COUNTERS.items()]
    check_equal({(link["state"], link["target"], link["priority"]) for link in links},
                {("attached", str(group.path), 50)}, "links")
    group.run(work)
    counts = {name: calls(daemon, some, slot) for name, (slot, _) in COUNTERS.items()}
    check_equal([name for name, number in counts.items() if number == 0], [], "programs that did not run")
    daemon.detach(*[link["id"] for link in links])
    before = [calls(daemon, some, slot) for slot in range(23)]
    group.run(work)
    check_equal([calls(daemon, some, slot) for slot in range(23)], before, "calls after the detach")


@test()
def direction_in_the_request(host):
    daemon, group = host.bpfd(), host.cgroup()
    program = load_functions(daemon, "cgroup_skb_egress:any_skb")["any_skb"]["id"]
    attach(daemon, group, program, kind="cgroup_skb_egress")
    group.run(work)
    check(calls(daemon, program, 23) > 0, "it did not run")
    check_in("says no type", daemon.refused("load", "file", daemon.object("cgroup"), "--program", "any_skb"), "refusal")


@test()
def refusal_has_its_effect(host):
    daemon, group, other = host.bpfd(), host.cgroup(), host.cgroup("other")
    link = attach(daemon, group, load_functions(daemon, "refuse")["refuse"]["id"])
    group.run(connect_refused)
    other.run(connect)
    daemon.detach(link)
    group.run(connect)


@test()
def order_by_priority(host):
    daemon, group = host.bpfd(), host.cgroup()
    ids = {name: row["id"] for name, row in load_functions(daemon, "one", "two", "three", "four").items()}
    attach(daemon, group, ids["four"], "--priority", "70")
    attach(daemon, group, ids["two"])
    check_equal(trace(daemon, ids["one"], group), "24", "order of two")
    first = attach(daemon, group, ids["one"], "--priority", "-5")
    check_equal(trace(daemon, ids["one"], group), "124", "order of three")
    tie = attach(daemon, group, ids["three"])
    check_equal(trace(daemon, ids["one"], group), "1234", "order of four, two of them with the same priority")
    daemon.detach(first)
    attach(daemon, group, ids["one"], "--priority", "60")
    check_equal(trace(daemon, ids["one"], group), "2314", "order after one moved")
    daemon.stop()
    check_equal(trace(daemon, ids["one"], group), "2314", "order without bpfd")
    daemon.start()
    daemon.detach(tie)
    attach(daemon, group, ids["three"], "--priority", "0")
    check_equal(trace(daemon, ids["one"], group), "3214", "order after a restart")
    check_equal({link["state"] for link in daemon.links()}, {"attached"}, "states")
    daemon.unload(*ids.values())
    check_equal(daemon.links(), [], "links")


@test()
def update_in_place(host):
    daemon, group = host.bpfd(), host.cgroup()
    ids = {name: row["id"] for name, row in load_functions(daemon, "one", "two", "three", "four").items()}
    first, second = attach(daemon, group, ids["one"], "--priority", "10"), attach(daemon, group, ids["two"], "--priority", "20")
    third = attach(daemon, group, ids["three"], "--priority", "30")
    daemon.ask("update", first, "--priority", "25")
    check_equal(trace(daemon, ids["one"], group), "213", "order after a new priority")
    daemon.ask("update", third, "--priority", "5")
    check_equal(trace(daemon, ids["one"], group), "321", "order after another")
    daemon.ask("update", second, "--program", ids["four"])
    check_equal(trace(daemon, ids["one"], group), "341", "order after a new program")
    daemon.ask("update", third, "--program", ids["two"], "--priority", "22")
    check_equal(trace(daemon, ids["one"], group), "421", "order after both")
    daemon.stop()
    daemon.start()
    check_equal(sorted((link["priority"], link["program_id"], link["state"]) for link in daemon.links()),
                [(20, ids["four"], "attached"), (22, ids["two"], "attached"), (25, ids["one"], "attached")], "links")
    check_equal(trace(daemon, ids["one"], group), "421", "order after a restart")


def bpftool(*words):
    subprocess.run(["bpftool", "cgroup", *map(str, words)], check=True)


@test()
def beside_others(host):
    daemon, group = host.bpfd(), host.cgroup()
    ids = {name: row["id"] for name, row in load_functions(daemon, "one", "two", "three").items()}
    pin = daemon.bpffs / "bpfd" / "programs" / str(ids["one"])
    bpftool("attach", group.path, "connect4", "pinned", pin, "multi")
    second = attach(daemon, group, ids["two"])
    attach(daemon, group, ids["three"], "--priority", "5")
    check_equal(trace(daemon, ids["one"], group), "132", "order beside somebody else's, which was first")
    daemon.detach(second)
    check_equal(trace(daemon, ids["one"], group), "13", "order after a detach")
    daemon.unload(ids["two"], ids["three"])
    check_equal(trace(daemon, ids["one"], group), "1", "what somebody else attached")
    bpftool("detach", group.path, "connect4", "pinned", pin)


@test()
def others_that_allow_none(host):
    daemon, group = host.bpfd(), host.cgroup()
    ids = {name: row["id"] for name, row in load_functions(daemon, "one", "two").items()}
    pin = daemon.bpffs / "bpfd" / "programs" / str(ids["one"])
    bpftool("attach", group.path, "connect4", "pinned", pin)
    check_in("in a way that allows no others", daemon.refused(
        "attach", "cgroup_connect4", ids["two"], "--target", group.path), "refusal")
    check_equal(trace(daemon, ids["one"], group), "1", "what runs")
    bpftool("detach", group.path, "connect4", "pinned", pin)
    attach(daemon, group, ids["two"])
    check_equal(trace(daemon, ids["one"], group), "2", "what runs afterwards")


@test()
def as_many_as_fit(host):
    """The kernel takes 64 of a type; before Linux 6.17 the one in front needs room to move the others behind it."""
    daemon, group = host.bpfd(), host.cgroup()
    with daemon.client() as client:
        data = daemon.object("cgroup").read_bytes()
        programs = [client.load(data, CONNECT4, "one") for _ in range(65)]
        # 60 in order, three that all others move behind, and one at the end
        for program, priority in zip(programs, (*range(2, 62), 1, 0, -1, 64)):
            client.attach(program, CONNECT4, sp.field(5, sp.zigzag(priority)) + sp.field(11, str(group.path)))
    reason = daemon.refused("attach", "cgroup_connect4", programs[64], "--target", group.path, "--priority", "65")
    check_in("64 cgroup_connect4 programs", reason, "refusal at the end")
    reason = daemon.refused("attach", "cgroup_connect4", programs[64], "--target", group.path, "--priority", "-9")
    check_in("64 cgroup_connect4 programs", reason, "refusal in front")
    check_equal(len(daemon.links()), 64, "links")
    check_equal(len(list((daemon.bpffs / "bpfd" / "links").iterdir())), 64, "pins")


@test()
def group_that_goes_while_bpfd_runs(host):
    daemon, group, parent = host.bpfd(), host.cgroup(), host.cgroup("parent")
    program = load_functions(daemon, "one")["one"]["id"]
    below = parent.path / "below"
    below.mkdir()
    stays, goes = attach(daemon, group, program), daemon.ask(
        "attach", "cgroup_connect4", program, "--target", below)["id"]
    below.rmdir()
    wait_for(lambda: daemon.link(goes)["state"] == "gone", "the link to be gone")
    check_equal(daemon.link(stays)["state"], "attached", "state of the other")
    check_in("its control group was removed", daemon.log(), "log")
    check_in("its place is gone", daemon.refused("update", goes, "--priority", "1"), "refusal")
    daemon.stop()
    daemon.start()
    check_equal(daemon.link(goes)["state"], "gone", "state after a restart")
    group.remove()  # which is watched after a restart, too
    wait_for(lambda: daemon.link(stays)["state"] == "gone", "the other link to be gone")
    daemon.detach(goes, stays)
    check_equal(list((daemon.bpffs / "bpfd" / "links").iterdir()), [], "pins")


@test()
def group_that_goes_without_bpfd(host):
    daemon, group = host.bpfd(), host.cgroup()
    program = load_functions(daemon, "one")["one"]["id"]
    gone = attach(daemon, group, program)
    daemon.stop()
    group.remove()
    group.path.mkdir()  # of the same name, but another
    daemon.start()
    check_equal(daemon.link(gone)["state"], "gone", "state after a restart")
    check_in("lost the place where it ran", daemon.log(), "log")
    link = attach(daemon, group, program)
    check_equal(trace(daemon, program, group), "1", "what runs in the new one")
    daemon.detach(gone, link)
    check_equal(list((daemon.bpffs / "bpfd" / "links").iterdir()), [], "pins")


@test()
def places_that_are_none(host):
    daemon, group = host.bpfd(), host.cgroup()
    program = load_functions(daemon, "one")["one"]["id"]
    there = f"is no control group: it must be a directory at or below {group.path.parent}"
    for target, reason in ((group.path / "missing", "does not exist"), (group.path / "cgroup.procs", there),
                           (group.path / "cgroup.procs" / "x", there), ("/tmp", there), ("/", there), ("word", there),
                           (f"{group.path}/../..", there), (f"{group.path}/.", there), (f"{group.path.parent}x", there)):
        check_in(reason, daemon.refused("attach", "cgroup_connect4", program, "--target", target), f"refusal of {target}")
    check_in("attach it as that", daemon.refused("attach", "cgroup_connect6", program, "--target", group.path), "refusal")
    check_in("already", [attach(daemon, group, program), daemon.refused(
        "attach", "cgroup_connect4", program, "--target", f"{group.path.parent}//{group.path.name}/")][1], "refusal")
    result = daemon.bpfctl("attach", "cgroup_connect4", program)
    check_equal(result.returncode, 2, "exit status without a target")
    result = daemon.bpfctl("attach", "cgroup_connect4", program, "--target", group.path, "--iface", "lo")
    check_equal(result.returncode, 2, "exit status with an interface")
    check_equal(len(daemon.links()), 1, "links")
