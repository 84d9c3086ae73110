# SPDX-License-Identifier: MIT OR Apache-2.0
"""A tracepoint program counts real events."""
import os

from harness import bpf
from harness.host import test
from harness.outcome import check, check_equal, check_in
from test_probes import broker_killed, kept_open

EVENTS = 50


def events(daemon, program):
    return bpf.map_counter(daemon.map_pin(program, "events"))


def fire(count=EVENTS):
    for _ in range(count):
        os.sched_yield()


@test()
def counts_events(host):
    daemon = host.bpfd()
    program = daemon.load("tracepoint_counter", kind="tracepoint")
    link = daemon.ask("attach", "tracepoint", program, "--target", "syscalls/sys_enter_sched_yield")
    check_equal((link["type"], link["target"], link["state"]), ("tracepoint", "syscalls/sys_enter_sched_yield", "attached"),
                "link")
    before = events(daemon, program)
    fire()
    counted = events(daemon, program) - before
    check(counted >= EVENTS, f"{counted} of {EVENTS} events counted")
    daemon.detach(link["id"])
    before = events(daemon, program)
    fire()
    check_equal(events(daemon, program), before, "events counted after detach")
    daemon.unload(program)


@test()
def survives_a_restart(host):
    daemon = host.bpfd()
    program = daemon.load("tracepoint_counter", kind="tracepoint")
    link = daemon.ask("attach", "tracepoint", program, "--target", "syscalls/sys_enter_sched_yield")["id"]
    ends = kept_open(daemon)
    for end in (daemon.stop, lambda: broker_killed(daemon)):
        end()
        before = events(daemon, program)
        fire()
        while_down = events(daemon, program) - before
        check(while_down == 0 if ends else while_down >= EVENTS, f"{while_down} events counted while bpfd is down")
        daemon.start()
        check_equal(daemon.link(link)["state"], "attached", "state after the restart")
        before = events(daemon, program)
        fire()
        check(events(daemon, program) - before >= EVENTS, "events were lost after the restart")
    daemon.detach(link)
    before = events(daemon, program)
    fire()
    check_equal(events(daemon, program), before, "events counted after detach")


@test()
def two_links_of_one_program(host):
    daemon = host.bpfd()
    program = daemon.load("tracepoint_counter", kind="tracepoint")
    for target in ("syscalls/sys_enter_sched_yield", "syscalls/sys_exit_sched_yield"):
        daemon.ask("attach", "tracepoint", program, "--target", target)
    before = events(daemon, program)
    fire()
    check(events(daemon, program) - before >= 2 * EVENTS, "both tracepoints count")
    daemon.unload(program)
    check_equal(daemon.links(), [], "links after unload")


@test()
def unknown_target(host):
    daemon = host.bpfd()
    program = daemon.load("tracepoint_counter", kind="tracepoint")
    message = daemon.refused("attach", "tracepoint", program, "--target", "syscalls/sys_enter_nothing")
    check_in("sys_enter_nothing", message, "refusal")
    for target in ("../../etc", "a/b/c", "sched", "sched/..", "/", "sched/"):
        result = daemon.bpfctl("attach", "tracepoint", program, "--target", target)
        check(result.returncode in (1, 2), f"target {target!r} was accepted")


@test()
def of_the_wrong_type(host):
    daemon, wire = host.bpfd(), host.wire()
    trace = daemon.load("tracepoint_counter", kind="tracepoint")
    packets = daemon.load("xdp_counter")
    daemon.refused("attach", "xdp", trace, "--iface", wire.name)
    daemon.refused("attach", "tracepoint", packets, "--target", "sched/sched_switch")
