# SPDX-License-Identifier: MIT OR Apache-2.0
"""Programs on functions and samples: kprobe, uprobe, their returns, their _multi forms, perf_event."""
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

from harness import bpf
from harness.host import test
from harness.outcome import SLOWNESS, KernelLacks, Skip, Unavailable, check, check_equal, check_in, kernel_release, wait_for

SLOTS = {"function_enters": 0, "function_returns": 1, "place_reached": 2, "place_returns": 3, "sampled": 4,
         "functions_enter": 5, "functions_return": 6, "places_reached": 7, "places_return": 8}
CALLS = 5


def kprobes():
    return pathlib.Path("/sys/bus/event_source/devices/kprobe").exists()


def needs_uprobe_multi():
    if kernel_release() < (6, 6):
        raise KernelLacks("links to many places of user space need Linux 6.6")


class Library:
    """A copy of the C library's mathematics, and where cbrt lies in it."""

    def __init__(self, directory):
        source = next(pathlib.Path("/").glob("lib/*-linux-gnu/libm.so.6"))
        self.path = str(pathlib.Path(directory) / "libm.so.6")
        shutil.copy(source, self.path)
        os.chmod(self.path, 0o755)
        self.function = ctypes.CDLL(self.path).cbrt
        self.function.restype, self.function.argtypes = ctypes.c_double, [ctypes.c_double]
        self.offset = self.file_offset(ctypes.cast(self.function, ctypes.c_void_p).value)

    @staticmethod
    def file_offset(address):
        for line in pathlib.Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
            span, _, offset = line.split()[:3]
            start, end = (int(number, 16) for number in span.split("-"))
            if start <= address < end:
                return address - start + int(offset, 16)
        raise AssertionError("the function is mapped nowhere")

    def call(self):
        for _ in range(CALLS):
            check(abs(self.function(27.0) - 3.0) < 0.001, "cube root")


def sleep():
    for _ in range(CALLS):
        time.sleep(0.001)


def ask_parent():
    """A call that does not sleep: before Linux 6.0 one processor has room for one call under way of a kretprobe's function."""
    for _ in range(CALLS):
        os.getppid()


def load(daemon, function):
    """The type comes from the section."""
    return daemon.ask("load", "file", daemon.object("probes"), "--program", function)[0]["id"]


def kept_open(daemon):
    """Links on perf events end with bpfd here, and bpfd says so and attaches them again."""
    row = daemon.features()["perf_link"]
    check_equal("end with bpfd and are attached again at its start" in row["detail"], not row["present"], "what status says")
    return not row["present"]


def counted(daemon, program, function, work):
    before = bpf.map_counter(daemon.map_pin(program, "calls"), SLOTS[function])
    work()
    return bpf.map_counter(daemon.map_pin(program, "calls"), SLOTS[function]) - before


def broker_killed(daemon):
    os.kill(daemon.role("broker"), signal.SIGKILL)
    check(daemon.wait_end() != 0, "bpfd's exit status after its broker was killed is 0")


def runs_until_detached(daemon, function, work, *where):
    """Attaches, sees the program run, over a restart too, detaches, and sees it run no more."""
    program = load(daemon, function)
    kind = daemon.programs()[0]["type"]
    link = daemon.ask("attach", kind, program, *where)
    check_equal((link["type"], link["state"]), (kind, "attached"), "link")
    check(counted(daemon, program, function, work) >= CALLS, "calls counted")
    ends = kept_open(daemon)
    for end in (daemon.stop, lambda: broker_killed(daemon)):
        end()
        while_down = counted(daemon, program, function, work)
        check(while_down == 0 if ends else while_down >= CALLS, f"{while_down} calls counted while bpfd is down")
        daemon.start()
        check_equal(daemon.link(link["id"])["state"], "attached", "state after a restart")
        check(counted(daemon, program, function, work) >= CALLS, "calls counted after a restart")
    check_equal(daemon.log().count(f"operation=restore result=done link={link['id']} "), 2 if ends else 0, "lines in the log")
    daemon.detach(link["id"])
    check_equal(counted(daemon, program, function, work), 0, "calls counted after detach")
    daemon.unload(program)


