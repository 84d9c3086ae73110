# SPDX-License-Identifier: MIT OR Apache-2.0
"""Update: a link's program, priority and proceed-on change in place; who is served sees the old or the new, whole."""
import errno
import os
import signal
import threading
import time

import test_tc
from harness import bpf, sp
from harness.host import test
from harness.net import frame_tags
from harness.outcome import SLOWNESS, check, check_equal, check_in
from test_main import pins
from test_restart import KILL_AT, Traffic, timed
from test_tracepoint import fire
from test_tracing import calls, work

UPDATES = 30  # of each kind, while frames pass


def update(daemon, link, *options):
    return daemon.ask("update", link, *options)


def chain_make(daemon, wire, tags=(1, 2, 3)):
    """(program, link) by tag, all with the default priority."""
    programs = {tag: daemon.load_sequence(tag) for tag in tags}
    return {tag: (program, daemon.attach(program, wire.name)) for tag, program in programs.items()}


@test("extensions")
def priority_in_place(host):
    daemon, wire = host.bpfd(), host.wire()
    chain = chain_make(daemon, wire)
    link = update(daemon, chain[1][1], "--priority", "90")
    check_equal((link["id"], link["priority"], link["position"]), (chain[1][1], 90, 2), "the link")
    check_equal(wire.trace(), [2, 3, 1], "order")
    update(daemon, chain[3][1], "--priority", "0")
    check_equal(wire.trace(), [3, 2, 1], "order after a second update")
    update(daemon, chain[3][1], "--priority", "50")
    update(daemon, chain[1][1], "--priority", "50")
    check_equal(wire.trace(), [1, 2, 3], "ties, by link id")
    daemon.stop()
    daemon.start()
    check_equal([row["priority"] for row in daemon.links()], [50, 50, 50], "priorities after a restart")


@test("extensions")
def proceed_on_in_place(host):
    daemon, wire = host.bpfd(), host.wire()
    chain = chain_make(daemon, wire)
    link = update(daemon, chain[2][1], "--proceed-on", "drop,tx")
    check_equal(link["proceed_on"], ["drop", "tx", "dispatcher_return"], "proceed_on")
    check_equal(wire.trace(), [1, 2], "the chain ends where a program does not say that it goes on")
    update(daemon, chain[2][1], "--proceed-on", "pass", "--priority", "7")
    check_equal(wire.trace(), [2, 1, 3], "both at once")


@test("extensions")
def program_in_place(host):
    daemon, wire = host.bpfd(), host.wire()
    chain = chain_make(daemon, wire)
    new = daemon.load_sequence(9)
    link = update(daemon, chain[2][1], "--program", new)
    check_equal((link["id"], link["program_id"], link["position"], link["priority"]), (chain[2][1], new, 1, 50), "the link")
    check_equal(wire.trace(), [1, 9, 3], "the new version runs where the old one ran")
    daemon.unload(chain[2][0])
    check_equal(wire.trace(), [1, 9, 3], "the old version can be unloaded")
    daemon.stop()
    daemon.start()
    check_equal(daemon.link(chain[2][1])["program_id"], new, "program after a restart")
    daemon.detach(chain[2][1])
    check_equal(wire.trace(), [1, 3], "after detach")
    daemon.unload(new, chain[1][0], chain[3][0])
    check_equal(pins(daemon), [], "pins")


@test("extensions")
def no_frame_sees_half_an_update(host):
    """Every frame passes the chain before an update or the one after it, whole; each program counts what it saw."""
    daemon, wire = host.bpfd(), host.wire()
    chain = chain_make(daemon, wire)
    new = daemon.load_sequence(9)
    allowed = [(1, 2, 3), (1, 9, 3), (1, 3, 2), (1, 2, 3)]
    with Traffic(wire) as traffic:
        for number in range(UPDATES):
            update(daemon, chain[2][1], "--program", new if number % 2 == 0 else chain[2][0])
        for number in range(UPDATES):
            update(daemon, chain[2][1], "--priority", 90 if number % 2 == 0 else 50)
    traffic.check_whole(allowed)
    seen = [tuple(frame_tags(frame)) for frame in traffic.received]
    check({(1, 2, 3), (1, 9, 3), (1, 3, 2)} == set(seen), f"not every chain was met: {set(seen)}")
    for tag, program in ((1, chain[1][0]), (2, chain[2][0]), (3, chain[3][0]), (9, new)):
        check_equal(bpf.map_counter(daemon.map_pin(program, "frames")), sum(tag in tags for tags in seen),
                    f"frames counted by program {tag}")


