# SPDX-License-Identifier: MIT OR Apache-2.0
"""Programs of netfilter and of network namespaces, with packets."""
import errno
import os
import pathlib
import socket
import struct
import subprocess
import sys

from harness import bpf
from harness.host import test
from harness.outcome import SLOWNESS, KernelLacks, check, check_equal, check_in, wait_for

PORT = 4242  # tests/bpf/places.bpf.c
DROP = ("--global", "verdict=0")


def calls(daemon, program, slot):
    return bpf.map_counter(daemon.map_pin(program, "calls"), slot)


def load(daemon, function, *options):
    return daemon.ask("load", "file", daemon.object("places"), "--program", function, *options)[0]


def udp_arrives(family=socket.AF_INET, address="127.0.0.1"):
    with socket.socket(family, socket.SOCK_DGRAM) as receiver, socket.socket(family, socket.SOCK_DGRAM) as sender:
        receiver.bind((address, 0))
        receiver.settimeout(0.2)
        sender.sendto(b"x", receiver.getsockname()[:2])
        try:
            return receiver.recv(10) == b"x"
        except TimeoutError:
            return False


def tcp_connects():
    with socket.socket() as listener, socket.socket() as client:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", PORT))
        listener.listen()
        try:
            client.connect(("127.0.0.1", PORT))
            return True
        except ConnectionRefusedError:
            return False


def kernel_has(major, minor):
    return tuple(map(int, os.uname().release.split("-")[0].split(".")[:2])) >= (major, minor)


def netfilter_load(daemon, *options):
    """Loads it, or checks that a kernel that is too old is told apart from a bad program."""
    if kernel_has(6, 4):
        return load(daemon, "packet", *options)["id"]
    check_in(f"netfilter programs need Linux 6.4, this is {os.uname().release}",
             daemon.refused("load", "file", daemon.object("places"), "--program", "packet"), "refusal")
    raise KernelLacks("netfilter programs need Linux 6.4, as bpfd says when it refuses")


@test()
def netfilter_drops(host):
    daemon = host.bpfd()
    program = netfilter_load(daemon, *DROP)
    link = daemon.ask("attach", "netfilter", program, "--family", "ipv4", "--hook", "input")
    check_equal((link["target"], link["state"], link["priority"]), ("ipv4 input", "attached", 0), "link")
    check(not udp_arrives(), "a packet arrived though all are dropped")
    check(udp_arrives(socket.AF_INET6, "::1"), "the other family was dropped, too")
    check(calls(daemon, program, 0) > 0, "it did not run")
    daemon.stop()
    check(not udp_arrives(), "a packet arrived without bpfd")
    daemon.start()
    check_equal(daemon.link(link["id"])["state"], "attached", "state after a restart")
    daemon.detach(link["id"])
    check(udp_arrives(), "a packet was dropped after the detach")


@test()
def netfilter_priorities(host):
    daemon = host.bpfd()
    passes = netfilter_load(daemon)
    drops = load(daemon, "packet", *DROP)["id"]

    def attach(program, priority):
        return daemon.ask("attach", "netfilter", program, "--family", "ipv4", "--hook", "input", "--priority", priority)["id"]

    first, second = attach(drops, "-10"), attach(passes, "10")
    udp_arrives()
    check_equal((calls(daemon, drops, 0) > 0, calls(daemon, passes, 0)), (True, 0), "calls, the dropping one first")
    daemon.detach(first)
    attach(drops, "20")
    udp_arrives()
    check(calls(daemon, passes, 0) > 0, "the one in front did not run")
    other = load(daemon, "packet")["id"]
    check_in("give another --priority", daemon.refused("update", second, "--program", other), "refusal")
    daemon.ask("update", second, "--program", other, "--priority", "5")
    udp_arrives()
    check(calls(daemon, other, 0) > 0, "the updated one did not run")
    check_in("another netfilter program runs at ipv4 input with priority 5", daemon.refused(
        "attach", "netfilter", load(daemon, "packet")["id"], "--family", "ipv4", "--hook", "input", "--priority", "5"),
        "refusal")
    daemon.detach(second)


