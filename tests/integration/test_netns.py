# SPDX-License-Identifier: MIT OR Apache-2.0
"""XDP and TC in other network namespaces: where they run, and how they and their interfaces vanish and come back."""
import os
import pathlib
import subprocess

from harness.host import test
from harness.net import ip
from harness.outcome import KernelLacks, check, check_equal, check_in, kernel_release, wait_for

LOOK_S = 6  # bpfd looks every two seconds


def inside(netns, *command):
    return subprocess.run(["nsenter", f"--net={netns.path}", *command], check=True, capture_output=True, text=True).stdout


def exclusive(daemon, tag):
    return daemon.load_sequence(tag, options=("--exclusive",))


def attach(daemon, program, wire, *options):
    return daemon.attach(program, wire.name, "--netns", wire.netns.path, *options)


def state_is(daemon, link, state):
    wait_for(lambda: daemon.link(link)["state"] == state, f"link {link} to be {state}", LOOK_S)


def pins(daemon):
    return sorted(path.name for path in (daemon.bpffs / "bpfd" / "dispatchers").iterdir())


def interfaces():
    return os.listdir("/sys/class/net")


@test()
def one_program(host):
    netns, daemon = host.netns(), host.bpfd()
    wire = host.wire(netns=netns)
    link = attach(daemon, exclusive(daemon, 7), wire, "--exclusive")
    row = daemon.link(link)
    check_equal([row[key] for key in ("state", "interface", "netns", "netns_id", "ifindex", "position")],
                ["attached", "v0", netns.path, netns.number(), wire.index, 0], "the link")
    check_equal(wire.trace(), [7], "frames")
    check_in("prog/xdp", inside(netns, "ip", "link", "show", "v0"), "what ip says inside")
    check_equal(pins(daemon), [f"ns{netns.number()}-{wire.index}-{row['kernel_program_id']}"], "pins")
    daemon.detach(link)
    check_equal(wire.trace(), [], "frames afterwards")
    check_equal(pins(daemon), [], "pins afterwards")


@test()
def same_number_here_and_there(host):
    """Interfaces of two namespaces with one index have nothing to do with each other."""
    netns, daemon = host.netns(), host.bpfd()
    there = host.wire("v0", netns=netns, index=77)
    here = host.wire("v1", index=77)
    check_equal((there.index, here.index), (77, 77), "indexes")
    program = exclusive(daemon, 3)
    links = [daemon.attach(program, here.name, "--exclusive"), attach(daemon, program, there, "--exclusive")]
    check_in("already", daemon.refused("attach", "xdp", program, "--iface", "v0", "--netns", netns.path, "--exclusive"),
             "the same a second time")
    daemon.detach(links[0])
    check_equal((here.trace(), there.trace()), ([], [3]), "frames")
    check_equal(daemon.link(links[1])["state"], "attached", "the other link")
    here.remove()
    check_equal(daemon.link(links[1])["state"], "attached", "the other link, later")
    daemon.stop()
    daemon.start()
    row = daemon.link(links[1])
    check_equal((row["state"], row["position"]), ("attached", 0), "the other link after a restart")
    check_equal(there.trace(), [3], "frames after a restart")


@test()
def namespace_deleted(host):
    """bpfd keeps no namespace alive, and notices that one is gone."""
    netns, daemon = host.netns(), host.bpfd()
    wire = host.wire(netns=netns)
    link = attach(daemon, exclusive(daemon, 1), wire, "--exclusive")
    check_equal(wire.trace(), [1], "frames")
    wire.close()
    netns.remove()
    wait_for(lambda: wire.peer not in interfaces(), "the namespace to be freed", 2)
    state_is(daemon, link, "gone")
    check_equal(pins(daemon), [], "pins")
    check_in("interface gone", daemon.bpfctl("get", "link", link).stdout, "what bpfctl says")
    check_in("its place is gone", daemon.refused("update", link, "--priority", "3"), "an update")
    daemon.detach(link)
    check_equal(daemon.links(), [], "links")