class Flood:
    """Frames as fast as they go, beyond what the wire takes: what got through is what the programs count."""

    def __init__(self, wire):
        self.wire, self.stopping = wire, False
        self.thread = threading.Thread(target=self.send)

    def send(self):
        while not self.stopping:
            try:
                self.wire.send_test()
            except OSError as error:  # the queue is full
                check_equal(error.errno, errno.ENOBUFS, "error of a sender")

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.thread.join()
        time.sleep(0.3 * SLOWNESS)  # what is still in the queue


def check_flood(daemon, always, instead):
    """Each frame was counted by all of `always`, and by exactly one of `instead`."""
    counted = {program: bpf.map_counter(daemon.map_pin(program, "frames")) for program in always + instead}
    first = counted[always[0]]
    check(first > 1000, f"only {first} frames in a flood")
    check(all(counted[program] > 0 for program in instead), f"a program counted nothing: {counted}")
    check_equal([counted[program] for program in always], [first] * len(always), "frames counted by those that stay")
    check_equal(sum(counted[program] for program in instead), first, f"frames counted by those that were exchanged: {counted}")


@test("extensions")
def flood(host):
    """
    No frame of a flood is counted twice, or not at all, whatever is updated meanwhile. The kernel patches its own code
    whenever an XDP program comes or goes (bpf_dispatcher), and QEMU's emulation may run such code as it was a moment ago on
    another processor: the guest panics. There all of this shares one processor.
    """
    if SLOWNESS > 1:
        os.sched_setaffinity(0, {0})
    daemon, wire = host.bpfd(), host.wire()
    chain = chain_make(daemon, wire)
    new = daemon.load_sequence(9)
    with Flood(wire):
        for number in range(UPDATES):
            update(daemon, chain[2][1], "--program", (new, chain[2][0])[number % 2], "--priority", (50, 90, 10)[number % 3])
    check_flood(daemon, [chain[1][0], chain[3][0]], [chain[2][0], new])


@test("extensions")
def tc_in_place(host):
    """The same for TC: program, priority and proceed-on, and no frame sees half of it."""
    daemon, wire = host.bpfd(), host.wire()
    programs = {tag: test_tc.load(daemon, tag) for tag in (1, 2, 3, 9)}
    links = {tag: test_tc.attach(daemon, programs[tag], wire)["id"] for tag in (1, 2, 3)}
    link = update(daemon, links[2], "--program", programs[9], "--priority", "60")
    check_equal((link["id"], link["program_id"], link["position"]), (links[2], programs[9], 2), "the link")
    check_equal(wire.trace(), [1, 3, 9], "frames")
    update(daemon, links[2], "--program", programs[2], "--priority", "50")
    with Traffic(wire) as traffic:
        for number in range(UPDATES):
            update(daemon, links[2], "--program", programs[9 if number % 2 == 0 else 2])
        for number in range(UPDATES):
            update(daemon, links[2], "--priority", 90 if number % 2 == 0 else 50)
    traffic.check_whole([(1, 2, 3), (1, 9, 3), (1, 3, 2)])
    link = update(daemon, links[2], "--proceed-on", "shot")
    check_equal(link["proceed_on"], ["shot", "dispatcher_return"], "proceed_on")
    check_equal(wire.trace(), [1, 2], "the chain ends behind it")
    check_in("is attached there already", daemon.refused("update", links[2], "--program", programs[1]), "refusal")
    check_in("no action \"pass\"", daemon.bpfctl("update", links[2], "--proceed-on", "pass").stderr, "an action of xdp's")
    daemon.unload(programs[9])
    before = daemon.links()
    daemon.stop()
    daemon.start()
    check_equal(daemon.links(), before, "links after a restart")