@test()
def netfilter_places_that_are_none(host):
    daemon = host.bpfd()
    program = netfilter_load(daemon)
    for options, reason in (((), "--family FAMILY is missing"), (("--family", "ipv4"), "--hook HOOK is missing"),
                            (("--family", "ipx", "--hook", "input"), "no family"),
                            (("--family", "ipv4", "--hook", "ingress"), "no netfilter hook"),
                            (("--family", "ipv4", "--hook", "input", "--netns", "/run/netns/x"), "take no --netns")):
        result = daemon.bpfctl("attach", "netfilter", program, *options)
        check_equal(result.returncode, 2, f"exit status with {options}")
        check_in(reason, result.stderr, "complaint")
    check_in("attach it as that", daemon.refused("attach", "sk_lookup", program), "refusal")
    check_equal(daemon.links(), [], "links")


@test()
def sk_lookup_refuses(host):
    daemon = host.bpfd()
    program = load(daemon, "lookup", *DROP)
    check_equal(program["type"], "sk_lookup", "type by the section")
    check(tcp_connects(), "no connection before the attach")
    link = daemon.ask("attach", "sk_lookup", program["id"])
    check_equal(link["state"], "attached", "state")
    check(not tcp_connects(), "a connection though every lookup is dropped")
    daemon.stop()
    check(not tcp_connects(), "a connection without bpfd")
    daemon.start()
    check_equal(daemon.link(link["id"])["state"], "attached", "state after a restart")
    check_in("already", daemon.refused("attach", "sk_lookup", program["id"]), "refusal")
    daemon.ask("update", link["id"], "--program", load(daemon, "lookup")["id"])
    check(tcp_connects(), "no connection after an update to one that lets pass")
    daemon.ask("update", link["id"], "--program", program["id"])
    check(not tcp_connects(), "a connection after the update back")
    daemon.detach(link["id"])
    check(tcp_connects(), "no connection after the detach")


@test()
def sk_lookup_redirects(host):
    """To a socket that is bound elsewhere, which a client put into the program's map by its pin."""
    daemon = host.bpfd()
    program = load(daemon, "redirect")["id"]
    with socket.socket() as listener, socket.socket() as client:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(5 * SLOWNESS)
        bpf.map_update(daemon.map_pin(program, "sockets"), 0, struct.pack("=Q", listener.fileno()))
        link = daemon.ask("attach", "sk_lookup", program)["id"]
        client.connect(("127.0.0.1", PORT))
        with listener.accept()[0] as server:
            server.sendall(b"here")
            check_equal(client.recv(10), b"here", "what the client gets")
        check(calls(daemon, program, 3) > 0, "it did not run")
        daemon.detach(link)
        with socket.socket() as again:
            check_equal(again.connect_ex(("127.0.0.1", PORT)), errno.ECONNREFUSED, "a connection after the detach")


def connects_in(name):
    """tcp_connects() in the namespace of that name."""
    script = f"import sys; sys.path[:0] = {sys.path!r}; import test_places; print(test_places.tcp_connects())"
    return subprocess.run(["nsenter", f"--net=/run/netns/{name}", sys.executable, "-c", script], check=True,
                          capture_output=True, text=True).stdout.strip() == "True"


def netns_make(name):
    subprocess.run(["ip", "netns", "add", name], check=True)
    subprocess.run(["nsenter", f"--net=/run/netns/{name}", "ip", "link", "set", "lo", "up"], check=True)
    return f"/run/netns/{name}"


