# SPDX-License-Identifier: MIT OR Apache-2.0
"""Programs at places in the kernel that need no perf event: raw_tracepoint, tp_btf, fentry, fexit, fmod_ret, lsm."""
import errno
import os
import time

from harness import bpf
from harness.host import test
from harness.outcome import check, check_equal, check_in, kernel_release

# function: its slot in the map, its type as its section has it, what is said when it is attached
PLACES = {
    "btf_exit": (1, "tp_btf", "sys_exit"),
    "sleep_begins": (2, "fentry", "do_nanosleep"),
    "sleep_ends": (3, "fexit", "do_nanosleep"),
    "file_opened": (4, "lsm", "file_open"),
    "modified": (6, "fmod_ret", "security_file_open"),
}


def hooks_run():
    """Debian's 5.10 takes lsm programs and asks none of them: it is started without the LSM called bpf."""
    return kernel_release() >= (6, 1)


def calls(daemon, program, slot):
    return bpf.map_counter(daemon.map_pin(program, "calls"), slot)


def work():
    """Makes system calls, sleeps and opens a file."""
    for _ in range(5):
        time.sleep(0.001)
        with open("/dev/null", "rb"):
            pass


def check_counts(daemon, program, slot, moves):
    before = calls(daemon, program, slot)
    work()
    after = calls(daemon, program, slot)
    check(after >= before + 5 if moves else after == before, f"{before} calls before, {after} after")


@test()
def raw_tracepoint(host):
    daemon = host.bpfd()
    program = daemon.ask("load", "file", daemon.object("tracing"), "--program", "raw_enter")[0]
    check_equal(program["type"], "raw_tracepoint", "type by the section")
    link = daemon.ask("attach", "raw_tracepoint", program["id"], "--target", "sys_enter")
    check_equal((link["target"], link["state"]), ("sys_enter", "attached"), "link")
    check_counts(daemon, program["id"], 0, True)
    daemon.stop()
    daemon.start()
    check_equal(daemon.link(link["id"])["state"], "attached", "state after a restart")
    daemon.detach(link["id"])
    check_counts(daemon, program["id"], 0, False)


@test()
def raw_tracepoint_that_is_none(host):
    daemon = host.bpfd()
    program = daemon.load("tracing", "raw_enter", kind="raw_tracepoint")
    check_in("no raw tracepoint \"nothing_here\"",
             daemon.refused("attach", "raw_tracepoint", program, "--target", "nothing_here"), "refusal")
    check_equal(daemon.links(), [], "links")


@test("extensions")
def types_by_section_run(host):
    daemon = host.bpfd()
    options = [word for name in PLACES for word in ("--program", name)]
    programs = {program["name"]: program for program in daemon.ask("load", "file", daemon.object("tracing"), *options)}
    for name, (slot, kind, place) in PLACES.items():
        program = programs[name]
        check_equal((program["type"], program["target"]), (kind, place), f"type and target of {name}")
        link = daemon.ask("attach", kind, program["id"])
        check_equal((link["target"], link["state"]), (place, "attached"), f"link of {name}")
        check_counts(daemon, program["id"], slot, kind != "lsm" or hooks_run())
        daemon.detach(link["id"])
        check_counts(daemon, program["id"], slot, False)


REFUSED_UID = 64999  # tests/bpf/tracing.bpf.c


def opens(uid):
    """0, or the error with which a process of that user cannot open a file that all may."""
    pid = os.fork()
    if pid == 0:
        status = 255
        try:
            os.setuid(uid)
            os.close(os.open("/dev/null", os.O_RDONLY))
            status = 0
        except OSError as error:
            status = error.errno
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def refuses_until_detached(daemon, kind, function):
    program = daemon.load("tracing", function, kind=kind)
    check_equal(opens(REFUSED_UID), 0, f"open before {kind} is attached")
    link = daemon.ask("attach", kind, program)["id"]
    check_equal((opens(REFUSED_UID), opens(REFUSED_UID + 1)), (errno.EPERM, 0), f"open with {kind}, by the user that it refuses and by another")
    check(calls(daemon, program, 7) > 0, "it did not run")
    daemon.detach(link)
    check_equal(opens(REFUSED_UID), 0, f"open after {kind} was detached")


@test("extensions")
def what_refuses_refuses(host):
    """A verdict of lsm and fmod_ret programs has its effect."""
    daemon = host.bpfd()
    if hooks_run():
        refuses_until_detached(daemon, "lsm", "file_refused")
    refuses_until_detached(daemon, "fmod_ret", "file_refused_early")


@test("extensions")
def survive_a_restart(host):
    daemon = host.bpfd()
    program = daemon.load("tracing", "sleep_begins", kind="fentry")
    link = daemon.ask("attach", "fentry", program)["id"]
    daemon.stop()
    check_counts(daemon, program, 2, True)
    daemon.start()
    check_equal(daemon.link(link)["state"], "attached", "state")
    daemon.unload(program)
    check_equal(daemon.links(), [], "links")


@test("extensions")
def place_in_the_request(host):
    daemon = host.bpfd()
    program = daemon.ask("load", "file", daemon.object("tracing"), "--program", "fentry:anywhere:do_nanosleep")[0]
    check_equal(program["target"], "do_nanosleep", "target")
    daemon.ask("attach", "fentry", program["id"])
    check_counts(daemon, program["id"], 5, True)


@test("extensions")
def places_that_are_none(host):
    daemon = host.bpfd()

    def refused(word):
        return daemon.refused("load", "file", daemon.object("tracing"), "--program", word)

    check_in("no function \"no_such_function\"", refused("fentry:anywhere:no_such_function"), "refusal")
    check_in("nor its section", refused("anywhere"), "refusal without a place")
    check_in("no hook \"no_such_hook\"", refused("lsm:file_opened:no_such_hook"), "refusal")
    check_in("whose type is tracing, not lsm", refused("lsm:anywhere"), "refusal of the wrong type")
    check_equal(daemon.programs(), [], "programs")


@test()
def options_of_other_types(host):
    daemon = host.bpfd()
    program = daemon.load("tracing", "raw_enter", kind="raw_tracepoint")
    for options, reason in ((("--pid", "1"), "take no --pid"), (("--iface", "lo"), "take no --iface"),
                            ((), "--target NAME is missing")):
        result = daemon.bpfctl("attach", "raw_tracepoint", program, *options)
        check_equal(result.returncode, 2, f"exit status with {options}")
        check_in(reason, result.stderr, "complaint")
    result = daemon.bpfctl("load", "file", daemon.object("tracing"), "--program", "raw_tracepoint:raw_enter:sys_enter")
    check_equal(result.returncode, 2, "exit status of a load with a target")
    check_in("take no target at load", result.stderr, "complaint")
