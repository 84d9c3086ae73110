# SPDX-License-Identifier: MIT OR Apache-2.0
"""Stop, start, and kill -9 of every process: no program, attachment or packet lost, nothing half done left behind."""
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import threading
import time

from harness import bpf, isolate, sp
from harness.host import test
from harness.net import frame_number, frame_tags, one_processor, send_paced
from harness.outcome import SLOWNESS, check, check_equal, wait_for
from test_main import pins

NEEDS = ("no kernel",)  # the store and the pins, which test_persist.py and the types' own tests see on every kernel

ROLES = ("bpfd", "broker", "frontend", "opener", "loader", "gate")
VITAL = ("bpfd", "broker", "frontend", "opener")  # the service ends with these
KILL_AT = (0.15, 0.4, 0.65, 0.9)  # parts of the time that the operation takes


def chain_make(daemon, wire, count=3):
    return [(program, daemon.attach(program, wire.name)) for program in
            (daemon.load_sequence(tag) for tag in range(1, count + 1))]


def kill_role(daemon, role, victim):
    """kill -9, and what follows: the service ends as a whole, or goes on."""
    with contextlib.suppress(ProcessLookupError):  # a loader and its gate may be done with their load, and gone
        os.kill(victim, signal.SIGKILL)
    if role in VITAL:
        check(daemon.wait_end() != 0, f"bpfd's exit status after the {role} was killed is 0")
        daemon.start()
    else:
        wait_for(lambda: daemon.roles().get(role) not in (None, victim), f"another {role}")


def view(daemon):
    return [(link["id"], link["program_id"], link["position"], link["state"]) for link in daemon.links()]


class Traffic:
    """Frames sent while something happens; afterwards none may be missing."""

    def __init__(self, wire):
        self.wire, self.sent, self.stopping = wire, 0, False
        wire.listen()
        wire.drain()
        self.received = []
        self.threads = [threading.Thread(target=self.send), threading.Thread(target=self.collect)]

    def send(self):
        with one_processor():
            while not self.stopping:
                send_paced(self.wire, 10, first=self.sent)
                self.sent += 10

    def collect(self):
        while not self.stopping:
            self.received += self.wire.receive(quiet_s=0.05)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        for thread in self.threads:
            thread.join()
        self.received += self.wire.rest()

    def check_whole(self, allowed):
        """Every frame arrived, and passed one of the allowed chains whole."""
        numbers = [frame_number(frame) for frame in self.received]
        check_equal(sorted(numbers), list(range(self.sent)), "frames that arrived")
        seen = {tuple(frame_tags(frame)) for frame in self.received}
        check(seen <= set(allowed), f"chains that frames passed: {seen}, allowed are {allowed}")


@test("extensions")
def stop_and_start(host):
    daemon, wire = host.bpfd(), host.wire()
    chain = chain_make(daemon, wire)
    before, programs = view(daemon), daemon.programs()
    with Traffic(wire) as traffic:
        daemon.stop()
        daemon.start()
    traffic.check_whole([(1, 2, 3)])
    check_equal(view(daemon), before, "links after a restart")
    check_equal(daemon.programs(), programs, "programs after a restart")
    daemon.detach(chain[1][1])
    check_equal(wire.trace(), [1, 3], "bpfd manages what it found")
    new = daemon.load_sequence(9)
    check(new > max(program for program, _ in chain), "ids are never used again")


@test("extensions")
def ids_are_not_used_again(host):
    daemon = host.bpfd()
    first = daemon.load_sequence(1)
    daemon.unload(first)
    daemon.stop()
    daemon.start()
    check(daemon.load_sequence(1) > first, "an id was used again")


ID_GAP = 1024  # STORE_ID_GAP


def reboot(daemon):
    """What a reboot leaves, bpfd being stopped or killed: the state directory, but no pin and no runtime directory."""
    shutil.rmtree(daemon.runtime)
    isolate.umount(daemon.bpffs)
    isolate.mount("bpf", daemon.bpffs, "bpf", 0, "mode=0700")


def kill_all(daemon):
    for pid in daemon.leftovers():
        os.kill(pid, signal.SIGKILL)
    check(daemon.wait_end() != 0, "bpfd's exit status after all of it was killed is 0")


def nothing_listed(daemon):
    check_equal(daemon.programs(), [], "programs after a reboot")
    check_equal(daemon.links(), [], "links after a reboot")
    check_equal(pins(daemon), [], "pins after a reboot")


