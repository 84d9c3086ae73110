# SPDX-License-Identifier: MIT OR Apache-2.0
"""programs.d: what is declared there is loaded and attached at the start, and made so again by `bpfctl reload`."""
import json
import os
import shutil
import subprocess

from harness.host import test
from harness.outcome import check, check_equal, wait_for
from test_persist import exclusive, facts, STABLE
from test_restart import kill_all, reboot

NEEDS = ("no kernel",)  # files, and requests made of them

LOAD = """[load]
object = {object}
program = xdp:sequence
global = tag={tag}
global = verdict=2
exclusive = yes
"""
ATTACH = """[attach]
program = {function}
iface = {interface}
{keys}
"""
COUNTER = """[load]
object = {object}
program = tracepoint:tracepoint_counter
[attach]
program = tracepoint_counter
target = sched/sched_switch
"""


class Declared:
    """bpfd with a programs.d of its own, and its objects beside it."""

    def __init__(self, host):
        self.host, self.daemon = host, host.bpfd(start=False)
        self.directory = self.daemon.declarations
        self.directory.mkdir(mode=0o755)

    def object(self, name, copy=None):
        path = self.daemon.directory / (copy or f"{name}.o")
        shutil.copyfile(self.daemon.object(name), path)
        os.chmod(path, 0o644)
        return path

    def write(self, name, text, mode=0o644):
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        os.chmod(path, mode)
        return path

    def sequence(self, name, tag, interface=None, keys="exclusive = yes", more=""):
        text = LOAD.format(object=self.object("sequence"), tag=tag) + more
        if interface:
            text += ATTACH.format(function="sequence", interface=interface, keys=keys)
        return self.write(name, text)

    def start(self):
        """Waits until bpfd-declare has ended, well or not."""
        before = self.daemon.log().count("declares is there")
        self.daemon.start()
        self.host.needs_check(self.daemon)
        wait_for(lambda: self.daemon.log().count("declares is there") > before, "what is declared to be loaded")
        return self.daemon

    def reload(self, status=0):
        """The changes as (file, action), after a reload that ends with this status."""
        result = self.daemon.bpfctl("-o", "json", "reload", "--directory", self.directory)
        check_equal(result.returncode, status, f"exit status of bpfctl reload ({result.stdout} {result.stderr})")
        rows = json.loads(result.stdout) if result.stdout.strip() else []
        return [(row["file"], row["action"]) for row in rows], result.stderr


@test()
def at_the_start(host):
    """Before anybody asked; and not a second time after a restart."""
    declared, wire = Declared(host), host.wire()
    declared.sequence("first.conf", 5, wire.name, more="application = filter\nmetadata = team=net\n")
    declared.write("second.conf", COUNTER.format(object=declared.object("tracepoint_counter")))
    declared.write("ignored.conf.dpkg-old", "nonsense")
    daemon = declared.start()
    check_equal(len(daemon.links()), 2, "links")
    check_equal(wire.trace(), [5], "frames")
    program = daemon.programs("--application", "filter")[0]
    check_equal((program["metadata"]["team"], program["owner"]["uid"], program["source"]["name"]), ("net", 0, "sequence.o"),
                "the program")
    before = [row["id"] for row in daemon.programs()]
    daemon.stop()
    declared.start()
    check_equal(declared.reload(), ([], ""), "a reload when nothing was changed")
    check_equal([row["id"] for row in daemon.programs()], before, "programs after a restart")
    result = daemon.bpfctl("reload", "--directory", declared.directory)
    check_equal(result.stdout, f"{declared.directory}: nothing to change\n", "what is printed")


