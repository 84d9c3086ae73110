# SPDX-License-Identifier: MIT OR Apache-2.0
"""
Maps that several loads share: with an owner (--map-owner), and by name (LIBBPF_PIN_BY_NAME). Two programs at one tracepoint
count into one map; what they counted is read with bpf(2) alone, by users who are nobody.
"""
import grp
import json
import os
import pathlib
import subprocess

from harness import bpf
from harness.host import test
from harness.outcome import SLOWNESS, check, check_equal, check_in, wait_for
from test_main import pins
from test_persist import objects, reboot_all, reason_of
from test_policy import as_user
from test_restart import kill_all

NEEDS = ("no kernel",)  # which program's maps are whose is bpfd's to keep

EVENT = "syscalls/sys_enter_sched_yield"
MEMBER_UID = 65534


def load(daemon, name="share", function=None, *options):
    return daemon.load(name, function or name, kind="tracepoint", options=options)


def load_with(daemon, owner, *options, name="share_second"):
    return load(daemon, name, None, "--map-owner", owner, *options)


def attach(daemon, *programs):
    return [daemon.ask("attach", "tracepoint", program, "--target", EVENT)["id"] for program in programs]


def fire(count=50):
    for _ in range(count):
        os.sched_yield()


def counted(path, key):
    """How many more a hundred events make it: at least so many, for others yield, too."""
    before = bpf.map_lookup(path, key)
    before = int.from_bytes(before, "little") if before else 0
    fire(100)
    return int.from_bytes(bpf.map_lookup(path, key) or b"", "little") - before


def program_of(daemon, number):
    return daemon.ask("get", "program", number)


def map_id(daemon, number, name):
    return next(entry["id"] for entry in program_of(daemon, number)["maps"] if entry["name"] == name)


def shared_pin(daemon, name="by_name"):
    return daemon.bpffs / "bpfd" / "shared" / name


def refused_load(daemon, name, *options, function=None):
    return daemon.refused("load", "file", daemon.object(name), "--program", f"tracepoint:{function or name}", *options)


@test()
def two_programs_count_into_one_map(host):
    daemon = host.bpfd()
    owner = load(daemon)
    user = load_with(daemon, owner)
    row = program_of(daemon, user)
    check_equal((row["map_owner"], program_of(daemon, owner)["map_owner"]), (owner, None), "map owners")
    check_equal(map_id(daemon, user, "hits"), map_id(daemon, owner, "hits"), "the shared map")
    check_in(f"map owner        program {owner}\n", daemon.bpfctl("get", "program", user).stdout, "get program")
    attach(daemon, owner, user)
    for program in (owner, user):
        for key in (0, 1):
            check(counted(daemon.map_pin(program, "hits"), key) >= 100, f"key {key} by the pin of program {program}")
    check(counted(daemon.map_pin(user, "more"), 0) >= 100, "a map that the owner does not have")
    member = grp.getgrnam("bpfd").gr_gid
    pin = daemon.map_pin(user, "hits")
    check(as_user(MEMBER_UID, member, lambda: min(bpf.map_counter(pin, 1), 255)) >= 100, "what a member of the group reads")
    listed = {row["name"]: row for row in daemon.ask("map", "list", user)}
    check_equal({name: row["programs"] for name, row in listed.items()}, {"hits": [owner, user], "more": [user]}, "map list")
    check_equal(listed["hits"]["pin"], str(pin), "the pin that map list of the user shows")
    check_equal(next(row["pin"] for row in daemon.ask("map", "list", owner) if row["name"] == "hits"),
                str(daemon.map_pin(owner, "hits")), "and of the owner")
    check_in(f"{owner},{user}", daemon.bpfctl("map", "list", user).stdout.replace(", ", ","), "map list as a table")
    check_equal(daemon.ask("map", "get", user, "hits", 0)["value"] >= 100, True, "the value through bpfd")
    daemon.ask("map", "set", user, "hits", 3, 77)
    check_equal(daemon.ask("map", "get", owner, "hits", 3)["value"], 77, "what was set through the other one")
    # a third with the maps of the second has those of the first
    third = load_with(daemon, user, name="share")
    check_equal([map_id(daemon, third, name) == map_id(daemon, owner, name) for name in ("hits", "own", ".bss")],
                [True, False, False], "maps of a user's user")
    daemon.unload(third, user, owner)
    check_equal(pins(daemon), [], "pins after unload")