def kprobe_runs(host, function):
    daemon = host.bpfd()
    if not kprobes():
        loaded = daemon.bpfctl("load", "file", daemon.object("probes"), "--program", function)
        if loaded.returncode == 0:
            daemon.refused("attach", daemon.programs()[0]["type"], daemon.programs()[0]["id"], "--function", "do_nanosleep")
        raise Skip("this kernel has no kprobes")
    runs_until_detached(daemon, function, ask_parent, "--function", "__x64_sys_getppid")


@test()
def kprobe(host):
    kprobe_runs(host, "function_enters")


@test()
def kretprobe(host):
    kprobe_runs(host, "function_returns")


def kprobe_multi_runs(host, function):
    """Debian's 6.1 is new enough, but built without CONFIG_FPROBE."""
    if kprobes() and kernel_release() >= (6, 2):
        kprobe_runs(host, function)
        return
    daemon = host.bpfd()
    if daemon.bpfctl("load", "file", daemon.object("probes"), "--program", function).returncode == 0:
        program = daemon.programs()[0]
        lacks = "CONFIG_FPROBE" if kernel_release() >= (5, 18) else "Linux 5.18"
        check_in(lacks, daemon.refused("attach", program["type"], program["id"], "--function", "do_nanosleep"), "refusal")


@test()
def kprobe_multi(host):
    kprobe_multi_runs(host, "functions_enter")


@test()
def kretprobe_multi(host):
    kprobe_multi_runs(host, "functions_return")


@test()
def kprobe_refused(host):
    if not kprobes():
        raise Skip("this kernel has no kprobes")
    daemon = host.bpfd()
    program, ret = load(daemon, "function_enters"), load(daemon, "function_returns")
    check_in("no_such_function", daemon.refused("attach", "kprobe", program, "--function", "no_such_function"), "refusal")
    check_in("no instruction starts", daemon.refused("attach", "kprobe", program, "--function", "do_nanosleep", "--offset", "1"),
             "refusal")
    check_in("out of range",
             daemon.refused("attach", "kprobe", program, "--function", "do_nanosleep", "--offset", str(1 << 32)), "refusal")
    check_in("not one kernel function", daemon.refused("attach", "kprobe", program, "--function", "do_*"), "refusal")
    for arguments in (("kretprobe", ret, "--function", "do_nanosleep", "--offset", "4"), ("kprobe", program),
                      ("kprobe", program, "--function", "do_nanosleep", "--pid", "1"),
                      ("kprobe", ret, "--function", "do_nanosleep")):
        check(daemon.bpfctl("attach", *arguments).returncode in (1, 2), f"{arguments} was accepted")
    check_equal(daemon.links(), [], "links")


def uprobe_runs(host, function, *where):
    library = Library(host.scratch)
    runs_until_detached(host.bpfd(), function, library.call, "--target", library.path, "--offset", str(library.offset), *where)


@test()
def uprobe(host):
    uprobe_runs(host, "place_reached")


@test()
def uprobe_in_one_process(host):
    uprobe_runs(host, "place_reached", "--pid", str(os.getpid()))


@test()
def uretprobe(host):
    uprobe_runs(host, "place_returns")


@test()
def uprobe_multi(host):
    if kernel_release() >= (6, 6):
        uprobe_runs(host, "places_reached")
        return
    daemon, library = host.bpfd(), Library(host.scratch)
    program = load(daemon, "places_reached")
    check_in("Linux 6.6", daemon.refused("attach", "uprobe_multi", program, "--target", library.path, "--offset",
                                         str(library.offset)), "refusal")


@test()
def uretprobe_multi(host):
    needs_uprobe_multi()
    uprobe_runs(host, "places_return")


@test()
def uprobe_refused(host):
    daemon, library = host.bpfd(), Library(host.scratch)
    program = load(daemon, "place_reached")
    rows = {
        "does not exist": ("--target", "/none/at/all", "--offset", "64"),
        "not a regular file": ("--target", "/dev/null", "--offset", "64"),
        'no library "libnone"': ("--target", "libnone", "--offset", "64"),
        'no function "cbrtt"': ("--target", library.path, "--function", "cbrtt"),
        "no ELF file": ("--target", "/etc/passwd", "--function", "cbrt"),
        "an instruction must start there": ("--target", library.path, "--offset", str(1 << 40)),
        "offset is missing": ("--target", library.path, "--offset", "0"),
        "no process 4194304": ("--target", library.path, "--offset", str(library.offset), "--pid", "4194304"),
        "containers": ("--target", "/libm.so.6", "--offset", str(library.offset), "--container-pid", "1"),
    }
    for words, arguments in rows.items():
        check_in(words, daemon.refused("attach", "uprobe", program, *arguments), "refusal")
    check_equal(daemon.links(), [], "links")