@test()
def changes(host):
    """Added, changed, removed: nothing else is touched."""
    declared, wires = Declared(host), [host.wire("v0"), host.wire("v1")]
    daemon = declared.start()
    own = exclusive(daemon, 99)
    counter = declared.write("counter.conf", COUNTER.format(object=declared.object("tracepoint_counter")))
    check_equal(declared.reload()[0], [("counter.conf", "loaded"), ("counter.conf", "attached")], "added")
    declared.sequence("net.conf", 1, "v0")
    check_equal(declared.reload()[0], [("net.conf", "loaded"), ("net.conf", "attached")], "added")
    check_equal(wires[0].trace(), [1], "frames")
    first = {row["id"] for row in daemon.programs()}
    declared.sequence("net.conf", 2, "v0")
    check_equal(declared.reload()[0], [("net.conf", "loaded"), ("net.conf", "updated"), ("net.conf", "unloaded")],
                "another global: another program, behind the same link")
    check_equal(wires[0].trace(), [2], "frames")
    check_equal(len(first & {row["id"] for row in daemon.programs()}), 2, "programs that stayed")
    declared.sequence("net.conf", 2, "v1")
    check_equal(declared.reload()[0], [("net.conf", "detached"), ("net.conf", "attached")], "another place")
    check_equal((wires[0].trace(), wires[1].trace()), ([], [2]), "frames")
    link = next(row for row in daemon.links() if row["interface"] == "v1")
    daemon.detach(link["id"])
    check_equal(declared.reload()[0], [("net.conf", "attached")], "what somebody took away comes back")
    counter.unlink()
    check_equal(declared.reload()[0], [(None, "unloaded")], "a file that is gone")
    (declared.directory / "net.conf").unlink()
    check_equal(declared.reload()[0], [(None, "unloaded")], "the other one")
    check_equal([row["id"] for row in daemon.programs()], [own], "what is left")


@test()
def changed_objects(host):
    """The bytes count, not the name."""
    declared = Declared(host)
    daemon = declared.start()
    path = declared.object("tracepoint_counter", "some.o")
    text = "[load]\nobject = {}\nprogram = {}\n"
    declared.write("some.conf", text.format(path, "tracepoint_counter"))
    declared.reload()
    first = daemon.programs()[0]
    moved = path.rename(path.with_name("moved.o"))
    declared.write("some.conf", text.format(moved, "tracepoint_counter"))
    check_equal(declared.reload()[0], [], "the same object elsewhere")
    shutil.copyfile(daemon.object("sequence"), moved)
    declared.write("some.conf", text.format(moved, "sequence"))
    check_equal(declared.reload()[0], [("some.conf", "loaded"), ("some.conf", "unloaded")], "another object")
    check(daemon.programs()[0]["id"] != first["id"], "the old program is still there")


@test("extensions")
def order_in_place(host):
    """A changed priority or proceed-on is an update of the link; a chain keeps what others put in it."""
    declared, wire = Declared(host), host.wire()
    daemon = declared.start()

    def write(tag, keys):
        text = LOAD.format(object=declared.object("sequence"), tag=tag).replace("exclusive = yes\n", "")
        declared.write("net.conf", text + ATTACH.format(function="sequence", interface="v0", keys=keys))

    write(1, "priority = 10\nproceed-on = pass")
    declared.reload()
    daemon.attach(daemon.load_sequence(7), "v0", "--priority", 20)
    check_equal(wire.trace(), [1, 7], "frames")
    link = daemon.links()[0]["id"]
    write(1, "priority = 30\nproceed-on = pass")
    check_equal(declared.reload()[0], [("net.conf", "updated")], "another priority")
    check_equal(wire.trace(), [7, 1], "frames")
    write(1, "priority = 30\nproceed-on = pass,drop")
    check_equal(declared.reload()[0], [("net.conf", "updated")], "other actions")
    check_equal(declared.reload()[0], [], "again")
    write(2, "priority = 5\nproceed-on = pass")
    check_equal(declared.reload()[0], [("net.conf", "loaded"), ("net.conf", "updated"), ("net.conf", "unloaded")], "all")
    check_equal(wire.trace(), [2, 7], "frames")
    check_equal(daemon.links()[0]["id"], link, "the link's id")
    write(2, "proceed-on = pass")
    check_equal(declared.reload()[0], [("net.conf", "detached"), ("net.conf", "attached")], "no priority any more")
    check_equal(daemon.link(daemon.links()[1]["id"])["priority"], 50, "the priority then")