@test()
def reboot_after_a_stop(host):
    """Ids of programs and links go on where they were; nothing stale is listed."""
    daemon, wire = host.bpfd(), host.wire()
    program = daemon.load_sequence(1, options=("--exclusive",))
    link = daemon.attach(program, wire.name, "--exclusive")
    daemon.stop()
    wire.remove()
    reboot(daemon)
    daemon.start()
    nothing_listed(daemon)
    again = host.wire("v1")
    new = daemon.load_sequence(2, options=("--exclusive",))
    check_equal(new, program + 1, "the next program's id")
    check_equal(daemon.attach(new, again.name, "--exclusive"), link + 1, "the next link's id")
    check_equal(again.trace(), [2], "frames")


@test()
def reboot_without_a_stop(host):
    """As at a power failure: ids go on after a gap, whatever the copy did not know."""
    daemon = host.bpfd()
    for settle_s in (0, 2):  # before the copy is written, and after
        last = [daemon.load("tracepoint_counter", kind="tracepoint") for _ in range(3)][-1]
        time.sleep(settle_s * SLOWNESS)
        kill_all(daemon)
        reboot(daemon)
        daemon.start()
        nothing_listed(daemon)
        new = daemon.load("tracepoint_counter", kind="tracepoint")
        check(last < new <= last + 1 + ID_GAP, f"the next id after {last} is {new}")
        daemon.unload(new)


@test()
def kill_all_and_start(host):
    daemon, wire = host.bpfd(), host.wire()
    program = daemon.load_sequence(4, options=("--exclusive",))
    daemon.attach(program, wire.name, "--exclusive")
    before, programs = view(daemon), daemon.programs()
    kill_all(daemon)
    daemon.start()
    check_equal(view(daemon), before, "links after all of it was killed")
    check_equal(daemon.programs(), programs, "programs after all of it was killed")
    check_equal(daemon.load_sequence(5, options=("--exclusive",)), program + 1, "the next id")


@test()
def a_runtime_directory_that_is_lost(host):
    """The copy brings the records back while what they tell of is still in the kernel."""
    daemon, wire = host.bpfd(), host.wire()
    program = daemon.load_sequence(4, options=("--exclusive",))
    daemon.attach(program, wire.name, "--exclusive")
    before, programs = view(daemon), daemon.programs()
    daemon.stop()
    shutil.rmtree(daemon.runtime)
    daemon.start()
    check_equal(view(daemon), before, "links")
    check_equal(daemon.programs(), programs, "programs")


def register_idle_kill(role):
    def body(host):
        daemon, wire = host.bpfd(), host.wire()
        chain = chain_make(daemon, wire)
        before, programs, pinned = view(daemon), daemon.programs(), pins(daemon)
        with Traffic(wire) as traffic:
            kill_role(daemon, role, daemon.role(role))
        traffic.check_whole([(1, 2, 3)])
        check_equal(view(daemon), before, f"links after the {role} was killed")
        check_equal(daemon.programs(), programs, f"programs after the {role} was killed")
        check_equal(pins(daemon), pinned, f"pins after the {role} was killed")
        for program, link in chain:
            check_equal(bpf.map_counter(daemon.map_pin(program, "frames")), traffic.sent, f"frames counted by link {link}")
        daemon.unload(*(program for program, _ in chain))
        check_equal(pins(daemon), [], "pins after unload")

    body.__name__, body.__module__ = f"kill_{role}_idle", __name__
    test("extensions")(body)


def timed(client, message):
    """How long the operation takes when nobody is killed."""
    start = time.monotonic()
    number, answer = client.exchange(message)
    check(number != sp.ANSWER_ERROR, f"refused: {answer}")
    return time.monotonic() - start


def kill_during(host, role, message_of, settle):
    """Kills the role at several moments of the operation, and checks that what bpfd says is what is there."""
    daemon, wire = host.bpfd(), host.wire()
    chain_make(daemon, wire, 2)
    programs = {program["id"] for program in daemon.programs()}
    spare = daemon.load_sequence(7)
    with daemon.client() as client:
        whole_s = timed(client, message_of(daemon, wire, spare))
    settle(daemon, spare)
    for part in KILL_AT:
        victim = daemon.role(role)
        with Traffic(wire) as traffic, daemon.client() as client:
            client.send(message_of(daemon, wire, spare))
            time.sleep(part * whole_s)
            kill_role(daemon, role, victim)
            if role not in VITAL:
                client.receive()  # this load failed, or it was done before: it is answered
        traffic.check_whole([(1, 2), (1, 2, 7)])
        consistent(daemon, wire)
        settle(daemon, spare)
        check(programs <= {program["id"] for program in daemon.programs()}, "a program was lost")
        check_equal(wire.trace(), [1, 2], "the chain afterwards")


