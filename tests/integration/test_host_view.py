# SPDX-License-Identifier: MIT OR Apache-2.0
"""The whole host: what others loaded, beside what bpfd did; through iterators, or through the opener where the kernel refuses them."""
import ctypes
import json
import os
import signal
import struct
import subprocess
import time

from harness import bpf, sp
from harness.host import test
from harness.outcome import Skip, check, check_equal, check_in, wait_for

MAP_CREATE, PROG_LOAD, RAW_TRACEPOINT_OPEN = 0, 5, 17
MAP_ARRAY, PROG_SOCKET_FILTER, PROG_RAW_TRACEPOINT = 2, 1, 17
RETURN_0 = struct.pack("=BBhiBBhi", 0xb7, 0, 0, 0, 0x95, 0, 0, 0)  # r0 = 0; exit
MANY = 1000
LISTS = 500


def program_load(name, kind=PROG_SOCKET_FILTER):
    """A program of somebody else's: it lives as long as the descriptor."""
    license_text = ctypes.create_string_buffer(b"GPL")
    code = ctypes.create_string_buffer(RETURN_0, len(RETURN_0))
    return bpf.make(PROG_LOAD, struct.pack("=IIQQIIQII16s", kind, 2, ctypes.addressof(code), ctypes.addressof(license_text),
                                           0, 0, 0, 0, 0, name.encode()))


def map_create(name):
    return bpf.make(MAP_CREATE, struct.pack("=IIIIIII16s", MAP_ARRAY, 4, 8, 3, 0, 0, 0, name.encode()))


def kernel_id(descriptor, field):
    with open(f"/proc/self/fdinfo/{descriptor}", encoding="ascii") as info:
        return next(int(line.split()[1]) for line in info if line.startswith(field + ":"))


def bpftool(*arguments):
    result = subprocess.run(["bpftool", "-j", *map(str, arguments)], capture_output=True, text=True, check=False)
    check_equal(result.returncode, 0, f"exit status of bpftool {arguments}: {result.stdout}{result.stderr}")
    return json.loads(result.stdout) if result.stdout.strip() else None


def by_kernel_id(daemon, *options):
    return {program["kernel"]["id"]: program for program in daemon.programs("--all", *options)}


def maps_by_id(daemon, *options):
    return {row["id"]: row for row in daemon.ask("list", "maps", "--all", *options)}


