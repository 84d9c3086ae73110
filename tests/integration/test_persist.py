# SPDX-License-Identifier: MIT OR Apache-2.0
"""
Persistent programs: after a reboot they are loaded and attached again. The reboot is that of test_restart.py: an empty bpffs,
no runtime directory, other interfaces of the old names. tests/integration/two_boots boots a virtual machine twice instead.
"""
import json
import os
import pathlib
import shutil
import subprocess
import tarfile

from harness import bpf, isolate
from harness.host import test
from harness.outcome import check, check_equal, wait_for
from test_main import pins
from test_probes import CALLS, EVERYWHERE, Library, call_both, counted, needs_uprobe_multi, on_every_processor
from test_restart import kill_all, reboot

STABLE = ("id", "name", "type", "application", "owner", "source", "exclusive", "links", "global_data", "metadata", "persist",
          "map_pin_dir")
LINK_STABLE = ("id", "program_id", "interface", "priority", "position", "proceed_on", "state", "metadata", "target", "exclusive")


def facts(rows, keys):
    return [{key: row[key] for key in keys} for row in rows]


def reboot_all(host, daemon, *wires, kill=False):
    """bpfd ends, the machine with it; wires of the same names come back before bpfd."""
    if kill:
        kill_all(daemon)
    else:
        daemon.stop()
    for wire in wires:
        wire.remove()
    reboot(daemon)
    again = [host.wire(wire.name) for wire in wires]
    daemon.start()
    return again[0] if len(again) == 1 else again


def exclusive(daemon, tag, *options):
    return daemon.load_sequence(tag, options=("--exclusive", *options))


def objects(daemon):
    return sorted(path.name for path in (daemon.state / "objects").iterdir())


def reason_of(daemon, program):
    return daemon.ask("get", "program", program)["reason"]


@test("extensions")
def chain_after_a_reboot(host):
    """Ids, order, globals, metadata and maps are as they were; frames pass the same programs in the same order."""
    daemon, wires = host.bpfd(), [host.wire("v0"), host.wire("v1")]
    # order by priority, not by id; two links of one program; ids with gaps
    programs = [daemon.load_sequence(tag, options=("--persist", "--application", f"app{tag}", "--metadata", f"tag={tag}"))
                for tag in (1, 2)]
    daemon.unload(daemon.load_sequence(9))
    programs.append(daemon.load_sequence(3, options=("--persist",)))
    passing = daemon.load_sequence(4)
    for program, priority in zip(programs, (30, 10, 20)):
        daemon.attach(program, "v0", "--priority", priority, "--metadata", f"priority={priority}")
    daemon.attach(passing, "v0", "--priority", 15)
    daemon.attach(programs[0], "v1", "--proceed-on", "pass")
    check_equal(wires[0].trace(), [2, 4, 3, 1], "the chain before")
    daemon.unload(passing)
    before, links = facts(daemon.programs(), STABLE), facts(daemon.links(), LINK_STABLE)
    wires = reboot_all(host, daemon, *wires)
    check_equal(wires[0].trace(), [2, 3, 1], "the chain after the reboot")
    check_equal(wires[1].trace(), [1], "the chain on the other interface")
    check_equal(facts(daemon.programs(), STABLE), before, "programs")
    check_equal(facts(daemon.links(), LINK_STABLE), links, "links")
    check(bpf.map_counter(daemon.map_pin(programs[1], "frames")) >= 1, "the pinned map does not count")
    check(daemon.load_sequence(5) > passing, "an id was used again")
    wires = reboot_all(host, daemon, *wires, kill=True)
    check_equal(wires[0].trace(), [2, 3, 1], "the chain after another reboot, without a stop")
    check_equal(facts(daemon.links(), LINK_STABLE), links, "links after another reboot")
    daemon.unload(*programs)
    check_equal(pins(daemon), [], "pins after unload")
    check_equal(objects(daemon), [], "objects after unload")


