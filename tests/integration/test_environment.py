# SPDX-License-Identifier: MIT OR Apache-2.0
"""What bpfd finds around it: a full disk, itself running already, missing users, no bpffs."""
import pathlib
import subprocess

from harness import isolate
from harness.host import SYSUSERS, test
from harness.outcome import check, check_equal, check_in


@test()
def a_full_disk_under_the_store(host):
    daemon = host.bpfd(start=False)
    daemon.state.mkdir()
    isolate.mount("tmpfs", daemon.state, "tmpfs", 0, "size=2m,mode=0700")
    daemon.start()
    first = daemon.load("tracepoint_counter", kind="tracepoint")
    filler = daemon.state / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    refused = None
    for _ in range(60):
        result = daemon.bpfctl("-o", "json", "load", "file", daemon.object("tracepoint_counter"), "--program",
                               "tracepoint:tracepoint_counter")
        if result.returncode:
            refused = result
            break
    check(refused, "60 programs were loaded though the disk is full")
    check_equal(refused.returncode, 1, f"exit status with a full disk ({refused.stderr})")
    check(any(word in refused.stderr.lower() for word in ("space", "full", "store")), f"no reason: {refused.stderr!r}")
    known = {program["id"] for program in daemon.programs()}
    check(first in known, "the first program was lost")
    pinned = {int(path.name) for path in (daemon.bpffs / "bpfd" / "programs").iterdir()}
    check_equal(pinned, known, "pins, compared with programs")
    filler.unlink()
    daemon.load("tracepoint_counter", kind="tracepoint")
    daemon.stop()
    daemon.start()
    check(known < {program["id"] for program in daemon.programs()}, "programs after there was room again, and a restart")


@test()
def a_second_bpfd_on_the_same_directories(host):
    first = host.bpfd()
    number = first.load("tracepoint_counter", kind="tracepoint")
    second = host.bpfd("second", start=False)
    second.configure(paths={"state-directory": first.state, "runtime-directory": first.runtime})
    _, message = second.start_refused()
    check(any(word in message for word in ("running", "another", "lock")), f"no reason: {message!r}")
    check_equal([program["id"] for program in first.programs()], [number], "programs of the first")
    # only one of the two is shared, or neither but the pins
    third = host.bpfd("third", start=False)
    third.configure(paths={"state-directory": first.state})
    third.start_refused()
    fourth = host.bpfd("fourth", start=False)
    fourth.start_refused()
    check_equal(first.bpfctl("status").returncode, 0, "the first afterwards")


@test()
def a_missing_user(host):
    for name in ("bpfd-broker", "bpfd-frontend", "bpfd-loader"):
        isolate.umount("/etc/group")
        isolate.umount("/etc/passwd")
        isolate.users_make(host.scratch, SYSUSERS, without=(name,))
        daemon = host.bpfd(name, start=False)
        _, message = daemon.start_refused()
        check_in(name, message, "what bpfd says")
        check(not daemon.leftovers(), "processes are left")


@test()
def no_bpffs(host):
    isolate.umount("/sys/fs/bpf")
    _, message = host.bpfd(start=False).start_refused()
    check_in("/sys/fs/bpf", message, "what bpfd says")
    check_in("mount", message, "what to do")


@test()
def a_helper_that_is_missing(host):
    isolate.mount("tmpfs", host.scratch / "bin", "tmpfs", 0, "mode=0755")
    for name in ("bpfd", "bpfd-broker", "bpfd-opener", "bpfd-loader"):
        subprocess.run(["cp", host.build / "bin" / name, host.scratch / "bin" / name], check=True)
    _, message = host.bpfd(start=False).start_refused()
    check_in("bpfd-frontend", message, "what bpfd says")


@test()
def a_wrong_configuration(host):
    daemon = host.bpfd(start=False)
    daemon.configure(limits={"no-such-key": "1"})
    _, message = daemon.start_refused()
    check_in("no-such-key", message, "what bpfd says")
    check_in(str(daemon.config), message, "the file that is wrong")


@test()
def a_store_that_is_no_store(host):
    """Never overwritten, never taken for empty."""
    daemon = host.bpfd()
    daemon.load("tracepoint_counter", kind="tracepoint")
    daemon.stop()
    data = max((path for path in pathlib.Path(daemon.state).rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    data.write_bytes(b"no store at all " * 4096)
    _, message = daemon.start_refused()
    check(any(word in message for word in ("store", str(data), str(daemon.state))), f"no reason: {message!r}")
    check(data.read_bytes().startswith(b"no store at all"), "the file was overwritten")


@test("extensions")
def without_the_opener(host):
    """A hardened host switches it off: what is bpfd's own works, and status says what is gone."""
    daemon, wire = host.bpfd(features={"opener": "no"}), host.wire()
    check("opener" not in daemon.roles(), "the opener runs")
    check(not daemon.features()["opener"]["present"], "status claims an opener")
    link = daemon.attach(daemon.load_sequence(1), wire.name)
    daemon.attach(daemon.load_sequence(2), wire.name)
    check_equal(wire.trace(), [1, 2], "frames")
    daemon.stop()
    daemon.start()
    daemon.detach(link)
    check_equal(wire.trace(), [2], "frames after a restart and a detach")