@test()
def what_is_wrong(host):
    """Each mistake is named with file and line, keeps the other files from nothing, and what ran before runs on."""
    declared, wire = Declared(host), host.wire()
    good = declared.sequence("good.conf", 3, wire.name)
    declared.write("other.conf", COUNTER.format(object=declared.object("tracepoint_counter")))
    daemon = declared.start()
    check_equal(len(daemon.links()), 2, "links")
    before = facts(daemon.programs(), STABLE)
    text = good.read_text(encoding="utf-8")
    rows = (
        (text.replace("[load]", "[load"), "good.conf:1: "),
        ("x = 1\n" + text, 'good.conf:1: "x" stands before the first section'),
        (text.replace("exclusive = yes", "exclusive = maybe", 1), "good.conf:6: exclusive = maybe: expected yes or no"),
        (text.replace("xdp:sequence", "xyz:sequence"), 'good.conf:3: no program type "xyz"'),
        (text.replace("tag=3", "tag=hex:3"), "good.conf:4: --global tag"),
        (text.replace("tag=3", "tag=256"), "--global tag: 256 does not fit"),
        (text.replace("iface = v0", "interface = v0"), 'good.conf:9: unknown key "interface" for xdp programs: allowed are'),
        (text.replace("iface = v0", ""), "good.conf:7: --iface INTERFACE is missing"),
        (text.replace("iface = v0", "iface = v0\ndirection = ingress"), 'unknown key "direction"'),
        (text.replace("iface = v0", "iface = v0\npriority = high"), "--priority takes a whole number"),
        (text + "[load]\n", "a second [load]: the first is in line 1"),
        (text + "[other]\n", "unknown section [other]"),
        (text.replace("program = sequence", "program = nothing"), "[load] names no such program"),
        (text + text[text.index("[attach]"):], "is attached there already, by the [attach] in line 7"),
        (text.replace("sequence.o", "missing.o"), "missing.o: No such file or directory"),
        (text.replace("object = ", "object = ."), "expected an absolute path"),
        (text + "metadata = bpfd.declared=me\n", "is bpfd's own"),
        ("[attach]\n" + text, "[attach] stands before [load]"),
        ("", "there is no [load] section"),
        (text + "x" * 5000 + "\n", "the line is too long"),
    )
    for changed, expected in rows:
        check(changed != text, f"the row for {expected} changes nothing")
        declared.write("good.conf", changed)
        done, error = declared.reload(status=1)
        check(expected in error, f"expected {expected}, got {error}")
        check_equal(done, [], f"changes with {expected}")
    declared.write("good.conf", text, mode=0o666)
    check("writable by others" in declared.reload(status=1)[1], "a file that others may write")
    declared.write("good.conf", text)
    os.chown(good, 1234, 0)
    check("must be root's" in declared.reload(status=1)[1], "a file of somebody else's")
    os.chown(good, 0, 0)
    os.chmod(daemon.directory / "sequence.o", 0o666)
    check("writable by others" in declared.reload(status=1)[1], "an object that others may write")
    os.chmod(daemon.directory / "sequence.o", 0o644)
    os.chmod(declared.directory, 0o777)
    check("writable by others" in declared.reload(status=1)[1], "a directory that others may write")
    os.chmod(declared.directory, 0o755)
    declared.write("late.conf", text)
    done, error = declared.reload(status=1)
    check("late.conf declares the same programs as good.conf" in error, error)
    (declared.directory / "late.conf").unlink()
    check_equal(declared.reload(), ([], ""), "a reload when all is right again")
    check_equal(facts(daemon.programs(), STABLE), before, "programs")
    check_equal(wire.trace(), [3], "frames")


@test()
def refusals_of_bpfd(host):
    """What bpfd refuses is told with file and line; the old program runs on."""
    declared, wire = Declared(host), host.wire()
    declared.sequence("net.conf", 3, wire.name)
    daemon = declared.start()
    declared.sequence("net.conf", 4, "nowhere")
    done, error = declared.reload(status=1)
    check('net.conf:7: cannot attach "sequence"' in error and "nowhere" in error, error)
    check_equal(wire.trace(), [], "the place that is not declared any more")
    declared.write("net.conf", LOAD.format(object=declared.object("sequence"), tag=5).replace("tag=5", "unknown=hex:05") +
                   ATTACH.format(function="sequence", interface=wire.name, keys="exclusive = yes"))
    before = facts(daemon.programs(), ("id",))
    done, error = declared.reload(status=1)
    check("net.conf: cannot load its programs" in error, error)
    check_equal((done, facts(daemon.programs(), ("id",))), ([], before), "what was done")


