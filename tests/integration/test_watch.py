# SPDX-License-Identifier: MIT OR Apache-2.0
"""bpfctl watch: exactly what was done, by whom, in order; what others did; and the end of either side."""
import json
import os
import select
import signal
import subprocess

import test_interop
from harness.host import test
from harness.outcome import SLOWNESS, Fail, check, check_equal, check_in
from test_policy import NOBODY, audit_wait


class Watch:
    """A bpfctl watch that runs beside the test."""

    def __init__(self, daemon, *options):
        self.process = subprocess.Popen(
            [str(daemon.binary("bpfctl")), "--socket", str(daemon.socket), *(options or ("-o", "json")), "watch"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.pending = b""
        if not options:
            check_equal(self.next()["event"], "connected", "the first event")

    def line(self, wait_s=10):
        """The next line, or None if there is none in time."""
        while b"\n" not in self.pending:
            if not select.select([self.process.stdout], [], [], wait_s * SLOWNESS)[0]:
                return None
            part = os.read(self.process.stdout.fileno(), 65536)
            if not part:
                raise Fail(f"bpfctl watch ended: {self.process.stderr.read().decode()}")
            self.pending += part
        line, self.pending = self.pending.split(b"\n", 1)
        return line.decode()

    def next(self):
        line = self.line()
        check(line is not None, "no event came in time")
        return json.loads(line)

    def expect(self, kind, **values):
        event = self.next()
        check_equal({key: event[key] for key in ("event", *values)}, {"event": kind, **values}, f"the event in {event}")
        return event

    def silent(self):
        line = self.line(0.5)
        check(line is None, f"an event that nobody caused: {line}")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        check_equal(self.process.wait(10 * SLOWNESS), 0, "bpfctl's exit status after SIGINT")


def by_root(event, operation=None):
    check_equal((event["peer"]["uid"], event["peer"]["gid"]), (0, 0), "who asked")
    check(event["peer"]["pid"] > 0 and len(event["request_id"]) == 32, f"pid and request id of {event}")
    check_equal(event["operation"], operation, "operation")


@test()
def a_session(host):
    """Everything that one user does, and nothing else, numbered without a gap."""
    daemon, wire = host.bpfd(), host.wire()
    watch = Watch(daemon)
    tracepoint = daemon.load("tracepoint_counter", kind="tracepoint")
    first = watch.expect("load", program_id=tracepoint, type="tracepoint", program_name="tracepoint_counter", link_id=None,
                         program_state="loaded", error=None)
    by_root(first)
    old, new = (daemon.load_sequence(tag, options=("--exclusive",)) for tag in (4, 5))
    watch.expect("load", program_id=old, type="xdp")
    watch.expect("load", program_id=new, type="xdp")
    hook = daemon.ask("attach", "tracepoint", tracepoint, "--target", "syscalls/sys_enter_sched_yield")["id"]
    watch.expect("attach", program_id=tracepoint, link_id=hook, where="syscalls/sys_enter_sched_yield", link_state="attached")
    link = daemon.attach(old, wire.name, "--exclusive")
    watch.expect("attach", program_id=old, link_id=link, where=wire.name)
    daemon.refused("attach", "xdp", old, "--iface", "nowhere", "--exclusive")
    refused = watch.expect("refused", operation="attach", program_id=old, link_id=None)
    by_root(refused, "attach")
    check_in("nowhere", refused["error"]["message"], "why it was refused")
    check_equal(refused["error"]["code"], "not found", "code")
    daemon.ask("update", link, "--program", new)
    watch.expect("update", program_id=new, link_id=link, where=wire.name)
    daemon.ask("list", "links")
    daemon.refused("get", "program", "999")
    daemon.unload(old)
    watch.expect("unload", program_id=old, program_name="sequence")
    daemon.detach(hook)
    by_root(watch.expect("detach", program_id=tracepoint, link_id=hook, where="syscalls/sys_enter_sched_yield"))
    daemon.unload(new)  # with its link
    by_root(watch.expect("detach", program_id=new, link_id=link, where=wire.name))
    last = watch.expect("unload", program_id=new)
    check_equal(last["sequence"], first["sequence"] + 10, "number of the last event")
    watch.silent()
    watch.stop()


@test()
def refusals(host):
    daemon = host.bpfd(socket={"mode": "0666"})
    watch = Watch(daemon)
    daemon.refused("unload", "7", user=NOBODY)
    event = watch.expect("refused", operation="unload", program_id=7)
    check_equal((event["peer"]["uid"], event["error"]["code"]), (int(NOBODY[0]), "permission denied"), "who and why")
    # one who may not watch is told nothing, again and again, and said once
    result = daemon.bpfctl("--timeout", "1", "watch", user=NOBODY)
    check_equal(result.returncode, 3, "exit status of a watch that is not allowed")
    check_in("you may not", result.stderr, "what it says")
    check_equal(result.stdout, "", "what a stranger sees")
    watch.expect("refused", operation="watch")
    audit_wait(daemon, "operation=watch", "result=denied", "uid=65534")
    check_equal(daemon.log().count("operation=watch"), 1, "audit lines")
    watch.silent()
    daemon.load("tracepoint_counter", kind="tracepoint")
    watch.expect("load")
    watch.stop()


@test()
def the_socket(host):
    daemon = host.bpfd()
    path = daemon.runtime / "events.sock"
    check_equal((path.stat().st_mode & 0o777, path.stat().st_gid), (0o660, daemon.socket.stat().st_gid), "mode and group")
    result = daemon.bpfctl("watch", user=NOBODY)
    check_equal(result.returncode, 3, "exit status")
    check_in("permission denied", result.stderr, "what it says")


@test()
def an_interface_goes(host):
    daemon, wire = host.bpfd(), host.wire()
    program = daemon.load_sequence(4, options=("--exclusive",))
    link = daemon.attach(program, wire.name, "--exclusive")
    watch = Watch(daemon)
    wire.remove()
    watch.expect("link-state", link_id=link, link_state="gone", program_id=program, where=wire.name, peer=None, request_id=None)
    watch.silent()
    daemon.detach(link)
    watch.expect("detach", link_id=link)
    watch.stop()


@test()
def bpfd_goes_and_returns(host):
    daemon = host.bpfd()
    watch = Watch(daemon)
    program = daemon.load("tracepoint_counter", kind="tracepoint")
    watch.expect("load", program_id=program, sequence=1)
    daemon.stop()
    watch.expect("disconnected")
    daemon.start()
    watch.expect("connected")
    daemon.unload(program)
    watch.expect("missed", missed=None)
    watch.expect("unload", program_id=program, sequence=1)
    watch.stop()


@test()
def for_people(host):
    daemon = host.bpfd()
    watch = Watch(daemon, "-o", "table")
    check_equal(watch.line().split(), ["TIME", "EVENT", "PROGRAM", "LINK", "TYPE", "UID", "PID", "WHAT"], "head")
    check_in("connected", watch.line(), "the first event")
    program = daemon.load("tracepoint_counter", kind="tracepoint")
    row = watch.line().split()
    check_equal([*row[1:6], row[7]], ["load", str(program), "-", "tracepoint", "0", "tracepoint_counter"], "a load")
    daemon.refused("detach", "77")
    check_in("detach: ", watch.line(), "a refusal")
    watch.process.stdout.close()  # its reader goes
    check_equal(watch.process.wait(10 * SLOWNESS), 0, "bpfctl's exit status when nobody reads")


@test("extensions")
def somebody_else(host):
    """xdp-loader beside bpfd on the same interface."""
    daemon, wire = host.bpfd(), host.wire()
    program = daemon.load_sequence(1)
    link = daemon.attach(program, wire.name, "--priority", 10)
    watch = Watch(daemon)
    foreign = test_interop.foreign_load(daemon, wire, 20)
    watch.expect("foreign-attach", kernel_program_id=foreign, program_name="sequence_second", where=wire.name, type="xdp",
                 link_id=None, program_id=None, peer=None)
    second = daemon.load_sequence(2)
    watch.expect("load", program_id=second)
    other = daemon.attach(second, wire.name, "--priority", 30)
    watch.expect("attach", link_id=other)
    test_interop.xdp_loader("unload", wire.name, "-i", foreign)
    watch.expect("foreign-detach", kernel_program_id=foreign, program_name="sequence_second", where=wire.name)
    test_interop.xdp_loader("unload", wire.name, "-i", test_interop.kernel_id(daemon, second))
    watch.expect("link-state", link_id=other, link_state="removed", where=wire.name, peer=None)
    daemon.detach(link)
    watch.expect("detach", link_id=link)
    daemon.detach(other)
    watch.expect("detach", link_id=other)
    watch.silent()
    watch.stop()