def attached_by_name(daemon, function, work, path, *where):
    """What is named runs; the link says the place, and in brackets the function."""
    program = load(daemon, function)
    link = daemon.ask("attach", daemon.programs()[0]["type"], program, *where)
    check_equal(link["path"], path, "path")
    check(link["target"].startswith(f"{path}+0x") and link["target"].endswith(")"), f"where {link['target']}")
    check(counted(daemon, program, function, work) >= CALLS, "calls counted")
    daemon.detach(link["id"])
    check_equal(counted(daemon, program, function, work), 0, "calls counted after detach")
    daemon.unload(program)
    return link


@test()
def uprobe_by_function(host):
    """In a copy of a library, by its path, by a relative one, and by its name where a process maps it."""
    daemon, library = host.bpfd(), Library(host.scratch)
    named = ("--target", library.path, "--function", "cbrt")
    for function in ("place_reached", "place_returns"):
        link = attached_by_name(daemon, function, library.call, library.path, *named)
        check_equal(link["offset"], library.offset, "offset")
    os.chdir(host.scratch)
    attached_by_name(daemon, "place_reached", library.call, library.path, "--target", "./libm.so.6", "--function", "cbrt")
    shutil.copy(library.path, "libcube.so.3.1")
    mapped = ctypes.CDLL(f"{host.scratch}/libcube.so.3.1").cbrt
    mapped.restype, mapped.argtypes = ctypes.c_double, [ctypes.c_double]
    for name in ("libcube", "libcube.so.3"):
        attached_by_name(daemon, "place_reached", lambda: [mapped(8.0) for _ in range(CALLS)], f"{host.scratch}/libcube.so.3.1",
                         "--target", name, "--function", "cbrt", "--pid", str(os.getpid()))
    check_in("several files of process", daemon.refused("attach", "uprobe", load(daemon, "place_reached"), "--target", "libm",
                                                        "--function", "cbrt", "--pid", str(os.getpid())), "refusal")
    program = load(daemon, "place_reached")
    link = daemon.ask("attach", "uprobe", program, *named, "--offset", "1")
    check_equal(link["offset"], library.offset + 1, "the function's offset and the one given")
    check_in("already", daemon.refused("attach", "uprobe", program, "--target", library.path, "--offset", str(library.offset + 1)),
             "refusal of the same place by its number")


@test()
def uprobe_in_the_c_library(host):
    """By a name that ld.so.cache knows."""
    libc = ctypes.CDLL("libc.so.6")
    where = next(line.split()[-1] for line in pathlib.Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
                 if line.endswith("/libc.so.6"))
    daemon = host.bpfd()
    program = load(daemon, "place_reached")

    def call():
        for _ in range(CALLS):
            libc.rand_r(ctypes.byref(ctypes.c_uint(5)))

    for name in ("libc", "libc.so.6"):
        link = daemon.ask("attach", "uprobe", program, "--target", name, "--function", "rand_r", "--pid", str(os.getpid()))
        check(os.path.samefile(link["path"], where), f"{link['path']} is not {where}")
        check(link["target"].endswith(" (rand_r)"), f"where {link['target']}")
        check_equal(counted(daemon, program, "place_reached", call), CALLS, "calls counted")
        daemon.detach(link["id"])
    link = daemon.ask("attach", "uprobe", program, "--target", "libc", "--function", "rand_r")
    check(counted(daemon, program, "place_reached", call) >= CALLS, "calls counted with ld.so.cache's library")


@test()
def uprobe_multi_by_function(host):
    needs_uprobe_multi()
    daemon, library = host.bpfd(), Library(host.scratch)
    for function in ("places_reached", "places_return"):
        attached_by_name(daemon, function, library.call, library.path, "--target", library.path, "--function", "cbrt")


MULTI = ("do_nanosleep", "hrtimer_nanosleep", "ksys_read")