@test()
def native_after_a_reboot(host):
    daemon, wire = host.bpfd(), host.wire()
    program = exclusive(daemon, 6, "--persist")
    passing = daemon.load("tracepoint_counter", kind="tracepoint")
    link = daemon.attach(program, wire.name, "--exclusive")
    before, links = facts(daemon.programs(), STABLE), facts(daemon.links(), LINK_STABLE)
    wire = reboot_all(host, daemon, wire, kill=True)
    check_equal(facts(daemon.programs(), STABLE), [row for row in before if row["id"] != passing], "programs")
    check_equal(facts(daemon.links(), LINK_STABLE), links, "links")
    check_equal(wire.trace(), [6], "frames")
    daemon.stop()
    daemon.start()
    check_equal(facts(daemon.links(), LINK_STABLE), links, "links after a restart")
    check_equal(wire.trace(), [6], "frames after a restart")
    daemon.detach(link)
    wire = reboot_all(host, daemon, wire, kill=True)
    check_equal(daemon.links(), [], "a link that was detached")
    daemon.unload(program)
    wire = reboot_all(host, daemon, wire, kill=True)
    check_equal(daemon.programs(), [], "a program that was unloaded")


@test()
def several_places_after_a_reboot(host):
    """A link at two functions of a file, and one on every processor."""
    needs_uprobe_multi()
    daemon, library = host.bpfd(), Library(host.scratch)
    probe, sampler = (daemon.ask("load", "file", daemon.object("probes"), "--program", function, "--persist")[0]["id"]
                      for function in ("places_reached", "sampled"))
    daemon.ask("attach", "uprobe_multi", probe, "--target", library.path, "--function", "cbrt,exp2")
    daemon.ask("attach", "perf_event", sampler, *EVERYWHERE)
    links = facts(daemon.links(), LINK_STABLE + ("functions", "offsets", "cpu"))
    for kill in (False, True):
        if kill:
            kill_all(daemon)
        else:
            daemon.stop()
        reboot(daemon)
        daemon.start()
        check_equal(facts(daemon.links(), LINK_STABLE + ("functions", "offsets", "cpu")), links, "links")
        check_equal(counted(daemon, probe, "places_reached", lambda: call_both(library)), 2 * CALLS, "calls")
        check(counted(daemon, sampler, "sampled", on_every_processor) >= CALLS, "samples")


@test()
def one_load_shares_its_maps_again(host):
    """Programs of one object that use one map use one map again; of another load, where one was unloaded, the rest."""
    daemon = host.bpfd()
    first, second = (daemon.load("sequence", "sequence", "sequence_second", options=("--exclusive", "--persist"))
                     for _ in range(2))
    daemon.unload(second[0])
    reboot_all(host, daemon)
    rows = daemon.programs()
    check_equal([row["id"] for row in rows], [*first, second[1]], "programs")
    maps = [next(entry["id"] for entry in row["maps"] if entry["name"] == "frames") for row in rows]
    check(maps[0] == maps[1] != maps[2], f"the kernel ids of their maps: {maps}")
    for row in rows:
        check(daemon.map_pin(row["id"], "frames").exists(), f"program {row['id']} has no pin of its map")