@test()
def sk_lookup_in_another_namespace(host):
    path = netns_make("blue")
    daemon = host.bpfd()
    program = load(daemon, "lookup", *DROP)["id"]
    link = daemon.ask("attach", "sk_lookup", program, "--netns", path)
    check_equal((link["netns"], link["state"]), (path, "attached"), "link")
    check(not connects_in("blue"), "a connection there though every lookup is dropped")
    check(tcp_connects(), "no connection in bpfd's own namespace")
    other = daemon.ask("attach", "sk_lookup", program)["id"]
    check(not tcp_connects(), "a connection in bpfd's own namespace")
    pathlib.Path("/run/netns/alias").touch()
    subprocess.run(["mount", "--bind", path, "/run/netns/alias"], check=True)
    check_in("already", daemon.refused("attach", "sk_lookup", program, "--netns", "/run/netns/alias"), "refusal")
    subprocess.run(["umount", "/run/netns/alias"], check=True)
    subprocess.run(["ip", "netns", "del", "blue"], check=True)
    daemon.stop()
    daemon.start()
    check_equal(daemon.link(link["id"])["state"], "gone", "state without its namespace")
    check_equal(daemon.link(other)["state"], "attached", "state of the other")
    daemon.detach(link["id"], other)
    check_equal(list((daemon.bpffs / "bpfd" / "links").iterdir()), [], "pins")


@test()
def namespace_of_a_process(host):
    daemon = host.bpfd(features={"containers": "yes"})
    program = load(daemon, "lookup", *DROP)["id"]
    with subprocess.Popen(["unshare", "-n", "sleep", "100"]) as sleeper:
        own = os.stat("/proc/self/ns/net").st_ino
        wait_for(lambda: os.stat(f"/proc/{sleeper.pid}/ns/net").st_ino != own, "a new namespace")
        path = f"/proc/{sleeper.pid}/ns/net"
        link = daemon.ask("attach", "sk_lookup", program, "--netns", path)
        check_equal((link["netns"], link["state"]), (path, "attached"), "link")
        check(tcp_connects(), "no connection in bpfd's own namespace")
        check_in("is no file of", daemon.refused("attach", "sk_lookup", program, "--netns", f"/proc/{sleeper.pid}/ns/mnt"),
                 "refusal")
        sleeper.kill()
    daemon.detach(link["id"])


@test()
def namespaces_that_are_none(host):
    netns_make("blue")
    pathlib.Path("/run/netns/file").touch()
    pathlib.Path("/run/netns/pids").touch()
    subprocess.run(["mount", "--bind", "/proc/self/ns/pid", "/run/netns/pids"], check=True)
    os.mkfifo("/run/netns/pipe")
    daemon = host.bpfd()
    program = load(daemon, "lookup")["id"]
    for path, reason in (("/run/netns/missing", "there is no network namespace"), ("/run/netns/file", "is no file of"),
                         ("/run/netns/pids", "is no file of"), ("/run/netns/pipe", "is no file of"),
                         ("/run/netns", "is no file of"), ("/etc/shadow", "is no file of"),
                         ("/proc/1/ns/net", "opener may not open")):
        check_in(reason, daemon.refused("attach", "sk_lookup", program, "--netns", path), f"refusal of {path}")
    check_in("absolute path", daemon.refused("attach", "sk_lookup", program, "--netns", "blue"), "refusal")
    daemon.stop()
    daemon.configure(features={"opener": "no"})
    daemon.start()
    check_in("needs bpfd's opener", daemon.refused("attach", "sk_lookup", program, "--netns", "/run/netns/blue"), "refusal")
    check_equal(daemon.links(), [], "links")


def packet_hashed():
    """A packet on the loopback that a packet socket of a group gets by its flow's hash."""
    fanout, by_hash = 18, 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)) as packets:
        packets.bind(("lo", 0x0800))
        packets.setsockopt(263, fanout, by_hash << 16 | 7)  # SOL_PACKET
        udp_arrives()


@test()
def flow_dissector_runs(host):
    daemon = host.bpfd()
    program = load(daemon, "dissect")
    check_equal(program["type"], "flow_dissector", "type by the section")
    link = daemon.ask("attach", "flow_dissector", program["id"])["id"]
    packet_hashed()
    before = calls(daemon, program["id"], 2)
    check(before > 0, "it did not run")
    other = load(daemon, "dissect")["id"]
    check_in("that the kernel allows", daemon.refused("attach", "flow_dissector", other), "refusal")
    daemon.detach(link)
    packet_hashed()
    check_equal(calls(daemon, program["id"], 2), before, "calls after the detach")
