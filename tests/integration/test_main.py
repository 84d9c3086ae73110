# SPDX-License-Identifier: MIT OR Apache-2.0
"""The main job, end to end, and what bpfctl prints on the way."""
import hashlib
import pathlib
import re

from harness import bpf
from harness.host import test
from harness.net import ETH_P_IP
from harness.outcome import check, check_equal, check_in

PROGRAM_KEYS = {"id", "name", "type", "application", "owner", "source", "kernel", "maps", "map_pin_dir", "links",
                "global_data", "metadata"}
KERNEL_KEYS = {"id", "name", "type", "tag", "loaded_at", "gpl_compatible", "btf_id", "bytes_xlated", "bytes_jited",
               "bytes_memlock", "verified_insns", "map_ids"}
LINK_KEYS = {"id", "program_id", "type", "interface", "ifindex", "target", "priority", "position", "proceed_on", "mode",
             "state", "metadata"}
BLOCKED, OPEN = 9999, 9998


def pins(daemon):
    """Everything below bpfd's and libxdp's directories that is not a directory."""
    roots = [daemon.bpffs / "bpfd", daemon.bpffs / "xdp"]
    return sorted(str(path) for root in roots for path in root.rglob("*") if not path.is_dir())


@test("extensions")
def load_attach_list_detach(host):
    daemon, wire = host.bpfd(), host.wire()
    wire.listen(ETH_P_IP)
    counter = daemon.load("xdp_counter")
    filters = daemon.load("xdp_filter", options=("--global", f"blocked_port={BLOCKED}", "--application", "demo",
                                                 "--metadata", "team=net"))
    first = daemon.attach(filters, wire.name)
    second = daemon.attach(counter, wire.name)
    for number in range(20):
        wire.send_udp(BLOCKED if number % 2 else OPEN)
    check_equal(len(wire.receive(ETH_P_IP)), 10, "frames that passed the filter")
    check_equal(bpf.map_counter(daemon.map_pin(filters, "drops")), 10, "drops counted by the filter")
    check_equal(bpf.map_counter(daemon.map_pin(counter, "packets"), 0), 10, "packets counted after the filter")
    check_equal([link["id"] for link in daemon.links()], [first, second], "order of links")
    daemon.detach(first)
    wire.send_udp(BLOCKED)
    check_equal(len(wire.receive(ETH_P_IP)), 1, "frames to the blocked port once the filter is detached")
    daemon.detach(second)
    daemon.unload(filters, counter)
    check_equal(daemon.programs(), [], "programs after unload")
    check_equal(daemon.links(), [], "links after unload")
    check_equal(pins(daemon), [], "pins after unload")


@test("extensions")
def json_is_complete(host):
    daemon, wire = host.bpfd(), host.wire()
    number = daemon.load("xdp_filter", options=("--global", "blocked_port=hex:0f27", "--application", "demo", "--metadata",
                                                "team=net", "--metadata", "tier=edge"))
    link = daemon.attach(number, wire.name, "--priority", "7", "--metadata", "why=test")
    program = daemon.ask("get", "program", number)
    check_equal(PROGRAM_KEYS - program.keys(), set(), "keys missing in a program")
    check_equal(KERNEL_KEYS - program["kernel"].keys(), set(), "keys missing in a program's kernel part")
    check_equal(program["owner"]["uid"], 0, "owner")
    check_equal((program["name"], program["type"], program["application"]), ("xdp_filter", "xdp", "demo"), "program")
    check_equal(program["metadata"], {"team": "net", "tier": "edge"}, "metadata")
    check_equal(program["global_data"], {"blocked_port": "0f27"}, "globals")
    digest = hashlib.sha256(daemon.object("xdp_filter").read_bytes()).hexdigest()
    check_equal(program["source"]["digest"].removeprefix("sha256:"), digest, "digest of the object")
    check_equal(program["links"], [link], "the program's links")
    pin = next(row["pin"] for row in program["maps"] if row["name"] == "drops")
    check_equal(pin, str(daemon.map_pin(number, "drops")), "pin of the map")
    check(pathlib.Path(pin).exists(), f"{pin} does not exist")
    answer = daemon.link(link)
    check_equal(LINK_KEYS - answer.keys(), set(), "keys missing in a link")
    check_equal((answer["priority"], answer["position"], answer["state"], answer["interface"], answer["ifindex"]),
                (7, 0, "attached", wire.name, wire.index), "link")
    check_equal(answer["metadata"], {"why": "test"}, "the link's metadata")


@test("extensions")
def tables_for_people(host):
    daemon, wire = host.bpfd(), host.wire()
    number = daemon.load("xdp_counter")
    daemon.attach(number, wire.name)
    programs = daemon.bpfctl("list", "programs").stdout
    check(re.search(rf"(?m)^ *{number} .*xdp_counter", programs), f"no line of the program in {programs!r}")
    links = daemon.bpfctl("list", "links").stdout
    check_in(wire.name, links, "list links")
    check_in("xdp_counter", daemon.bpfctl("get", "program", str(number)).stdout, "get program")
    status = daemon.bpfctl("status")
    check_equal(status.returncode, 0, "exit status of bpfctl status")
    check(re.search(r"\d+\.\d+\.\d+", daemon.bpfctl("version").stdout), "bpfctl version names no version")


@test()
def filters_of_lists(host):
    daemon = host.bpfd()
    daemon.load("tracepoint_counter", kind="tracepoint", options=("--application", "one", "--metadata", "k=v"))
    daemon.load("tracepoint_counter", kind="tracepoint", options=("--application", "two"))
    check_equal(len(daemon.programs("--application", "one")), 1, "programs of application one")
    check_equal(len(daemon.programs("--metadata", "k=v")), 1, "programs with k=v")
    check_equal(len(daemon.programs("--type", "tracepoint")), 2, "tracepoint programs")
    check_equal(len(daemon.programs("--type", "xdp")), 0, "xdp programs")


@test()
def bpfctl_exit_statuses(host):
    daemon = host.bpfd()
    check_equal(daemon.bpfctl("status").returncode, 0, "status")
    check_equal(daemon.bpfctl("get", "program", "77").returncode, 1, "get of an unknown program")
    check_equal(daemon.bpfctl("frobnicate").returncode, 2, "an unknown command")
    check_equal(daemon.bpfctl("attach", "xdp", "x").returncode, 2, "no number")
    daemon.stop()
    result = daemon.bpfctl("status")
    check_equal(result.returncode, 3, "bpfctl without a daemon")
    check_in(str(daemon.socket), result.stderr, "what bpfctl says without a daemon")