@test()
def detached_after_its_namespace(host):
    """At once, before bpfd has looked."""
    netns, daemon = host.netns(), host.bpfd()
    wire = host.wire(netns=netns)
    program = exclusive(daemon, 1)
    link = attach(daemon, program, wire, "--exclusive")
    wire.close()
    netns.remove()
    daemon.detach(link)
    check_equal((daemon.links(), pins(daemon)), ([], []), "what is left")
    daemon.unload(program)


@test()
def namespace_made_again(host):
    """At once, so that it may get the number of the first; what follows the name is attached again."""
    if kernel_release() < (5, 14):
        raise KernelLacks("a namespace that has the number of the one before it is told apart by a cookie, of Linux 5.14")
    netns, daemon = host.netns(), host.bpfd()
    wire = host.wire(netns=netns)
    program, other = exclusive(daemon, 1), exclusive(daemon, 2)
    follows = attach(daemon, program, wire, "--exclusive", "--follow")
    ip("-n", "blue", "link", "add", "v1", "type", "veth", "peer", "name", "v1q")
    stays = daemon.attach(other, "v1", "--netns", netns.path, "--exclusive")
    wire.close()
    netns.remove()
    wait_for(lambda: wire.peer not in interfaces(), "the namespace to be freed", 2)
    netns = host.netns()
    wire = host.wire(netns=netns)
    wait_for(lambda: daemon.link(stays)["state"] in ("gone", "removed"), "the first link to be gone", LOOK_S)
    wait_for(lambda: daemon.link(follows)["state"] == "attached" and daemon.link(follows)["netns_id"] == netns.number()
             and wire.trace() == [1], "the link to be attached again", LOOK_S)
    check_equal(daemon.link(follows)["id"], follows, "its id")


@test()
def interface_deleted_and_made_again(host):
    netns, daemon = host.netns(), host.bpfd()
    wires = [host.wire("v0", netns=netns), host.wire("v1", netns=netns)]
    program = exclusive(daemon, 8)
    links = [attach(daemon, program, wires[0], "--exclusive", "--follow"), attach(daemon, program, wires[1], "--exclusive")]
    for wire in wires:
        wire.remove()
    for link in links:
        state_is(daemon, link, "gone")
    check_equal(pins(daemon), [], "pins")
    wires = [host.wire("v0", netns=netns), host.wire("v1", netns=netns)]
    state_is(daemon, links[0], "attached")
    check_equal((wires[0].trace(), wires[1].trace()), ([8], []), "frames")
    check_equal(daemon.link(links[1])["state"], "gone", "the link that does not follow")
    ip("-n", "blue", "link", "set", "v0", "down")
    ip("-n", "blue", "link", "set", "v0", "name", "v9")
    wait_for(lambda: daemon.link(links[0])["interface"] == "v9", "the new name", LOOK_S)
    check_equal(daemon.link(links[0])["state"], "attached", "the renamed link")


@test()
def renamed_to_the_followed_name(host):
    """Here and there: the interface that gets the name gets the program."""
    netns, daemon = host.netns(), host.bpfd()
    program = exclusive(daemon, 4)
    for where, options in ((netns, ("--netns", netns.path)), (None, ())):
        wire = host.wire("v0", netns=where)
        link = daemon.attach(program, "v0", "--exclusive", "--follow", *options)
        wire.remove()
        state_is(daemon, link, "gone")
        wire = host.wire("other", netns=where)
        with wire.there():
            ip("link", "set", "other", "down")
            ip("link", "set", "other", "name", "v0")
            ip("link", "set", "v0", "up")
        wire.name = "v0"
        state_is(daemon, link, "attached")
        check_equal(wire.trace(), [4], "frames")
        daemon.detach(link)
        wire.remove()