@test()
def global_variables_are_not_shared(host):
    daemon = host.bpfd()
    owner = load(daemon)
    user = load_with(daemon, owner, name="share")
    attach(daemon, user)
    fire()
    check(daemon.ask("map", "get", user, ".bss", 0)["value"]["seen"] not in (0, "0"), "the user's own variable does not count")
    check_equal(int(daemon.ask("map", "get", owner, ".bss", 0)["value"]["seen"]), 0, "the owner's variable")
    check_equal([map_id(daemon, user, name) == map_id(daemon, owner, name) for name in ("hits", "own", ".bss")],
                [True, True, False], "the maps that are shared")


@test("extensions")
def components_share(host):
    """XDP programs of one chain, the second with the maps of the first: both count each frame in one map."""
    daemon, wire = host.bpfd(), host.wire()
    owner = daemon.load_sequence(1)
    user = daemon.load_sequence(2, options=("--map-owner", owner))
    check_equal(map_id(daemon, user, "frames"), map_id(daemon, owner, "frames"), "the map")
    check(map_id(daemon, user, ".rodata") != map_id(daemon, owner, ".rodata"), "constants are shared")
    for program in (owner, user):
        daemon.attach(program, wire.name)
    check_equal(wire.trace(), [1, 2], "the chain")
    before = bpf.map_counter(daemon.map_pin(user, "frames"))
    wire.trace()
    check_equal(bpf.map_counter(daemon.map_pin(owner, "frames")) - before, 2, "how often one frame is counted")
    daemon.ask("unload", "--force", owner)
    check_equal(wire.trace(), [2], "the chain without the owner")
    daemon.unload(user)
    check_equal(pins(daemon), [], "pins after unload")


@test()
def maps_of_every_kind(host):
    """What bpfd can load it can share; what an object declares as first contents is not written again."""
    daemon = host.bpfd()
    for name, function, kind, options in (("map_kinds", "map_kinds", "tracepoint", ()), ("gate_maps", "maps_main", "xdp", ("--exclusive",))):
        owner = daemon.load(name, function, kind=kind, options=options)
        before = [daemon.ask("map", "dump", owner, entry["name"]) for entry in program_of(daemon, owner)["maps"]
                  if entry["type"] in ("prog_array", "array_of_maps", "hash_of_maps")]
        user = daemon.load(name, function, kind=kind, options=(*options, "--map-owner", owner))
        ids = [{entry["name"]: entry["id"] for entry in program_of(daemon, number)["maps"]} for number in (owner, user)]
        check(len(ids[0]) >= 3, f"maps of {name}: {ids[0]}")
        for entry, number in ids[0].items():
            check_equal(ids[1][entry] == number, not entry.startswith("."), f"is {entry} of {name} shared")
        check_equal([daemon.ask("map", "dump", owner, entry["name"]) for entry in program_of(daemon, owner)["maps"]
                     if entry["type"] in ("prog_array", "array_of_maps", "hash_of_maps")], before, "what is in the owner's maps")


@test()
def unload_in_both_orders(host):
    daemon = host.bpfd()
    owner = load(daemon)
    users = [load_with(daemon, owner) for _ in range(2)]
    links = attach(daemon, owner, *users)
    said = daemon.refused("unload", owner)
    check_in(f"other programs use the maps of program {owner}: {users[0]}, {users[1]};", said, "unload of an owner in use")
    check_in("--force", said, "the refusal")
    check_equal([link["id"] for link in daemon.links()], links, "links after the refusal")
    check(counted(daemon.map_pin(owner, "hits"), 0) >= 100, "the owner counts no more after the refusal")
    daemon.unload(users[0])
    check_in(f": {users[1]};", daemon.refused("unload", owner), "unload while one is left")
    daemon.unload(users[1])
    check_equal(counted(daemon.map_pin(owner, "hits"), 1), 0, "what the users count after they were unloaded")
    daemon.unload(owner)
    check_equal(pins(daemon), [], "pins after unload")
    check_in("audit operation=unload result=refused", daemon.log(), "the log")