def multi_functions_run(host, function):
    """Each of several functions counts, over a restart too; the same in another order is the same."""
    if not kprobes() or kernel_release() < (6, 2):
        raise KernelLacks("links to many functions of the kernel need Linux 5.18 and CONFIG_FPROBE")
    daemon = host.bpfd()
    program, kind = load(daemon, function), daemon.programs()[0]["type"]
    link = daemon.ask("attach", kind, program, "--function", ",".join(MULTI[:2]), "--function", MULTI[2])
    check_equal((link["function"], link["functions"], link["target"]), (MULTI[0], list(MULTI), ", ".join(MULTI)), "link")
    check(counted(daemon, program, function, sleep) >= 2 * CALLS, "calls of both functions on the way to sleep")
    check(counted(daemon, program, function, read) >= CALLS, "calls of the function that reads")
    check_in("already", daemon.refused("attach", kind, program, "--function", ",".join(reversed(MULTI))), "refusal")
    other = daemon.ask("attach", kind, program, "--function", ",".join(MULTI[:2]))["id"]
    daemon.detach(other)
    check_in("no_such_function", daemon.refused("attach", kind, program, "--function", "vfs_read,no_such_function"), "refusal")
    check_in("is there twice", daemon.refused("attach", kind, program, "--function", "vfs_read,do_nanosleep,vfs_read"), "refusal")
    check_in("not one kernel function", daemon.refused("attach", kind, program, "--function", "vfs_read,vfs_*"), "refusal")
    daemon.stop()
    check(counted(daemon, program, function, sleep) >= 2 * CALLS, "calls counted while bpfd is down")
    daemon.start()
    check_equal((daemon.link(link["id"])["state"], daemon.link(link["id"])["functions"]), ("attached", list(MULTI)), "link")
    daemon.detach(link["id"])
    wait_for(lambda: counted(daemon, program, function, sleep) == 0, "the link to end")


def read():
    with open("/dev/zero", "rb", buffering=0) as zeroes:
        for _ in range(CALLS):
            zeroes.read(1)


@test()
def kprobe_multi_at_several_functions(host):
    multi_functions_run(host, "functions_enter")


@test()
def kretprobe_multi_at_several_functions(host):
    multi_functions_run(host, "functions_return")


def call_both(library):
    """Each of two functions, CALLS times."""
    other = ctypes.CDLL(library.path).exp2
    other.restype, other.argtypes = ctypes.c_double, [ctypes.c_double]
    library.call()
    for _ in range(CALLS):
        other(3.0)


@test()
def uprobe_multi_at_several_functions(host):
    """By names, by offsets; where the functions lie is bpfctl's to find."""
    needs_uprobe_multi()
    daemon, library = host.bpfd(), Library(host.scratch)
    work = lambda: call_both(library)  # pylint: disable=unnecessary-lambda-assignment
    for function in ("places_reached", "places_return"):
        program = load(daemon, function)
        kind = daemon.programs()[0]["type"]
        link = daemon.ask("attach", kind, program, "--target", library.path, "--function", "cbrt,log1p,sinh,cosh")
        check_equal((link["functions"], link["offsets"][0], link["offset"]),
                    (["cbrt", "log1p", "sinh", "cosh"], library.offset, library.offset), "link")
        check_in(" (cbrt), +0x", link["target"], "where")
        check(link["target"].endswith(" and 1 more"), f"where {link['target']}")
        shown = daemon.bpfctl("get", "link", link["id"]).stdout
        check_equal([line.split()[-1] for line in shown.splitlines() if line.startswith("place ")],
                    ["(cbrt)", "(log1p)", "(sinh)", "(cosh)"], "places of get link")
        again = ",".join(str(offset) for offset in reversed(link["offsets"]))
        check_in("already", daemon.refused("attach", kind, program, "--target", library.path, "--offset", again), "refusal")
        check_in('no function "cbrtt"',
                 daemon.refused("attach", kind, program, "--target", library.path, "--function", "cbrt,cbrtt"), "refusal")
        check_in("is there twice", daemon.refused("attach", kind, program, "--target", library.path, "--offset",
                                                  f"{library.offset},{library.offset}"), "refusal")
        daemon.stop()
        daemon.start()
        check_equal(daemon.link(link["id"])["offsets"], link["offsets"], "offsets after a restart")
        check_equal(counted(daemon, program, function, library.call), CALLS, "calls of one function")
        daemon.detach(link["id"])
        two = daemon.ask("attach", kind, program, "--target", library.path, "--function", "cbrt", "--function", "exp2")
        check_equal(counted(daemon, program, function, work), 2 * CALLS, "calls of two functions")
        daemon.detach(two["id"])
        wait_for(lambda program=program, function=function: counted(daemon, program, function, work) == 0, "the link to end")
        daemon.unload(program)