@test()
def damaged_and_missing_objects(host):
    """They are said to be so, and keep nobody else from being restored."""
    daemon, wire = host.bpfd(), host.wire()
    damaged, good = exclusive(daemon, 1, "--persist"), daemon.load("tracepoint_counter", kind="tracepoint",
                                                                  options=("--persist",))
    lost = daemon.load("xdp_counter", options=("--exclusive", "--persist"))
    daemon.attach(damaged, wire.name, "--exclusive")
    digests = {row["id"]: row["source"]["digest"].removeprefix("sha256:") for row in daemon.programs()}
    check_equal(objects(daemon), sorted(digests.values()), "objects that are kept")
    path = daemon.state / "objects" / digests[damaged]
    content = bytearray(path.read_bytes())
    content[15] ^= 1  # of the ELF header's padding: nobody but the digest notices
    path.write_bytes(content)
    (daemon.state / "objects" / digests[lost]).unlink()
    wire = reboot_all(host, daemon, wire)
    check_equal({row["id"]: row["state"] for row in daemon.programs()},
                {damaged: "failed", good: "loaded", lost: "failed"}, "states")
    check("digest" in reason_of(daemon, damaged), f"reason: {reason_of(daemon, damaged)}")
    check("not in the state directory" in reason_of(daemon, lost), f"reason: {reason_of(daemon, lost)}")
    link = daemon.links()[0]
    check_equal((link["state"], str(damaged) in link["reason"]), ("failed", True), "the link")
    error = daemon.refused("attach", "xdp", damaged, "--iface", wire.name, "--exclusive")
    check("not in the kernel" in error, error)
    daemon.unload(damaged)
    again = exclusive(daemon, 2, "--persist")
    daemon.attach(again, wire.name, "--exclusive")
    daemon.unload(lost)
    wire = reboot_all(host, daemon, wire)
    check_equal([(row["id"], row["state"]) for row in daemon.programs()], [(good, "loaded"), (again, "loaded")], "states")
    check_equal(wire.trace(), [2], "frames")


@test()
def interface_that_comes_later(host):
    daemon, wire = host.bpfd(), host.wire()
    program = exclusive(daemon, 7, "--persist")
    link = daemon.attach(program, wire.name, "--exclusive")
    daemon.stop()
    wire.remove()
    reboot(daemon)
    daemon.start()
    row = daemon.link(link)
    check_equal((row["state"], wire.name in row["reason"]), ("waiting", True), "the link without its interface")
    daemon.stop()
    daemon.start()
    check_equal(daemon.link(link)["state"], "waiting", "the link after a restart")
    wire = host.wire()
    wait_for(lambda: daemon.link(link)["state"] == "attached", "the link to be attached")
    check_equal((daemon.link(link)["reason"], daemon.link(link)["id"]), (None, link), "the link")
    check_equal(wire.trace(), [7], "frames")
    wire.remove()
    wait_for(lambda: daemon.link(link)["state"] == "gone", "the link to be gone")


@test()
def follow_the_name(host):
    """Without a reboot: `--follow` attaches again when an interface of the name returns, and nothing else does."""
    daemon, wires = host.bpfd(), [host.wire("v0"), host.wire("v1")]
    program = exclusive(daemon, 8)
    links = [daemon.attach(program, "v0", "--exclusive", "--follow"), daemon.attach(program, "v1", "--exclusive")]
    for wire in wires:
        wire.remove()
    wait_for(lambda: {row["state"] for row in daemon.links()} == {"gone"}, "both links to be gone")
    wires = [host.wire("v0"), host.wire("v1")]
    wait_for(lambda: daemon.link(links[0])["state"] == "attached", "the link to be attached")
    check_equal(wires[0].trace(), [8], "frames where it follows")
    check_equal(wires[1].trace(), [], "frames where it does not")
    check_equal(daemon.link(links[1])["state"], "gone", "the link that does not follow")


@test()
def a_state_directory_that_is_full(host):
    """What cannot be made to last is refused, and nothing of it stays."""
    daemon, wire = host.bpfd(), host.wire()
    kept = exclusive(daemon, 1, "--persist")
    link = daemon.attach(kept, wire.name, "--exclusive")
    daemon.stop()
    content = host.scratch / "content"
    shutil.copytree(daemon.state, content)
    isolate.mount("tmpfs", daemon.state, "tmpfs", 0, "size=2m,mode=0700")
    subprocess.run(["cp", "-a", f"{content}/.", daemon.state], check=True)
    stat = content.stat()
    os.chown(daemon.state, stat.st_uid, stat.st_gid)
    daemon.start()
    ballast = daemon.state / "ballast"
    file = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(file, bytes(4096)):
            pass
    except OSError:
        os.close(file)
    before, links, pinned = facts(daemon.programs(), STABLE), facts(daemon.links(), LINK_STABLE), pins(daemon)
    for arguments in (("load", "file", daemon.object("sequence"), "--program", "xdp:sequence", "--exclusive", "--persist"),
                      ("detach", link), ("unload", kept)):
        error = daemon.refused(*arguments)
        check("No space left" in error, f"bpfctl {arguments[0]}: {error}")
    check_equal(facts(daemon.programs(), STABLE), before, "programs")
    check_equal(facts(daemon.links(), LINK_STABLE), links, "links")
    check_equal(pins(daemon), pinned, "pins")
    check_equal(wire.trace(), [1], "frames")
    passing = exclusive(daemon, 2)  # what need not last is loaded all the same
    daemon.unload(passing)
    ballast.unlink()
    daemon.detach(link)
    daemon.unload(kept)
    check_equal((daemon.programs(), objects(daemon)), ([], []), "programs and objects")