@test()
def gone_while_bpfd_is_not_running(host):
    netns, daemon = host.netns(), host.bpfd()
    wire = host.wire(netns=netns)
    link = attach(daemon, exclusive(daemon, 1), wire, "--exclusive")
    daemon.stop()
    wire.close()
    netns.remove()
    daemon.start()
    check_equal(daemon.link(link)["state"], "gone", "the link")
    check_equal(pins(daemon), [], "pins")


@test()
def taken_off_by_others(host):
    netns, daemon = host.netns(), host.bpfd()
    link = attach(daemon, exclusive(daemon, 1), host.wire(netns=netns), "--exclusive")
    ip("-n", "blue", "link", "set", "v0", "xdp", "off")
    state_is(daemon, link, "removed")
    wait_for(lambda: not pins(daemon), "the pins to be collected", LOOK_S)


@test("extensions")
def chains(host):
    """Order, updates and restarts of XDP and TC as anywhere else."""
    netns, daemon = host.netns(), host.bpfd()
    wire, here = host.wire("v0", netns=netns, index=50), host.wire("v1", index=50)
    links = [attach(daemon, daemon.load_sequence(tag), wire, "--priority", str(priority))
             for tag, priority in ((1, 50), (2, 10), (3, 90))]
    daemon.attach(daemon.load_sequence(9), here.name)
    check_equal((wire.trace(), here.trace()), ([2, 1, 3], [9]), "XDP")
    daemon.ask("update", links[0], "--priority", "1")
    check_equal(wire.trace(), [1, 2, 3], "XDP in another order")
    shaper = daemon.load("tc_sequence", "tc_sequence", kind="tc", options=("--global", "tag=7", "--global", "verdict=3"))
    filtered = daemon.ask("attach", "tc", shaper, "--iface", "v0", "--netns", netns.path, "--direction", "ingress")
    check_equal((filtered["netns"], filtered["position"]), (netns.path, 0), "the tc link")
    check_equal(wire.trace(), [1, 2, 3, 7], "XDP and TC")
    daemon.stop()
    daemon.start()
    check_equal([row["position"] for row in daemon.links() if row["interface"] == "v0"], [0, 0, 1, 2], "positions")
    check_equal((wire.trace(), here.trace()), ([1, 2, 3, 7], [9]), "after a restart")
    daemon.detach(links[1], filtered["id"])
    check_equal(wire.trace(), [1, 3], "without two of them")
    wire.close()
    netns.remove()
    wait_for(lambda: wire.peer not in interfaces(), "the namespace to be freed", 2)
    state_is(daemon, links[0], "gone")
    wait_for(lambda: not [pin for pin in pins(daemon) if pin.startswith(("ns", "tc-"))],
             "the pins to be collected", LOOK_S)
    check_equal(here.trace(), [9], "the other interface")


@test("extensions")
def tc_filter_taken_off(host):
    netns, daemon = host.netns(), host.bpfd()
    wire = host.wire(netns=netns)
    program = daemon.load("tc_sequence", "tc_sequence", kind="tc", options=("--global", "tag=7", "--global", "verdict=3"))
    link = daemon.ask("attach", "tc", program, "--iface", "v0", "--netns", netns.path, "--direction", "ingress", "--follow")["id"]
    check_equal(wire.trace(), [7], "frames")
    inside(netns, "tc", "qdisc", "del", "dev", "v0", "clsact")
    state_is(daemon, link, "removed")
    check_equal(wire.trace(), [], "frames afterwards")


@test("extensions")
def beside_xdp_loader(host):
    """xdp-loader in the namespace sees bpfd's programs, and adds one between them, if it sees the same bpffs."""
    netns, daemon = host.netns(), host.bpfd()
    wire = host.wire(netns=netns)
    links = [attach(daemon, daemon.load_sequence(tag), wire, "--priority", str(priority)) for tag, priority in ((1, 10), (2, 90))]
    check_equal(inside(netns, "xdp-loader", "status", "v0").count("sequence"), 2, "programs that xdp-loader sees")
    inside(netns, "xdp-loader", "load", "-n", "sequence", "-P", "50", "v0", str(daemon.object("sequence")))
    check_equal(wire.trace()[::2], [1, 2], "bpfd's programs around that of xdp-loader")
    wait_for(lambda: [daemon.link(link)["position"] for link in links] == [0, 2], "bpfd to see it", LOOK_S)
    daemon.detach(links[0])
    check_equal(wire.trace()[1:], [2], "with a dispatcher of bpfd's again")
    check_equal(inside(netns, "xdp-loader", "status", "v0").count("sequence"), 2, "programs that xdp-loader sees")
    inside(netns, "xdp-loader", "unload", "v0", "--all")
    state_is(daemon, links[1], "removed")