@test()
def uprobe_multi_is_declared(host):
    """In programs.d, by names, applied again without a change; another function is another link."""
    needs_uprobe_multi()
    daemon, library = host.bpfd(), Library(host.scratch)
    work = lambda: call_both(library)  # pylint: disable=unnecessary-lambda-assignment
    text = (f"[load]\nobject = {daemon.object('probes')}\nprogram = uprobe_multi:places_reached\n"
            f"[attach]\nprogram = places_reached\ntarget = {library.path}\nfunction = ")
    daemon.declarations.mkdir(mode=0o755)
    file = daemon.declarations / "places.conf"
    found = []
    for functions in ("cbrt,exp2", "cbrt,exp2", "exp2,sinh"):
        file.write_text(text + functions + "\n", encoding="utf-8")
        done = daemon.bpfctl("reload", "--directory", daemon.declarations)
        check_equal(done.returncode, 0, f"exit status of reload ({done.stderr})")
        link = daemon.links()[0]
        check_equal((len(daemon.links()), link["functions"]), (1, functions.split(",")), "links")
        found.append(link["id"])
        calls = counted(daemon, link["program_id"], "places_reached", work)
        check_equal(calls, (2 if "cbrt" in functions else 1) * CALLS, f"calls of {functions}")
    check(found[0] == found[1] != found[2], f"links {found}")


def container(directory):
    """A process whose root is the directory."""
    shutil.copy("/bin/busybox", f"{directory}/busybox")
    process = subprocess.Popen(["chroot", directory, "/busybox", "sleep", "1000"])  # pylint: disable=consider-using-with
    wait_for(lambda: os.readlink(f"/proc/{process.pid}/root") == str(directory), "the container's start")
    return process


def container_runs(host, function):
    directory = pathlib.Path(host.scratch) / "container"
    directory.mkdir(mode=0o755)
    library, process = Library(directory), container(directory)
    (directory / "link.so").symlink_to("/libm.so.6")  # absolute: the container's own
    try:
        daemon = host.bpfd(features={"containers": "yes"})
        for path in ("/libm.so.6", "/link.so"):
            runs_until_detached(daemon, function, library.call, "--target", path, "--offset", str(library.offset),
                                "--container-pid", str(process.pid))
        for path in ("/libm.so.6", "/link.so"):
            attached_by_name(daemon, function, library.call, path, "--target", path, "--function", "cbrt", "--container-pid",
                             str(process.pid))
        program = load(daemon, function)
        # by its name: what the container's process runs, and as the container calls it
        check_in('"/busybox" names no functions',
                 daemon.refused("attach", daemon.programs()[0]["type"], program, "--target", "busybox", "--function", "cbrt",
                                "--container-pid", str(process.pid)), "refusal")
        check_in("is not a regular file",
                 daemon.refused("attach", daemon.programs()[0]["type"], program, "--target", "/", "--function", "cbrt",
                                "--container-pid", str(process.pid)), "refusal")
        check_in("no process 4194304",
                 daemon.refused("attach", daemon.programs()[0]["type"], program, "--target", "/libm.so.6", "--offset",
                                str(library.offset), "--container-pid", "4194304"), "refusal")
        check_in("does not exist in the container",
                 daemon.refused("attach", daemon.programs()[0]["type"], program, "--target", library.path, "--offset",
                                str(library.offset), "--container-pid", str(process.pid)), "refusal")
    finally:
        process.kill()
        process.wait()


@test()
def uprobe_in_a_container(host):
    container_runs(host, "place_reached")


@test()
def uretprobe_in_a_container(host):
    container_runs(host, "place_returns")


@test()
def uprobe_multi_in_a_container(host):
    needs_uprobe_multi()
    container_runs(host, "places_reached")


def compute():
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass


@test()
def perf_event(host):
    runs_until_detached(host.bpfd(), "sampled", compute, "--target", "cpu-clock", "--frequency", "99", "--pid", str(os.getpid()))


@test()
def perf_event_on_a_processor(host):
    def on_the_first():
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(before)})
        compute()
        os.sched_setaffinity(0, before)

    runs_until_detached(host.bpfd(), "sampled", on_the_first, "--target", "cpu-clock", "--frequency", "99", "--cpu",
                        str(min(os.sched_getaffinity(0))))


def processors():
    """Those that are online, as the kernel writes them: "0-1,3"."""
    text = pathlib.Path("/sys/devices/system/cpu/online").read_text(encoding="ascii").strip()
    spans = [span.split("-") for span in text.split(",")]
    return [number for span in spans for number in range(int(span[0]), int(span[-1]) + 1)]


def on_every_processor():
    before = os.sched_getaffinity(0)
    for number in before:
        os.sched_setaffinity(0, {number})
        compute()
    os.sched_setaffinity(0, before)


EVERYWHERE = ("--target", "cpu-clock", "--frequency", "99")


def link_pins(daemon):
    """What is pinned for links: {name: names in it, or None}."""
    return {path.name: sorted(int(pin.name) for pin in path.iterdir()) if path.is_dir() else None
            for path in (daemon.bpffs / "bpfd" / "links").iterdir()}


@test()
def perf_event_everywhere(host):
    runs_until_detached(host.bpfd(), "sampled", on_every_processor, *EVERYWHERE)


@test()
def perf_event_on_each_processor(host):
    """A kernel link for each, under one of bpfd's; what is removed by others is noticed at the next start."""
    daemon = host.bpfd()
    old, new = load(daemon, "sampled"), load(daemon, "sampled")
    link = daemon.ask("attach", "perf_event", old, *EVERYWHERE)
    check_equal((link["cpu"], link["pid"], link["target"]), (None, None, "cpu-clock"), "the link")
    check_in("already", daemon.refused("attach", "perf_event", old, *EVERYWHERE), "refusal of the same again")
    one = daemon.ask("attach", "perf_event", old, *EVERYWHERE, "--cpu", str(processors()[0]))["id"]
    daemon.detach(one)
    held = kept_open(daemon)
    pins = {} if held else {str(link["id"]): processors()}
    check_equal(link_pins(daemon), pins, "pins")
    updated = daemon.ask("update", link["id"], "--program", new)
    check_equal((updated["id"], updated["program_id"]), (link["id"], new), "the link")
    check_equal(link_pins(daemon), pins, "pins after the update")
    ends_to_count(daemon, old, on_every_processor)
    check(counted(daemon, new, "sampled", on_every_processor) >= CALLS, "samples of the new program")
    if not held:
        daemon.stop()
        shutil.rmtree(daemon.bpffs / "bpfd" / "links" / str(link["id"]))
        daemon.start()
        check_equal(daemon.link(link["id"])["state"], "removed", "state when the pins were removed")
    daemon.detach(link["id"])
    check_equal(link_pins(daemon), {}, "pins after detach")
    ends_to_count(daemon, new, on_every_processor)


def ends_to_count(daemon, program, work):
    """The kernel ends a link a little after its pin went."""
    wait_for(lambda: counted(daemon, program, "sampled", work) == 0, f"program {program} to end")


@test()
def perf_event_skips_processors_that_are_off(host):
    switch = pathlib.Path("/sys/devices/system/cpu/cpu1/online")
    if SLOWNESS == 1 or not switch.exists():
        raise Unavailable("processors are switched off in virtual machines with several alone")
    daemon = host.bpfd()
    program = load(daemon, "sampled")
    switch.write_text("0", encoding="ascii")
    try:
        check_equal(1 in processors(), False, "processor 1 is online")
        link = daemon.ask("attach", "perf_event", program, *EVERYWHERE)["id"]
        held = kept_open(daemon)
        check_equal(link_pins(daemon), {} if held else {str(link): processors()}, "pins")
        check_in("CPU 1 is not online", daemon.refused("attach", "perf_event", program, *EVERYWHERE, "--cpu", "1"), "refusal")
    finally:
        switch.write_text("1", encoding="ascii")
    daemon.stop()
    daemon.start()
    check_equal(daemon.link(link)["state"], "attached", "state after a restart")
    check(counted(daemon, program, "sampled", on_every_processor) >= CALLS, "samples")
    daemon.detach(link)