def consistent(daemon, wire):
    """The view, the pins and the frames agree; nothing is half done."""
    links = daemon.links()
    check(all(link["state"] == "attached" for link in links), f"links that are half done: {links}")
    tags = wire.trace()
    check_equal(len(tags), len(links), f"programs that a frame passed ({tags}), compared with links listed")
    loaded = {str(program["id"]) for program in daemon.programs()}
    for kind in ("programs", "maps"):
        pinned = {path.name for path in (daemon.bpffs / "bpfd" / kind).iterdir()}
        check_equal(pinned - loaded, set(), f"orphans under {kind}")
        if kind == "programs":
            check_equal(loaded - pinned, set(), "programs without a pin")
    dispatchers = list((daemon.bpffs / "xdp").iterdir())
    check_equal(len(dispatchers), 1, f"dispatcher directories: {dispatchers}")


def register_during(role, what, message_of, settle):
    def body(host):
        kill_during(host, role, message_of, settle)

    body.__name__, body.__module__ = f"kill_{role}_during_{what}", __name__
    test("extensions")(body)


def load_message(daemon, _wire, _spare):
    return sp.request(sp.LOAD, sp.field(1, daemon.object("sequence").read_bytes()) +
                      sp.field(2, sp.field(1, 1) + sp.field(2, "sequence")) + sp.field(5, "killed"))


def load_settle(daemon, spare):
    for program in daemon.programs("--application", "killed"):
        daemon.unload(program["id"])
    check(any(program["id"] == spare for program in daemon.programs()), "the spare program was lost")


def rebuild_message(_daemon, wire, spare):
    return sp.request(sp.ATTACH, sp.field(1, spare) + sp.field(3, 1) +
                      sp.field(4, sp.field(1, wire.name) + sp.field(5, 2 * 90)))  # zigzag


def rebuild_settle(daemon, spare):
    for link in daemon.links():
        if link["program_id"] == spare:
            daemon.detach(link["id"])


for name in ROLES:
    register_idle_kill(name)
    register_during(name, "load", load_message, load_settle)
for name in VITAL:
    register_during(name, "rebuild", rebuild_message, rebuild_settle)


@test("extensions")
def rebuilds_lose_no_frame(host):
    """Every frame passes the old chain or the new one, whole."""
    daemon, wire = host.bpfd(), host.wire()
    chain_make(daemon, wire, 2)
    third = daemon.load_sequence(3)
    with Traffic(wire) as traffic:
        for _ in range(5):
            link = daemon.attach(third, wire.name, "--priority", "10")
            daemon.detach(link)
    traffic.check_whole([(1, 2), (3, 1, 2)])


@test("extensions")
def orphans_of_its_own_are_removed(host):
    """Pins that the store does not know, as a crash between two steps leaves them, go at the next start."""
    daemon, wire = host.bpfd(), host.wire()
    program, _ = chain_make(daemon, wire, 1)[0]
    before = pins(daemon)
    daemon.stop()
    own = daemon.bpffs / "bpfd"
    orphan_maps = own / "maps" / "777"
    orphan_maps.mkdir()
    subprocess.run(["bpftool", "prog", "pin", "pinned", str(own / "programs" / str(program)), str(own / "programs" / "777")],
                   check=True)
    subprocess.run(["bpftool", "map", "pin", "pinned", str(daemon.map_pin(program, "frames")), str(orphan_maps / "frames")],
                   check=True)
    broker = pwd.getpwnam("bpfd-broker")
    for path in (orphan_maps, orphan_maps / "frames", own / "programs" / "777"):
        os.chown(path, broker.pw_uid, broker.pw_gid)  # as if the broker had made them
    daemon.start()
    check_equal(pins(daemon), before, "pins after the start")
    check(not orphan_maps.exists(), "the orphan's directory is still there")


@test("extensions")
def what_vanished_meanwhile(host):
    """The interface and a pin go while bpfd is down: it starts, says so, and manages the rest."""
    daemon, wire, other = host.bpfd(), host.wire(), host.wire("v1")
    link = chain_make(daemon, wire, 1)[0][1]
    kept = daemon.attach(daemon.load_sequence(5), other.name)
    daemon.stop()
    wire.remove()
    daemon.start()
    check_equal(daemon.link(link)["state"], "gone", "state of the link whose interface went")
    check_equal(daemon.link(kept)["state"], "attached", "state of the other link")
    check_equal(other.trace(), [5], "frames")
    daemon.detach(link)


@test()
def exclusive_survives_every_kill(host):
    """What kernels without extension programs can do too."""
    daemon, wire = host.bpfd(), host.wire()
    program = daemon.load_sequence(4, options=("--exclusive",))
    daemon.attach(program, wire.name, "--exclusive")
    before, pinned = view(daemon), pins(daemon)
    for role in ROLES:
        with Traffic(wire) as traffic:
            kill_role(daemon, role, daemon.role(role))
        traffic.check_whole([(4,)])
        check_equal(view(daemon), before, f"links after the {role} was killed")
        check_equal(pins(daemon), pinned, f"pins after the {role} was killed")
    daemon.unload(program)
    check_equal(pins(daemon), [], "pins after unload")