@test()
def limits_count_for_what_is_restored(host):
    daemon = host.bpfd()
    ids = [daemon.load("tracepoint_counter", kind="tracepoint", options=("--persist",)) for _ in range(3)]
    daemon.stop()
    reboot(daemon)
    daemon.configure(limits={"programs": 2})
    daemon.start()
    check_equal([(row["id"], row["state"]) for row in daemon.programs()],
                [(ids[0], "loaded"), (ids[1], "loaded"), (ids[2], "failed")], "programs")
    check("may hold 2 programs" in reason_of(daemon, ids[2]), reason_of(daemon, ids[2]))
    check_equal(len(objects(daemon)), 1, "objects: one for all")


@test()
def objects_without_a_program_go(host):
    daemon = host.bpfd()
    daemon.load("tracepoint_counter", kind="tracepoint", options=("--persist",))
    kept = objects(daemon)
    daemon.stop()
    for name in ("ab" * 32, "new"):
        pathlib.Path(daemon.state, "objects", name).write_bytes(b"left over")
    daemon.start()
    check_equal(objects(daemon), kept, "objects")


def boot_first(host):
    """Leaves a state directory as a power failure does, and what was there, for boot_second."""
    daemon, wires = host.bpfd(), [host.wire("v0"), host.wire("v1")]
    programs = [daemon.load_sequence(tag, options=("--persist", "--metadata", f"tag={tag}")) for tag in (1, 2, 3)]
    for program, priority in zip(programs, (30, 10, 20)):
        daemon.attach(program, "v0", "--priority", priority)
    daemon.attach(programs[0], "v1")
    daemon.load_sequence(4)
    check_equal((wires[0].trace(), wires[1].trace()), ([2, 3, 1], [1]), "the chains before")
    rows = [row for row in daemon.programs() if row["persist"]]
    handover = pathlib.Path(os.environ["BPFD_HANDOVER"])
    (handover / "before.json").write_text(json.dumps([facts(rows, STABLE), facts(daemon.links(), LINK_STABLE)]))
    with tarfile.open(handover / "state.tar", "w") as tar:
        tar.add(daemon.state, "state")


def boot_second(host):
    """Another kernel, which has nothing but the state directory."""
    handover = pathlib.Path(os.environ["BPFD_HANDOVER"])
    daemon, wires = host.bpfd(start=False), [host.wire("v0"), host.wire("v1")]
    with tarfile.open(handover / "state.tar") as tar:
        tar.extractall(daemon.directory, numeric_owner=True)
    daemon.start()
    check_equal((wires[0].trace(), wires[1].trace()), ([2, 3, 1], [1]), "the chains after the reboot")
    programs, links = json.loads((handover / "before.json").read_text())
    check_equal(facts(daemon.programs(), STABLE), programs, "programs")
    check_equal(facts(daemon.links(), LINK_STABLE), links, "links")
    check(daemon.load_sequence(5) > programs[-1]["id"] + 1, "an id was used again")


if "BPFD_HANDOVER" in os.environ:
    test("extensions")(boot_first)
    test("extensions")(boot_second)