@test()
def an_exclusive_one(host):
    daemon, wire = host.bpfd(), host.wire()
    old, new = (daemon.load_sequence(tag, options=("--exclusive",)) for tag in (4, 5))
    link = daemon.attach(old, wire.name, "--exclusive")
    with Traffic(wire) as traffic:
        for number in range(UPDATES):
            update(daemon, link, "--program", (new, old)[number % 2])
    traffic.check_whole([(4,), (5,)])
    update(daemon, link, "--program", new)
    check_equal(wire.trace(), [5], "frames")
    check_equal(len(daemon.links()), 1, "links")
    check_in("no place in an order", daemon.refused("update", link, "--priority", "3"), "refusal of a priority")
    daemon.unload(old)
    daemon.stop()
    daemon.start()
    check_equal((daemon.link(link)["state"], daemon.link(link)["program_id"]), ("attached", new), "after a restart")
    daemon.detach(link)
    check_equal(wire.trace(), [], "frames after detach")
    daemon.unload(new)
    check_equal(pins(daemon), [], "pins")


@test()
def a_tracepoint(host):
    """No event is missed; for a moment both may count."""
    daemon = host.bpfd()
    old, new = (daemon.load("tracepoint_counter", kind="tracepoint") for _ in range(2))

    def events():
        return [bpf.map_counter(daemon.map_pin(program, "events")) for program in (old, new)]

    link = daemon.ask("attach", "tracepoint", old, "--target", "syscalls/sys_enter_sched_yield")["id"]
    fire()
    updated = update(daemon, link, "--program", new)
    check_equal((updated["id"], updated["program_id"], updated["target"]),
                (link, new, "syscalls/sys_enter_sched_yield"), "the link")
    before = events()
    fire(50)
    after = events()
    check_equal(after[0], before[0], "events that the old program counts")
    check(after[1] >= before[1] + 50, f"the new program counted {after[1] - before[1]} of 50 events")
    daemon.stop()
    daemon.start()
    check_equal(daemon.link(link)["state"], "attached", "state after a restart")
    daemon.unload(old)
    daemon.detach(link)
    before = events()[1:] if daemon.programs() == [] else bpf.map_counter(daemon.map_pin(new, "events"))
    fire()
    check_equal(bpf.map_counter(daemon.map_pin(new, "events")), before, "events after detach")
    check_equal(list((daemon.bpffs / "bpfd" / "links").iterdir()), [], "pins of links")


@test("extensions")
def a_function(host):
    daemon = host.bpfd()
    old, new = (daemon.load("tracing", "sleep_begins", kind="fentry") for _ in range(2))
    other = daemon.ask("load", "file", daemon.object("tracing"), "--program", "fentry:anywhere:do_sys_openat2")[0]["id"]
    link = daemon.ask("attach", "fentry", old)["id"]
    check_in("load it for that", daemon.refused("update", link, "--program", other), "refusal of another place")
    update(daemon, link, "--program", new)
    before = [calls(daemon, program, 2) for program in (old, new)]
    work()
    after = [calls(daemon, program, 2) for program in (old, new)]
    check_equal(after[0], before[0], "calls that the old program counts")
    check(after[1] >= before[1] + 5, "the new program does not count")
    daemon.unload(old)
    daemon.detach(link)
    check_equal(daemon.links(), [], "links")


@test()
def a_repeated_request(host):
    """The first answer comes back, also when other updates came between; nothing is done again."""
    daemon, wire = host.bpfd(), host.wire()
    old, new = (daemon.load_sequence(tag, options=("--exclusive",)) for tag in (4, 5))
    link = daemon.attach(old, wire.name, "--exclusive")
    message = sp.request(sp.UPDATE, sp.field(1, link) + sp.field(2, new), request_id=os.urandom(16))
    with daemon.client() as client:
        check_equal(client.exchange(message)[0], 12, "kind of the answer")
        update(daemon, link, "--program", old)
        check_equal(client.exchange(message)[0], 12, "kind of the repeated answer")
    check_equal(daemon.link(link)["program_id"], old, "what runs")
    check_equal(wire.trace(), [4], "frames")