class Caller:
    """Calls all the time, in a thread, and knows how often it did."""

    def __init__(self, work):
        self.work, self.rounds, self.stopping = work, 0, False
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.stopping:
            self.work()
            self.rounds += 1

    def __enter__(self):
        self.thread.start()
        wait_for(lambda: self.rounds, "the first call")
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.thread.join()


def updates_without_a_gap(daemon, function, work, *where):
    """While calls come: each is counted by the one program or the other, or by both."""
    old, new = load(daemon, function), load(daemon, function)
    kind = daemon.programs()[0]["type"]
    link = daemon.ask("attach", kind, old, *where)["id"]
    before = {program: bpf.map_counter(daemon.map_pin(program, "calls"), SLOTS[function]) for program in (old, new)}
    with Caller(work) as caller:
        for program in (new, old, new):
            daemon.ask("update", link, "--program", program)
        check_in("already", daemon.refused("attach", kind, new, *where), "refusal of the same place")
    calls = sum(bpf.map_counter(daemon.map_pin(program, "calls"), SLOTS[function]) - before[program] for program in (old, new))
    check(calls >= caller.rounds * CALLS, f"{calls} calls counted of {caller.rounds * CALLS}")
    wait_for(lambda: counted(daemon, old, function, work) == 0, "the old program to end")
    check(counted(daemon, new, function, work) >= CALLS, "calls counted by the new program")
    daemon.unload(old)
    check(counted(daemon, new, function, work) >= CALLS, "calls counted when the old program is unloaded")
    daemon.detach(link)
    check_equal(link_pins(daemon), {}, "pins of links")


@test()
def uprobe_updated(host):
    library = Library(host.scratch)
    updates_without_a_gap(host.bpfd(), "place_reached", library.call, "--target", library.path, "--offset", str(library.offset))


@test()
def kprobe_updated(host):
    if not kprobes():
        raise Skip("this kernel has no kprobes")
    updates_without_a_gap(host.bpfd(), "function_enters", sleep, "--function", "do_nanosleep")


@test()
def attached_again_with_the_opener(host):
    """On a kernel where such links end with bpfd they come back when it can open their events again."""
    daemon, library = host.bpfd(), Library(host.scratch)
    if not kept_open(daemon):
        raise Unavailable("links on perf events are pinned here")
    program = load(daemon, "place_reached")
    link = daemon.ask("attach", "uprobe", program, "--target", library.path, "--offset", str(library.offset))["id"]
    for opener, state in (("no", "failed"), ("yes", "attached")):
        daemon.stop()
        daemon.configure(features={"opener": opener})
        daemon.start()
        found = daemon.link(link)
        check_equal(found["state"], state, f"state with opener = {opener}")
    check(counted(daemon, program, "place_reached", library.call) >= CALLS, "calls counted")
    os.rename(library.path, library.path + ".away")
    daemon.stop()
    daemon.start()
    check_equal(daemon.link(link)["state"], "failed", "state without the file")
    check_in("does not exist", daemon.link(link)["reason"], "reason")
    daemon.detach(link)


@test()
def perf_event_refused(host):
    daemon = host.bpfd()
    program = load(daemon, "sampled")
    rows = {
        'no event "cpu-clocks"': ("--target", "cpu-clocks", "--frequency", "99", "--cpu", "0"),
        "CPU 8191": ("--target", "cpu-clock", "--frequency", "99", "--cpu", "8191"),
        "no process 4194304": ("--target", "cpu-clock", "--frequency", "99", "--pid", "4194304"),
        "out of range": ("--target", "cpu-clock", "--frequency", "100001", "--cpu", "0"),
    }
    for words, arguments in rows.items():
        check_in(words, daemon.refused("attach", "perf_event", program, *arguments), "refusal")
    check_equal(daemon.links(), [], "links")


@test()
def opener_switched_off(host):
    daemon, library = host.bpfd(features={"opener": "no"}), Library(host.scratch)
    program = load(daemon, "place_reached")
    check_in("opener = yes",
             daemon.refused("attach", "uprobe", program, "--target", library.path, "--offset", str(library.offset)), "refusal")