@test()
def follow_and_persist(host):
    """`follow` waits for an interface; `persist` keeps the ids over a reboot, and reload finds nothing to do."""
    declared = Declared(host)
    declared.sequence("net.conf", 6, "v0", keys="exclusive = yes\nfollow = yes", more="persist = yes\n")
    daemon = declared.start()
    wait_for(lambda: [row["state"] for row in daemon.links()] == ["waiting"], "the link to wait")
    wire = host.wire()
    wait_for(lambda: [row["state"] for row in daemon.links()] == ["attached"], "the link to be attached")
    check_equal(wire.trace(), [6], "frames")
    programs = facts(daemon.programs(), STABLE)
    kill_all(daemon)
    wire.remove()
    reboot(daemon)
    wire = host.wire()
    declared.start()
    check_equal(declared.reload(), ([], ""), "a reload after the reboot")
    check_equal(facts(daemon.programs(), STABLE), programs, "programs")
    check_equal(wire.trace(), [6], "frames")


@test()
def two_reloads_at_a_time(host):
    """One waits for the other, and finds nothing to do."""
    declared, wire = Declared(host), host.wire()
    daemon = declared.start()
    declared.sequence("net.conf", 4, wire.name)
    command = [str(daemon.binary("bpfctl")), "--socket", str(daemon.socket), "reload", "--directory", str(declared.directory)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    printed = [process.communicate()[0] for process in running]
    check_equal([process.returncode for process in running], [0] * 4, "exit statuses")
    check_equal(sorted("nothing to change" in text for text in printed), [False, True, True, True], "who did it")
    check_equal((len(daemon.programs()), len(daemon.links())), (1, 1), "programs and links")


SHARED = """[load]
object = {object}
program = tracepoint:{name}
{keys}
[attach]
program = {name}
target = syscalls/sys_enter_sched_yield
"""


@test()
def map_owners(host):
    """Declared by name; a new owner is a new owner for its users, too, and whoever goes first, users go before owners."""
    declared = Declared(host)

    def write(name, file, keys=""):
        return declared.write(file, SHARED.format(object=declared.object(name), name=name, keys=keys))

    def maps():
        rows = declared.daemon.programs()
        return ({row["name"]: (row["id"], row["map_owner"]) for row in rows},
                len({entry["id"] for row in rows for entry in row["maps"] if entry["name"] == "hits"}))

    write("share", "10-owner.conf")
    write("share_second", "20-user.conf", "map-owner = 10-owner.conf:share")
    declared.start()
    wait_for(lambda: len(declared.daemon.links()) == 2, "what is declared to be attached")
    check_equal(maps(), ({"share": (1, None), "share_second": (2, 1)}, 1), "at the start")
    check_equal(declared.reload()[0], [], "a reload without a change")
    write("share", "10-owner.conf", "application = other")
    owner, user = "10-owner.conf", "20-user.conf"
    check_equal(declared.reload()[0], [(owner, "loaded"), (user, "loaded"), (owner, "updated"), (user, "updated"),
                                       (user, "unloaded"), (owner, "unloaded")], "after a change of the owner")
    check_equal(maps(), ({"share": (3, None), "share_second": (4, 3)}, 1), "after it")
    # somebody else unloads the owner: both are made again, for they are to have the same maps
    declared.daemon.ask("unload", "--force", 3)
    declared.reload()
    check_equal(maps(), ({"share": (5, None), "share_second": (6, 5)}, 1), "after the owner was unloaded")
    for keys, part in (("map-owner = 10-owner.conf", "expected FILE:FUNCTION"), ("map-owner = 30-x.conf:share", "no good file 30-x.conf"),
                       ("map-owner = 10-owner.conf:nothing", 'declares no program "nothing"'), ("map-owner = 5", "expected FILE:FUNCTION")):
        write("share_second", "20-user.conf", keys)
        said = declared.daemon.bpfctl("reload", "--directory", declared.directory)
        check_equal(said.returncode, 1, keys)
        check(part in said.stderr, f"{keys}: {said.stderr}")
    check_equal(maps(), ({"share": (5, None), "share_second": (6, 5)}, 1), "after mistakes")
    # both at once: the user wants maps of its own, the owner is declared no more
    write("share_second", "20-user.conf")
    (declared.directory / "10-owner.conf").unlink()
    declared.reload()
    check_equal(maps(), ({"share_second": (7, None)}, 1), "after the owner was declared no more")