@test()
def force(host):
    """The maps live on with their users, below the users' directories; nobody owns them any more."""
    daemon = host.bpfd()
    owner = load(daemon)
    users = [load_with(daemon, owner), load_with(daemon, owner)]
    attach(daemon, owner, *users)
    kernel_id = map_id(daemon, owner, "hits")
    daemon.ask("unload", "--force", owner)
    check(not daemon.map_pin(owner, "hits").parent.exists(), "the owner's directory is still there")
    check_equal([program_of(daemon, user)["map_owner"] for user in users], [None, None], "map owners")
    check_equal([map_id(daemon, user, "hits") for user in users], [kernel_id] * 2, "the map")
    check(counted(daemon.map_pin(users[0], "hits"), 1) >= 200, "the users do not count any more")
    daemon.stop()
    daemon.start()
    check(counted(daemon.map_pin(users[1], "hits"), 1) >= 200, "nor after a restart")
    check_equal(daemon.ask("map", "list", users[1])[0]["programs"], users, "who uses the map")
    last = load_with(daemon, users[1])
    check_equal(map_id(daemon, last, "hits"), kernel_id, "the map of one that came later")
    daemon.unload(users[0])
    check_in(f": {last};", daemon.refused("unload", users[1]), "unload of the new owner")
    daemon.ask("unload", "--force", users[1], last)
    check_equal(pins(daemon), [], "pins after unload")


@test()
def other_maps_are_refused(host):
    daemon = host.bpfd()
    owner = load(daemon)
    before, there = daemon.programs(), pins(daemon)
    for name, part in (("share_larger", "max_entries 8, but the map that is there has 4"),
                       ("share_narrow", "value size 4, but the map that is there has 8")):
        said = refused_load(daemon, name, "--map-owner", owner, function="share")
        check_in(f'map "hits" cannot be shared: the object declares it with {part}', said, name)
    check_in("there is no program 99", refused_load(daemon, "share", "--map-owner", 99), "an owner that is not there")
    check_in("no map of the object is one of program", daemon.refused(
        "load", "file", daemon.object("tracepoint_counter"), "--program", "tracepoint:tracepoint_counter",
        "--map-owner", owner), "an owner with other maps")
    check_in("not loaded again after a reboot", refused_load(daemon, "share", "--map-owner", owner, "--persist"),
             "a persistent user of one that is not")
    for value in ("0", "-1", "hits", ""):
        check_equal(daemon.bpfctl("load", "file", daemon.object("share"), "--program", "share", "--map-owner", value).returncode,
                    2, f"--map-owner {value}")
    check_equal((daemon.programs(), pins(daemon)), (before, there), "programs and pins after refusals")
    check_equal(daemon.ask("map", "get", owner, "hits", 0)["value"], 0, "the owner's map")


@test()
def an_owner_of_another_user(host):
    """Who may touch the owner's programs may use their maps; nobody else."""
    daemon = host.bpfd()
    owner = load(daemon)
    group = grp.getgrnam("bpfd").gr_gid
    path = host.scratch / "share.o"
    path.write_bytes(pathlib.Path(daemon.object("share_second")).read_bytes())
    path.chmod(0o644)
    command = ("load", "file", path, "--program", "tracepoint:share_second", "--map-owner", owner)
    check_equal(daemon.bpfctl(*command, user=(MEMBER_UID, MEMBER_UID)).returncode, 3, "for somebody else")
    rows = daemon.ask(*command, user=(MEMBER_UID, group))
    check_equal((rows[0]["owner"]["uid"], rows[0]["map_owner"]), (MEMBER_UID, owner), "for a member of the group")
    check_equal(map_id(daemon, rows[0]["id"], "hits"), map_id(daemon, owner, "hits"), "the map")