@test("extensions")
def what_is_refused(host):
    daemon, wire, other = host.bpfd(), host.wire(), host.wire("v1")
    chain = chain_make(daemon, wire)
    link = chain[2][1]
    tracepoint = daemon.load("tracepoint_counter", kind="tracepoint")
    alone = daemon.load_sequence(6, options=("--exclusive",))
    gone = daemon.attach(chain[1][0], other.name)
    before = daemon.links()
    for options, reason in ((("--priority", "-1"), "priority -1 is out of range"),
                            (("--priority", "1000001"), "priority 1000001 is out of range"),
                            (("--program", "4711"), "there is no program 4711"),
                            (("--program", tracepoint), "is of type tracepoint, and link"),
                            (("--program", alone), "was loaded with --exclusive"),
                            (("--program", chain[1][0]), "is attached there already, as link")):
        check_in(reason, daemon.refused("update", link, *options), f"refusal of {options}")
    check_in("there is no link 4711", daemon.refused("update", "4711", "--priority", "1"), "refusal")
    for options, reason in (((), "nothing to change"), (("--proceed-on", "maybe"), "no action \"maybe\""),
                            (("--proceed-on", "pass,pass"), "twice"), (("--program", "x"), "no program id")):
        result = daemon.bpfctl("update", link, *options)
        check_equal(result.returncode, 2, f"exit status with {options}: {result.stderr}")
        check_in(reason, result.stderr, "complaint")
    with daemon.client() as client:
        for body, reason in ((sp.field(1, link), b"nothing to change"), (sp.field(2, 5), b"update.link_id is 0"),
                             (sp.field(1, link) + sp.field(4, sp.varint(9)), b"proceed_on has")):
            number, answer = client.call(sp.UPDATE, body)
            check_equal(number, sp.ANSWER_ERROR, "kind of the answer")
            check_in(reason, sp.value(answer, 2), "error")
    check_equal(daemon.links(), before, "links after refusals")
    other.remove()
    check_in("is gone", daemon.refused("update", gone, "--priority", "1"), "refusal without an interface")
    # bpfd sends values in varints of 64 bits, signed ones in zigzag: -1 and 0 as a priority are different things
    update(daemon, link, "--priority", "0")
    check_equal(wire.trace(), [2, 1, 3], "order")


@test("extensions")
def nothing_new(host):
    """What a link is already is no error: a declaration may be applied again."""
    daemon, wire = host.bpfd(), host.wire()
    chain = chain_make(daemon, wire, (1, 2))
    before = daemon.links()
    dispatchers = sorted(path.name for path in (daemon.bpffs / "xdp").iterdir())
    update(daemon, chain[1][1], "--program", chain[1][0], "--priority", "50", "--proceed-on", "pass,dispatcher_return")
    check_equal(daemon.links(), before, "links")
    check_equal(sorted(path.name for path in (daemon.bpffs / "xdp").iterdir()), dispatchers, "dispatchers")


def kill_during(host, exclusive):
    """kill -9 of the broker at several moments of an update: what runs is what bpfd says, and a repeat of the request does it."""
    daemon, wire = host.bpfd(), host.wire()
    options = ("--exclusive",) if exclusive else ()
    one, two = (daemon.load_sequence(tag, options=options) for tag in (1, 2))
    link = daemon.attach(one, wire.name, *options)
    tags = {one: [1], two: [2]}

    def message(program, request_id=None):
        return sp.request(sp.UPDATE, sp.field(1, link) + sp.field(2, program), request_id=request_id)

    with daemon.client() as client:
        whole_s = timed(client, message(two))
    update(daemon, link, "--program", one)
    for part in KILL_AT + (0.5, 0.6, 0.7, 0.8):
        request_id = os.urandom(16)
        with Traffic(wire) as traffic, daemon.client() as client:
            victim = daemon.role("broker")
            client.send(message(two, request_id))
            time.sleep(part * whole_s)
            os.kill(victim, signal.SIGKILL)
            check(daemon.wait_end() != 0, "bpfd's exit status")
            daemon.start()
        traffic.check_whole([(1,), (2,)])
        found = daemon.link(link)
        check_equal(found["state"], "attached", "state")
        check_equal(wire.trace(), tags[found["program_id"]], "frames, and the program that the link has")
        with daemon.client() as client:
            client.exchange(message(two, request_id))
        check_equal((daemon.link(link)["program_id"], wire.trace()), (two, [2]), "after the repeat")
        update(daemon, link, "--program", one)
        check_equal(wire.trace(), [1], "frames after an update back")
    daemon.unload(one, two)
    check_equal(pins(daemon), [], "pins")


@test("extensions")
def killed_in_the_middle(host):
    kill_during(host, False)


@test()
def killed_in_the_middle_of_an_exclusive_one(host):
    kill_during(host, True)
