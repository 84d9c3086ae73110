# SPDX-License-Identifier: MIT OR Apache-2.0
"""Who may do what, and the audit lines."""
import errno
import grp
import os
import re

from harness import bpf
from harness.host import test
from harness.outcome import check, check_equal, check_in, wait_for

NEEDS = ("no kernel",)  # who may do what is bpfd's to say

NOBODY = ("65534", "65534")


def audit_lines(daemon):
    return [line[line.index("audit "):] for line in daemon.log().splitlines() if "audit " in line]


def audit_wait(daemon, *parts):
    """A line that has all the parts."""
    wait_for(lambda: any(all(part in line for part in parts) for line in audit_lines(daemon)),
             f"an audit line with {parts} among {audit_lines(daemon)}")


@test()
def nobody_may_nothing(host):
    daemon = host.bpfd(socket={"mode": "0666"})
    daemon.load("tracepoint_counter", kind="tracepoint")
    path = str(daemon.object("tracepoint_counter"))
    commands = {
        "load": ("load", "file", path, "--program", "tracepoint:tracepoint_counter"),
        "attach": ("attach", "tracepoint", "1", "--target", "sched/sched_switch"),
        "detach": ("detach", "1"), "unload": ("unload", "1"), "list programs": ("list", "programs"),
        "list links": ("list", "links"), "get program": ("get", "program", "1"), "status": ("status",),
    }
    for name, command in commands.items():
        message = daemon.refused(*command, user=NOBODY)
        check_in("permission denied", message, name)
        check_in(name.split()[0], message, f"the operation's name in the refusal of {name}")
    for name in ("load", "attach", "detach", "unload"):
        audit_wait(daemon, f"operation={name}", "result=denied", "uid=65534")
    check_equal(len(daemon.programs()), 1, "programs afterwards")


@test()
def the_socket_keeps_strangers_out(host):
    daemon = host.bpfd()
    check_equal(daemon.socket.stat().st_mode & 0o777, 0o660, "mode of the socket")
    check_equal(grp.getgrgid(daemon.socket.stat().st_gid).gr_name, "bpfd", "group of the socket")
    result = daemon.bpfctl("status", user=NOBODY)
    check_equal(result.returncode, 3, "exit status for a user who may not open the socket")


@test()
def a_member_of_the_group_may(host):
    daemon = host.bpfd()
    member = ("65534", str(grp.getgrnam("bpfd").gr_gid))
    program = daemon.load("tracepoint_counter", kind="tracepoint")
    check_equal(daemon.bpfctl("list", "programs", user=member).returncode, 0, "list programs")
    check_equal(daemon.bpfctl("unload", program, user=member).returncode, 0, "unload")
    audit_wait(daemon, "operation=unload", "result=done", "uid=65534")


def as_user(uid, gid, function):
    """What the function returns in a child that has become somebody else: a number from 0 to 255, or an errno."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
            os._exit(function())
        except OSError as error:
            os._exit(error.errno)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@test()
def members_of_the_group_read_and_write_maps(host):
    """By any library, without bpfd; others may not."""
    daemon = host.bpfd()
    pin = daemon.map_pin(daemon.load("tracepoint_counter", kind="tracepoint"), "events")

    def read_and_write():
        bpf.map_update(pin, 0, (7).to_bytes(8, "little"))
        return bpf.map_counter(pin)

    check_equal(as_user(65534, grp.getgrnam("bpfd").gr_gid, read_and_write), 7, "what a member reads after it wrote 7")
    check_equal(as_user(65534, 65534, read_and_write), errno.EACCES, "what somebody else gets")


@test()
def readers_of_maps(host):
    """Whom a program's metadata names reads its maps through bpfd: no file of bpffs, no other program, no change."""
    daemon = host.bpfd(socket={"mode": "0666"})
    own = daemon.load("map_kinds", kind="tracepoint", options=("--metadata", f"bpfd.map-readers=1,{NOBODY[0]}"))
    other = daemon.load("map_kinds", kind="tracepoint", options=("--metadata", "bpfd.map-readers=1"))
    daemon.ask("map", "set", own, "flows", "{port=80}", "{packets=5}")
    entry = daemon.ask("map", "get", own, "flows", "{port=80}")
    check_equal(daemon.ask("map", "get", own, "flows", "{port=80}", user=NOBODY), entry, "an entry")
    check_equal(daemon.ask("map", "dump", own, "flows", user=NOBODY), [entry], "all entries")
    check_equal(daemon.ask("map", "list", own, user=NOBODY), daemon.ask("map", "list", own), "its maps")
    check_equal(as_user(65534, 65534, lambda: bpf.object_get(daemon.map_pin(own, "flows"))), errno.EACCES, "its pin")
    for command in (("map", "dump", other, "flows"), ("map", "list", other), ("get", "program", "--kernel", own), ("list", "programs"),
                    ("list", "maps"), ("map", "set", own, "numbers", 0, 1), ("map", "delete", own, "flows", "{port=80}"),
                    ("unload", own), ("map", "dump", 99, "flows")):
        check_in("permission denied", daemon.refused(*command, user=NOBODY), f"refusal of {command}")
    daemon.stop()
    daemon.start()
    check_equal(daemon.ask("map", "get", own, "flows", "{port=80}", user=NOBODY), entry, "an entry after a restart")
    check_in("give their numbers", daemon.refused("load", "file", daemon.object("map_kinds"), "--program", "tracepoint:map_kinds",
                                                  "--metadata", "bpfd.map-readers=alice"), "a name")


@test()
def every_change_is_audited(host):
    daemon = host.bpfd()
    program = daemon.load("tracepoint_counter", kind="tracepoint")
    link = daemon.ask("attach", "tracepoint", program, "--target", "sched/sched_process_exit")["id"]
    daemon.detach(link)
    daemon.unload(program)
    daemon.refused("unload", program)
    names = {"load": f"programs={program}", "attach": f"program={program}", "detach": f"link={link}",
             "unload": f"program={program}"}
    for operation, name in names.items():
        audit_wait(daemon, f"operation={operation}", "result=done", "uid=0", name)
    audit_wait(daemon, "operation=unload", "result=refused")
    for line in audit_lines(daemon):
        check(re.search(r"\buid=\d+ gid=\d+ pid=\d+", line), f"an audit line without the peer: {line}")


@test()
def strangers_text_is_escaped(host):
    daemon = host.bpfd()
    daemon.bpfctl("attach", "xdp", "1", "--iface", "a\naudit op=x")
    daemon.bpfctl("load", "file", daemon.object("tracepoint_counter"), "--program", "tracepoint:x\naudit forged")
    check(not any(line.startswith("audit forged") or line.startswith("audit op=x") for line in daemon.log().splitlines()),
          "a client wrote a line of its own into the log")