@test()
def by_name(host):
    daemon = host.bpfd()
    pin = shared_pin(daemon)
    first = load(daemon, "share", "share_by_name")
    check(pin.exists(), "no pin below shared/")
    status = pin.stat()
    check_equal((status.st_mode & 0o777, status.st_gid), (0o660, grp.getgrnam("bpfd").gr_gid), "mode and group of the pin")
    second = load(daemon, "share_second", "share_second_by_name")
    check_equal(map_id(daemon, first, "by_name"), map_id(daemon, second, "by_name"), "the map")
    check_equal([program_of(daemon, number)["map_owner"] for number in (first, second)], [None, None], "map owners")
    check_equal(program_of(daemon, first)["maps"][0]["shared_pin"], str(pin), "the pin that bpfd shows")
    attach(daemon, first, second)
    fire()
    for key in (0, 1):
        check(counted(pin, key) >= 100, f"key {key}")
        check(counted(daemon.map_pin(first, "by_name"), key) >= 100, f"key {key} by the program's pin")
    for name in ("share_larger", "share_narrow"):
        check_in('map "by_name" cannot be shared', refused_load(daemon, name, function="share_by_name"), name)
    # nobody's unload is refused: there is no owner
    daemon.unload(first)
    check(counted(pin, 1) >= 100, "the second one does not count any more")
    daemon.stop()
    daemon.start()
    check(pin.exists(), "the pin is gone after a restart")
    third = load(daemon, "share", "share_by_name")
    check_equal(map_id(daemon, third, "by_name"), map_id(daemon, second, "by_name"), "the map after a restart")
    daemon.unload(second, third)
    check_equal(pins(daemon), [], "pins after the last user")
    # what is none of bpfd's stands in the way, and is left alone
    shared_pin(daemon).mkdir()
    said = refused_load(daemon, "share", function="share_by_name")
    check_in('the pin of map "by_name", which is shared by name, cannot be opened', said, "a directory in the place of the pin")
    shared_pin(daemon).rmdir()
    larger = load(daemon, "share_larger", "share_by_name")
    check_equal(program_of(daemon, larger)["maps"][0]["max_entries"], 8, "another map, once the name is free")


@test()
def by_name_with_an_owner(host):
    """What the owner has comes first; of an owner that has it by name, it is the same map."""
    daemon = host.bpfd()
    owner = load(daemon, "share", "share_by_name")
    user = daemon.load("share_second", "share_second_by_name", kind="tracepoint", options=("--map-owner", owner))
    check_equal(map_id(daemon, user, "by_name"), map_id(daemon, owner, "by_name"), "the map")
    daemon.ask("unload", "--force", owner)
    check(shared_pin(daemon).exists(), "the pin went with the owner")
    daemon.unload(user)
    check_equal(pins(daemon), [], "pins after unload")


@test()
def pins_that_somebody_touched(host):
    """At its start bpfd removes what no program needs, and makes again what is missing."""
    daemon = host.bpfd()
    program = load(daemon, "share", "share_by_name")
    daemon.stop()
    shared_pin(daemon).rename(shared_pin(daemon, "stray"))
    daemon.start()
    check(shared_pin(daemon).exists(), "the pin was not made again")
    again = load(daemon, "share", "share_by_name")
    check_equal(map_id(daemon, again, "by_name"), map_id(daemon, program, "by_name"), "the map")
    daemon.unload(program, again)
    check_equal([path for path in pins(daemon) if not path.endswith("/stray")], [], "pins after unload")


@test()
def many_at_once_by_name(host):
    """Loads that run at the same time come to one map, also one that began when there was none and ends after others."""
    daemon = host.bpfd()

    def start(name, function):
        command = (daemon.binary("bpfctl"), "--socket", daemon.socket, "-o", "json", "load", "file", daemon.object(name),
                   "--program", f"tracepoint:{function}")
        return subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)

    def ticks(pid):
        return sum(map(int, pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[11:13]))

    gate = daemon.role("gate")
    idle = ticks(gate)
    running = [start("share_slow", "share_slow")]
    wait_for(lambda: ticks(gate) >= idle + 3, "the verifier to be at work")
    running += [start("share", "share_by_name") for _ in range(11)]
    rows = [json.loads(process.communicate(timeout=60 * SLOWNESS)[0])[0] for process in running]
    check_equal(len({row["maps"][0]["id"] for row in rows}), 1, "how many maps there are")
    check_equal(len({row["id"] for row in rows}), 12, "how many programs there are")
    daemon.unload(*(row["id"] for row in rows))
    check_equal(pins(daemon), [], "pins after unload")


