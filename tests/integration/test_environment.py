# SPDX-License-Identifier: MIT OR Apache-2.0
"""What bpfd finds around it: full and read-only disks, itself running already, missing users, no bpffs."""
import os
import pwd
import subprocess
import time

from harness import isolate
from harness.host import SYSUSERS, test
from harness.outcome import SLOWNESS, check, check_equal, check_in, wait_for

NEEDS = ("no kernel",)  # directories, users, a disk

MS_RDONLY, MS_REMOUNT = 0x1, 0x20


def small_file_system(directory):
    directory.mkdir(parents=True)
    isolate.mount("tmpfs", directory, "tmpfs", 0, "size=2m,mode=0700")


def fill(directory):
    filler = directory / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    return filler


@test()
def a_full_disk_under_the_store(host):
    daemon = host.bpfd(start=False)
    small_file_system(daemon.runtime / "broker")
    daemon.start()
    first = daemon.load("tracepoint_counter", kind="tracepoint")
    filler = fill(daemon.runtime / "broker")
    refused = None
    for _ in range(60):
        result = daemon.bpfctl("-o", "json", "load", "file", daemon.object("tracepoint_counter"), "--program",
                               "tracepoint:tracepoint_counter")
        if result.returncode:
            refused = result
            break
    check(refused, "60 programs were loaded though the disk is full")
    check_equal(refused.returncode, 1, f"exit status with a full disk ({refused.stderr})")
    check_in("file system is full", refused.stderr, "what bpfctl says")
    known = {program["id"] for program in daemon.programs()}
    check(first in known, "the first program was lost")
    pinned = {int(path.name) for path in (daemon.bpffs / "bpfd" / "programs").iterdir()}
    check_equal(pinned, known, "pins, compared with programs")
    filler.unlink()
    daemon.load("tracepoint_counter", kind="tracepoint")
    daemon.stop()
    daemon.start()
    check(known < {program["id"] for program in daemon.programs()}, "programs after there was room again, and a restart")


def copy_present(daemon):
    return daemon.features()["store_copy"]["present"]


@test()
def a_full_disk_under_the_copy(host):
    """Nobody is refused anything; the log says it once, and once when it is over."""
    daemon = host.bpfd(start=False)
    small_file_system(daemon.state)
    daemon.start()
    check(copy_present(daemon), "status says that there is no copy")
    filler = fill(daemon.state)
    daemon.load("tracepoint_counter", kind="tracepoint")
    wait_for(lambda: not copy_present(daemon), "status to say that the copy is behind")
    check_in("No space left", daemon.features()["store_copy"]["detail"], "what status says")
    daemon.load("tracepoint_counter", kind="tracepoint")
    time.sleep(1.5 * SLOWNESS)  # it is tried again
    check_equal(daemon.log().count("cannot write the store's copy"), 1, "warnings")
    filler.unlink()
    wait_for(lambda: copy_present(daemon), "status to say that the copy is written", 20)
    check_equal(daemon.log().count("copy is written again"), 1, "lines that say so")
    daemon.stop()


@test()
def a_state_directory_that_is_read_only(host):
    daemon = host.bpfd(start=False)
    small_file_system(daemon.state)
    daemon.start()
    first = daemon.load("tracepoint_counter", kind="tracepoint")
    daemon.stop()
    isolate.mount(None, daemon.state, None, MS_REMOUNT | MS_RDONLY)
    daemon.start()
    check(not copy_present(daemon), "status claims a copy")
    check_in("Read-only", daemon.features()["store_copy"]["detail"], "what status says")
    check(daemon.load("tracepoint_counter", kind="tracepoint") > first, "an id was used again")
    daemon.stop()
    daemon.start()
    check_equal(len(daemon.programs()), 2, "programs after a restart")


@test()
def the_live_store_is_the_brokers_alone(host):
    daemon = host.bpfd()
    broker = pwd.getpwnam("bpfd-broker")
    for path, mode in ((daemon.runtime / "broker", 0o700), (daemon.runtime / "broker" / "data.mdb", 0o600)):
        status = path.stat()
        check_equal((status.st_uid, status.st_gid, status.st_mode & 0o7777), (broker.pw_uid, broker.pw_gid, mode),
                    f"owner and mode of {path.name}")
    for name in ("bpfd-frontend", "bpfd-loader"):
        result = subprocess.run(["setpriv", "--reuid", name, "--regid", name, "--clear-groups", "ls", daemon.runtime / "broker"],
                                capture_output=True, text=True, check=False)
        check_in("Permission denied", result.stderr, f"what {name} may list")


@test()
def a_live_store_of_a_stranger(host):
    """What lies in the place of the live store's directory is not followed and not taken over."""
    daemon = host.bpfd(start=False)
    daemon.runtime.mkdir()
    elsewhere = daemon.directory / "elsewhere"
    elsewhere.mkdir()
    (daemon.runtime / "broker").symlink_to(elsewhere)
    _, message = daemon.start_refused()
    check_in("symbolic link", message, "what bpfd says")
    check_equal(list(elsewhere.iterdir()), [], "what is in the directory that the link names")
    (daemon.runtime / "broker").unlink()
    (daemon.runtime / "broker").mkdir()
    os.chown(daemon.runtime / "broker", 12345, 12345)
    _, message = daemon.start_refused()
    check_in("belongs to uid 12345", message, "what bpfd says")


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
    for key, path in (("state-directory", first.state), ("runtime-directory", first.runtime)):
        third = host.bpfd(f"third-{key}", start=False)
        third.configure(paths={key: path})
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


@test("no kernel")
def a_helper_that_is_missing(host):
    isolate.mount("tmpfs", host.scratch / "bin", "tmpfs", 0, "mode=0755")
    for name in ("bpfd", "bpfd-broker", "bpfd-opener", "bpfd-loader"):
        subprocess.run(["cp", host.build / "bin" / name, host.scratch / "bin" / name], check=True)
    _, message = host.bpfd(start=False).start_refused()
    check_in("bpfd-frontend", message, "what bpfd says")


@test("no kernel")
def a_wrong_configuration(host):
    daemon = host.bpfd(start=False)
    daemon.configure(limits={"no-such-key": "1"})
    _, message = daemon.start_refused()
    check_in("no-such-key", message, "what bpfd says")
    check_in(str(daemon.config), message, "the file that is wrong")


@test("no kernel")
def a_store_that_is_no_store(host):
    """Never overwritten, never taken for empty."""
    daemon = host.bpfd()
    daemon.load("tracepoint_counter", kind="tracepoint")
    daemon.stop()
    live, copy = daemon.runtime / "broker" / "data.mdb", daemon.state / "store.mdb"
    good = copy.read_bytes()
    for data in (live, copy):
        data.write_bytes(b"no store at all " * 4096)
        _, message = daemon.start_refused()
        check_in(f"{data}: it is no store of bpfd's; move it away", message, "what bpfd says")
        check(data.read_bytes().startswith(b"no store at all"), "the file was overwritten")
        live.unlink(missing_ok=True)  # the advice for the live one: the copy is then used
    copy.write_bytes(good)
    daemon.start()
    check_equal(len(daemon.programs()), 1, "programs that the copy brought back")


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