@test()
def what_others_loaded(host):
    daemon, pin = host.bpfd(), "/sys/fs/bpf/foreign"
    bpftool("prog", "load", daemon.object("xdp_counter"), pin, "type", "xdp")
    told = bpftool("prog", "show", "pinned", pin)
    seen = by_kernel_id(daemon)[told["id"]]
    check_equal(seen["id"], None, "id of what is not bpfd's")
    check_equal((seen["name"], seen["type"], seen["kernel"]["name"], seen["kernel"]["type"]),
                (told["name"], "xdp", told["name"], "xdp"), "names and types")
    check_equal((seen["kernel"]["tag"], seen["kernel"]["gpl_compatible"], seen["owner"]["uid"], seen["source"]),
                (told["tag"], told["gpl_compatible"], told["uid"], None), "tag, license, owner, source")
    check_equal(sorted(seen["kernel"]["map_ids"]), sorted(told["map_ids"]), "maps")
    check_equal((seen["kernel"]["bytes_xlated"], seen["kernel"]["btf_id"]), (told["bytes_xlated"], told["btf_id"]), "sizes")
    loaded_at = time.mktime(time.strptime(seen["kernel"]["loaded_at"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
    check(abs(loaded_at - told["loaded_at"]) <= 2, f"loaded at {loaded_at}, bpftool says {told['loaded_at']}")

    one = daemon.ask("get", "program", "--kernel", told["id"])
    check_equal((one["id"], one["name"], [row["id"] for row in one["maps"]]),
                (None, told["name"], seen["kernel"]["map_ids"]), "one program")
    maps = maps_by_id(daemon)
    for number in told["map_ids"]:
        row = bpftool("map", "show", "id", number)
        check_equal((maps[number]["name"], maps[number]["type"], maps[number]["key_size"], maps[number]["max_entries"],
                     maps[number]["kernel_programs"], maps[number]["programs"], maps[number]["pin"]),
                    (row["name"], row["type"], row["bytes_key"], row["max_entries"], [told["id"]], [], None), "a map")

    os.unlink(pin)
    wait_for(lambda: told["id"] not in by_kernel_id(daemon), "the program to vanish")
    wait_for(lambda: not set(told["map_ids"]) & set(maps_by_id(daemon)), "its maps to vanish")
    check_in(f"no program {told['id']}", daemon.refused("get", "program", "--kernel", told["id"]), "get of what is gone")


@test()
def own_programs_once(host):
    daemon = host.bpfd()
    program = daemon.load("tracepoint_counter", "tracepoint_counter", kind="tracepoint")
    plain = daemon.programs()
    every = daemon.programs("--all")
    check_equal([row for row in every if row["id"]], plain, "bpfd's own programs in the list of all")
    number = plain[0]["kernel"]["id"]
    check_equal(len([row for row in every if row["kernel"]["id"] == number]), 1, "rows of the program")
    check_equal(daemon.ask("get", "program", "--kernel", number)["id"], program, "the program by its kernel id")
    pin = daemon.ask("get", "program", program)["maps"][0]
    row = next(row for row in daemon.ask("list", "maps") if row["id"] == pin["id"])
    check_equal((row["programs"], row["pin"], row["name"]), ([program], pin["pin"], pin["name"]), "its map")
    check_equal(maps_by_id(daemon)[pin["id"]]["kernel_programs"], [number], "who uses its map")


@test()
def a_thousand_programs(host):
    daemon = host.bpfd()
    descriptors = [program_load(f"many_{i}") for i in range(MANY)]
    ids = {kernel_id(fd, "prog_id"): f"many_{i}" for i, fd in enumerate(descriptors)}
    seen = by_kernel_id(daemon)
    check_equal({number: seen.get(number, {}).get("name") for number in ids}, ids, "a thousand programs")
    for fd in descriptors:
        os.close(fd)
    wait_for(lambda: not set(ids) & set(by_kernel_id(daemon)), "all of them to vanish", 20)


@test()
def links_of_others(host):
    daemon = host.bpfd()
    program = program_load("foreign_raw", PROG_RAW_TRACEPOINT)
    name = ctypes.create_string_buffer(b"sys_enter")
    link = bpf.bpf(RAW_TRACEPOINT_OPEN, struct.pack("=QI", ctypes.addressof(name), program))
    number, owner = kernel_id(link, "link_id"), kernel_id(program, "prog_id")
    check(number not in [row["kernel_link_id"] for row in daemon.links()], "a foreign link without --all")
    rows = {row["kernel_link_id"]: row for row in daemon.links("--all")}
    check_equal((rows[number]["id"], rows[number]["program_id"], rows[number]["kernel_program_id"],
                 rows[number]["program_name"], rows[number]["kernel_type"]),
                (None, None, owner, "foreign_raw", "raw_tracepoint"), "the link")
    os.close(link)
    wait_for(lambda: number not in [row["kernel_link_id"] for row in daemon.links("--all")], "the link to vanish")


def links_make():
    """A process that makes links and closes them, again and again, until it is killed."""
    child = os.fork()
    if child:
        return child
    try:
        name = ctypes.create_string_buffer(b"sys_enter")
        attributes = struct.pack("=QI", ctypes.addressof(name), program_load("busy", PROG_RAW_TRACEPOINT))
        while True:
            os.close(bpf.bpf(RAW_TRACEPOINT_OPEN, attributes))
    finally:
        os._exit(1)


@test()
def links_that_are_being_made(host):
    """Of which the kernel's iterator shows some before they have an id: nobody's list ends at them."""
    daemon, children = host.bpfd(), [links_make() for _ in range(os.cpu_count())]
    try:
        with daemon.client() as client:
            for _ in range(LISTS):
                number, answer = client.call(sp.LIST_LINKS, sp.field(2, 1))
                check_equal(number, sp.ANSWER_LIST_LINKS, f"kind of answer ({answer})")
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            check_equal(os.waitpid(child, 0)[1], signal.SIGKILL, "status of one who makes links: it must have made them all the time")


@test()
def filters(host):
    daemon = host.bpfd()
    program = daemon.load("tracepoint_counter", "tracepoint_counter", kind="tracepoint",
                          options=("--application", "shop", "--metadata", "a=b"))
    foreign = program_load("foreign_filter")
    number = kernel_id(foreign, "prog_id")
    for options, own, other in (((), True, True), (("--application", "shop"), True, False),
                                (("--metadata", "a=b"), True, False), (("--metadata", "a=c"), False, False),
                                (("--type", "tracepoint"), True, False), (("--owner", "0"), True, True),
                                (("--owner", "4711"), False, False), (("--interface", "v0"), False, False)):
        rows = daemon.programs("--all", *options)
        check_equal((program in [row["id"] for row in rows], number in [row["kernel"]["id"] for row in rows]),
                    (own, other), f"what is listed with {options}")
    check_equal({tuple(row["programs"]) for row in daemon.ask("list", "maps", "--application", "shop")}, {(program,)}, "maps")
    check_equal(daemon.ask("list", "maps", "--all", "--type", "no_such_type"), [], "maps of a type that is none")
    check_in("no interface's name", daemon.refused("list", "programs", "--interface", "a/b"), "a name that is none")


def runs_of(daemon, program, *options):
    answer = daemon.ask("top", "--interval", "1", *options)
    return answer, next(row for row in answer["programs"] if row["id"] == program)


@test()
def runs_are_counted(host):
    daemon = host.bpfd()
    program = daemon.ask("load", "file", daemon.object("tracing"), "--program", "raw_enter")[0]["id"]
    idle = daemon.load("tracepoint_counter", "tracepoint_counter", kind="tracepoint")
    daemon.ask("attach", "raw_tracepoint", program, "--target", "sys_enter")
    answer, row = runs_of(daemon, program)
    check(answer["statistics"], "the kernel does not count")
    check(row["runs"] > 0 and row["run_time_ns"] > 0 and row["total_runs"] >= row["runs"], f"no runs: {row}")
    still = next(row for row in answer["programs"] if row["id"] == idle)
    check_equal((still["runs"], still["run_time_ns"]), (0, 0), "runs of what is not attached")
    check(answer["programs"].index(row) < answer["programs"].index(still), "what runs comes first")
    check_equal({row["id"] for row in runs_of(daemon, program, "--type", "raw_tracepoint")[0]["programs"]
                 if row["id"]}, {program}, "top of one type")


@test()
def statistics_end(host):
    """They cost time for every program: the kernel counts only while somebody looks."""
    daemon = host.bpfd()
    with open("/proc/sys/kernel/bpf_stats_enabled", encoding="ascii") as switch:
        if switch.read().strip() != "0":
            raise Skip("kernel.bpf_stats_enabled is set on this machine")
    program = daemon.ask("load", "file", daemon.object("tracing"), "--program", "raw_enter")[0]["id"]
    daemon.ask("attach", "raw_tracepoint", program, "--target", "sys_enter")
    check("counts runs of programs from now" not in daemon.log(), "counting before anybody looked")
    runs_of(daemon, program)
    check_in("counts runs of programs from now", daemon.log(), "log")
    wait_for(lambda: "no longer: nobody looks" in daemon.log(), "the statistics to end", 15)


@test()
def without_the_opener(host):
    daemon = host.bpfd(features={"opener": "no"})
    fd = program_load("no_opener")
    try:
        seen = daemon.bpfctl("-o", "json", "list", "programs", "--all")
        if seen.returncode == 0:
            check_in("no_opener", seen.stdout, "what the iterators show")
            check(daemon.features()["iterators"]["present"], "status claims no iterators")
        else:
            check_in("refuses bpfd's iterators", seen.stderr, "why nothing is listed")
            check_in("opener = yes", seen.stderr, "what to do")
            check(not daemon.features()["iterators"]["present"], "status claims iterators")
    finally:
        os.close(fd)
    with open("/proc/sys/kernel/bpf_stats_enabled", encoding="ascii") as switch:
        if switch.read().strip() == "0":
            check_in("kernel.bpf_stats_enabled", daemon.refused("top"), "why there are no counts")


@test()
def processes_in_status(host):
    daemon = host.bpfd()
    rows = {row["role"]: row for row in daemon.ask("status")["processes"]}
    roles = daemon.roles()
    check_equal({name: row["pid"] for name, row in rows.items()},
                {"launcher": roles["bpfd"], **{name: roles[name] for name in ("broker", "frontend", "opener")}}, "pids")
    for name, row in rows.items():
        with open(f"/proc/{row['pid']}/status", encoding="ascii") as status:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
        check_equal(row["uid"], int(fields["Uid"].split()[0]), f"uid of the {name}")
        check_equal(len(row["capabilities"]), bin(int(fields["CapEff"], 16)).count("1"), f"capabilities of the {name}")
        check_equal((row["seccomp"], row["no_new_privileges"]), (fields["Seccomp"] == "2", fields["NoNewPrivs"] == "1"),
                    f"confinement of the {name}")
    check_equal(rows["frontend"]["capabilities"], [], "capabilities of the frontend")
    check_equal(sorted(rows["broker"]["capabilities"]), ["CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON"], "of the broker")
    check_equal(rows["opener"]["capabilities"], ["CAP_SYS_ADMIN"], "capabilities of the opener")