@test()
def killed_in_the_middle(host):
    daemon = host.bpfd()
    owner = load(daemon)
    user = load_with(daemon, owner)
    name = load(daemon, "share", "share_by_name")
    attach(daemon, owner, user, name)
    before, there = daemon.programs(), pins(daemon)
    for _ in range(2):
        kill_all(daemon)
        check(counted(daemon.map_pin(user, "hits"), 1) >= 100, "the user does not count while bpfd is down")
        daemon.start()
        check_equal((daemon.programs(), pins(daemon)), (before, there), "programs and pins")
    check_in("other programs use the maps", daemon.refused("unload", owner), "unload after a kill")
    daemon.unload(user, owner, name)
    check_equal(pins(daemon), [], "pins after unload")


@test()
def after_a_reboot(host):
    """Owners come before their users, and who shared a map shares it again, whoever was unloaded meanwhile."""
    daemon = host.bpfd()
    owner = load(daemon, "share", None, "--persist")
    users = [load_with(daemon, owner, "--persist") for _ in range(2)]
    gone = load(daemon, "share", None, "--persist")
    orphans = [load_with(daemon, gone, "--persist"), load_with(daemon, gone, "--persist", name="share")]
    names = [load(daemon, "share", "share_by_name", "--persist"), load(daemon, "share_second", "share_second_by_name", "--persist")]
    passing = load_with(daemon, owner)
    attach(daemon, owner, *users, *orphans, *names)
    daemon.ask("unload", "--force", gone)
    for kill in (False, True):
        reboot_all(host, daemon, kill=kill)
        check_equal({row["id"]: (row["state"], row["map_owner"]) for row in daemon.programs()},
                    {**{number: ("loaded", None) for number in (owner, *orphans, *names)},
                     **{number: ("loaded", owner) for number in users}}, "programs and their owners")
        check_equal(len({map_id(daemon, number, "hits") for number in (owner, *users)}), 1, "maps of the owner and its users")
        check_equal(len({map_id(daemon, number, "hits") for number in orphans}), 1, "maps of those whose owner was unloaded")
        check(map_id(daemon, owner, "hits") != map_id(daemon, orphans[0], "hits"), "two owners' maps are one")
        check_equal(len({map_id(daemon, number, "by_name") for number in names}), 1, "maps by name")
        check(counted(daemon.map_pin(owner, "hits"), 1) >= 200, "the users do not count")
        check(counted(shared_pin(daemon), 0) >= 100, "the map by name is not counted")
        check_in(f": {users[0]}, {users[1]};", daemon.refused("unload", owner), "unload of the owner")
        check_equal(passing in [row["id"] for row in daemon.programs()], False, "what was not persistent")
    daemon.unload(*orphans, *names, *users, owner)
    check_equal((pins(daemon), objects(daemon)), ([], []), "pins and objects after unload")


@test()
def an_owner_that_cannot_be_loaded_again(host):
    """Then its users are not loaded with other maps: they say why."""
    daemon = host.bpfd()
    owner = load(daemon, "share", None, "--persist")
    user = load_with(daemon, owner, "--persist")
    digest = program_of(daemon, owner)["source"]["digest"].removeprefix("sha256:")
    daemon.stop()
    (daemon.state / "objects" / digest).unlink()
    daemon.start()
    check_equal(program_of(daemon, user)["state"], "loaded", "what runs goes on without its object")
    reboot_all(host, daemon)
    check_equal([program_of(daemon, number)["state"] for number in (owner, user)], ["failed", "failed"], "states")
    check_in(f"program {owner}, whose maps it uses, could not be loaded again", reason_of(daemon, user), "the reason")
    check_in("is not in the kernel", refused_load(daemon, "share_second", "--map-owner", owner), "a new user")
    check_equal(program_of(daemon, owner)["maps"], [], "maps of what is not loaded")
    check_in('no map "hits"', daemon.refused("map", "get", owner, "hits", 0), "map get of what is not loaded")
    check_in("other programs use the maps", daemon.refused("unload", owner), "unload")
    daemon.ask("unload", "--force", owner)
    reboot_all(host, daemon)
    check_equal(program_of(daemon, user)["state"], "loaded", "the user with maps of its own, once that was said")
    daemon.unload(user)