@test()
def bad_input(host):
    netns, daemon = host.netns(), host.bpfd()
    wire = host.wire(netns=netns)
    program = exclusive(daemon, 1)
    names = pathlib.Path("/run/netns")
    (names / "file").touch()
    os.mkfifo(names / "pipe")
    (names / "dangling").symlink_to("/run/netns/nowhere")
    cases = (
        ("/run/netns/missing", "v0", "there is no network namespace"), ("/run/netns/dangling", "v0", "there is no network namespace"),
        ("/run/netns/file", "v0", "no file of a network namespace"), ("/run/netns/pipe", "v0", "no file of a network namespace"),
        ("/run/netns", "v0", "no file of a network namespace"), ("/proc/1/ns/mnt", "v0", "may not open"),
        ("blue", "v0", "absolute path"), (netns.path, wire.peer, "does not exist in network namespace"),
        (netns.path, "nothing", "does not exist in network namespace"))
    for path, interface, reason in cases:
        for extra in (("--exclusive",), ("--exclusive", "--follow")):
            if reason.startswith("does not") and len(extra) > 1:
                continue  # that one waits
            check_in(reason, daemon.refused("attach", "xdp", program, "--iface", interface, "--netns", path, *extra),
                     f"refusal of {path} {interface} {extra}")
    check_equal((daemon.links(), pins(daemon)), ([], []), "what is left")


@test()
def processes_namespaces(host):
    """With `containers = yes` a process names its namespace; bpfd's own is bpfd's own by that name, too."""
    netns, daemon = host.netns(), host.bpfd(features={"containers": "yes"})
    wire, here = host.wire("v0", netns=netns), host.wire("v1")
    program = exclusive(daemon, 6)
    check_in("no file of a network namespace",
             daemon.refused("attach", "xdp", program, "--iface", "v0", "--netns", "/proc/1/ns/mnt", "--exclusive"), "refusal")
    with subprocess.Popen(["nsenter", f"--net={netns.path}", "sleep", "1000"]) as sleeper:
        wait_for(lambda: os.stat(f"/proc/{sleeper.pid}/ns/net").st_ino == netns.number(), "the process to be there")
        link = daemon.attach(program, "v0", "--netns", f"/proc/{sleeper.pid}/ns/net", "--exclusive")
        check_equal(wire.trace(), [6], "frames")
        sleeper.kill()
        sleeper.wait()
    state_is(daemon, link, "gone")
    own = daemon.attach(program, "v1", "--netns", "/proc/1/ns/net", "--exclusive")
    check_equal(here.trace(), [6], "frames here")
    check_in("already", daemon.refused("attach", "xdp", program, "--iface", "v1", "--exclusive"), "the same without a path")
    here.remove()
    wait_for(lambda: daemon.link(own)["state"] == "gone", "the link to be gone")
    check_equal(sorted(row["state"] for row in daemon.links()), ["gone", "gone"], "links")


@test()
def without_the_opener(host):
    netns, daemon = host.netns(), host.bpfd(features={"opener": "no"})
    wire = host.wire(netns=netns)
    program = exclusive(daemon, 1)
    check_in("needs bpfd's opener", daemon.refused("attach", "xdp", program, "--iface", wire.name, "--netns", netns.path,
                                                   "--exclusive"), "refusal")
    check(not daemon.links(), "a link was made")
