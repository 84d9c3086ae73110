# SPDX-License-Identifier: MIT OR Apache-2.0
"""
Every field of a target, wrong, for every program type: refused with its name and what to do, by bpfctl and by bpfd itself, and
nothing changed. A type that bpfctl knows and TYPES does not fails.
"""
import json
import re

from harness import sp
from harness.host import test
from harness.outcome import check, check_equal, check_in

# field: number in Target of proto/bpfd.proto, a value that is well-formed, bpfctl's option and its value (None: a flag)
FIELDS = {
    "interface": (1, "lo", "--iface", "lo"), "netns": (2, "/run/netns/x", "--netns", "/run/netns/x"),
    "follow": (3, 1, "--follow", None), "direction": (4, 1, "--direction", "ingress"),
    "priority": (5, 20, "--priority", "10"), "proceed_on": (6, b"\x02", "--proceed-on", "pass"),
    "mode": (7, 2, "--mode", "generic"), "exclusive": (8, 1, "--exclusive", None),
    "group": (9, "sched", None, None), "name": (10, "sched_switch", None, None), "path": (11, "/tmp", None, None),
    "function": (12, "do_nanosleep", "--function", "do_nanosleep"), "offset": (13, 64, "--offset", "64"),
    "pid": (14, 1, "--pid", "1"), "container_pid": (15, 1, "--container-pid", "1"), "cpu": (16, 0, "--cpu", "0"),
    "frequency": (17, 99, "--frequency", "99"), "family": (18, 1, "--family", "ipv4"), "hook": (19, 2, "--hook", "input"),
    "places": (20, sp.field(1, "do_nanosleep"), None, None),
}
UNSUPPORTED = 7
LONG, UINT32 = "x" * 5000, (1 << 32) - 1

# field: values that no type takes
WRONG = {
    "interface": ("a/b", "a b", "a:b", "..", "x" * 16, "x\x07"), "netns": ("blue", "/run/\x01", LONG),
    "direction": (3, UINT32), "mode": (3, UINT32), "family": (3, UINT32), "hook": (6, UINT32),
    "proceed_on": (b"\xc6\x01", b"\x03", b"\x04\x04"), "group": ("a/b", "..", LONG), "name": ("a/b", ".x", "a b", LONG),
    "path": ("/a\x01b", LONG), "function": ("a b", "a/b", LONG), "offset": (1 << 63, (1 << 64) - 1),
    "pid": (4194305, UINT32), "container_pid": (4194305, UINT32), "cpu": (8192, UINT32), "frequency": (100001, UINT32),
}
# and to bpfctl, by option
WRONG_OPTIONS = {
    "--direction": ("sideways", ""), "--mode": ("fast", ""), "--family": ("ipx", ""), "--hook": ("ingress", ""),
    "--priority": ("x", "", "1e3", "99999999999"), "--proceed-on": ("jump", "", "pass,,drop"), "--offset": ("x", "-1", ""),
    "--pid": ("x", "-1", ""), "--container-pid": ("x", "-1"), "--cpu": ("x", "-1"), "--frequency": ("x", "-1", "4294967296"),
    "--iface": ("",), "--netns": ("",), "--function": ("",), "--target": ("",),
}

SCHED = {"interface": "lo", "direction": 1}
NOWHERE = {"interface": "eth77"}
FILE = {"path": "/usr/bin/env", "offset": 64}


class Type:
    """What a type takes besides `good`, the least that it needs; what is not there; and a program of it."""

    def __init__(self, number, program, good, takes="", absent=()):
        self.number, self.program, self.needs, self.absent = number, program, good, absent
        self.takes = set(good) | set(takes.split())


def traced(number, program):
    return Type(number, program, {})


def uprobe(number, program):
    absent = (({"path": "/none/at/all"}, "/none/at/all"), ({"path": "/run"}, "/run"), ({"pid": 4194304}, "4194304"))
    return Type(number, ("probes", program), FILE, "function pid container_pid", absent)


def kprobe(number, program, takes=""):
    return Type(number, ("probes", program), {"function": "do_nanosleep"}, takes,
                (({"function": "no_such_function"}, "no_such_function"),))


def cgroup(number, program):
    absent = (({"path": "/sys/fs/cgroup/none/at/all"}, "/sys/fs/cgroup/none/at/all"), ({"path": "/etc"}, "/etc"))
    return Type(number, ("cgroup", program), {"path": "/sys/fs/cgroup"}, "priority", absent)


TYPES = {
    "xdp": Type(1, ("xdp_counter", "xdp_counter"), {"interface": "lo"},
                "netns follow priority proceed_on mode exclusive", (({**NOWHERE, "exclusive": 1}, "eth77"),)),
    "tracepoint": Type(2, ("tracepoint_counter", "tracepoint_counter"), {"group": "sched", "name": "sched_switch"}, "",
                       (({"group": "nothing"}, "nothing"), ({"name": "nothing"}, "nothing"))),
    "raw_tracepoint": Type(3, ("tracing", "raw_enter"), {"name": "sys_enter"}, "", (({"name": "nothing"}, "nothing"),)),
    "tp_btf": traced(4, ("tracing", "btf_exit")), "fentry": traced(5, ("tracing", "sleep_begins")),
    "fexit": traced(6, ("tracing", "sleep_ends")), "fmod_ret": traced(7, ("tracing", "modified")), "lsm": traced(8, ("tracing", "file_opened")),
    "tc": Type(9, ("tc_sequence", "tc_sequence"), SCHED, "netns follow priority proceed_on", ((NOWHERE, "eth77"),)),
    "tcx": Type(10, ("tcx_sections", "comes_in"), SCHED, "netns follow priority", ((NOWHERE, "eth77"),)),
    "netkit": Type(11, ("tcx_sections", "leaves_the_primary"), SCHED, "netns follow priority", ((NOWHERE, "eth77"), ({}, "lo"))),
    "kprobe": kprobe(20, "function_enters", "offset"), "kretprobe": kprobe(21, "function_returns"),
    "kprobe_multi": kprobe(22, "functions_enter"), "kretprobe_multi": kprobe(23, "functions_return"),
    "uprobe": uprobe(24, "place_reached"), "uretprobe": uprobe(25, "place_returns"),
    "uprobe_multi": uprobe(26, "places_reached"), "uretprobe_multi": uprobe(27, "places_return"),
    "perf_event": Type(28, ("probes", "sampled"), {"name": "cpu-clock", "frequency": 99}, "cpu pid",
                       (({"name": "nothing", "cpu": 0}, "nothing"), ({"cpu": 8191}, "8191"), ({"pid": 4194304}, "4194304"))),
    "netfilter": Type(30, ("places", "packet"), {"family": 1, "hook": 2}, "priority"),
    "sk_lookup": Type(31, ("places", "lookup"), {}, "netns", (({"netns": "/run/netns/none"}, "/run/netns/none"),)),
    "flow_dissector": Type(32, ("places", "dissect"), {}, "netns", (({"netns": "/run/netns/none"}, "/run/netns/none"),)),
    "iter": traced(33, ("iter", "maps")),
    "cgroup_skb_ingress": cgroup(40, "skb_in"), "cgroup_skb_egress": cgroup(41, "skb_out"),
    "cgroup_sock_create": cgroup(42, "sock_made"), "cgroup_sock_release": cgroup(43, "sock_ended"),
    "cgroup_post_bind4": cgroup(44, "bound4"), "cgroup_post_bind6": cgroup(45, "bound6"),
    "cgroup_bind4": cgroup(46, "bind4"), "cgroup_bind6": cgroup(47, "bind6"),
    "cgroup_connect4": cgroup(48, "connect4"), "cgroup_connect6": cgroup(49, "connect6"),
    "cgroup_sendmsg4": cgroup(50, "sendmsg4"), "cgroup_sendmsg6": cgroup(51, "sendmsg6"),
    "cgroup_recvmsg4": cgroup(52, "recvmsg4"), "cgroup_recvmsg6": cgroup(53, "recvmsg6"),
    "cgroup_getpeername4": cgroup(54, "getpeername4"), "cgroup_getpeername6": cgroup(55, "getpeername6"),
    "cgroup_getsockname4": cgroup(56, "getsockname4"), "cgroup_getsockname6": cgroup(57, "getsockname6"),
    "cgroup_getsockopt": cgroup(58, "option_read"), "cgroup_setsockopt": cgroup(59, "option_set"),
    "cgroup_sysctl": cgroup(60, "sysctl"), "cgroup_dev": cgroup(61, "device"), "sockops": cgroup(62, "operation"),
}


def state(daemon):
    """What a refusal must leave as it is."""
    pins = sorted(str(path) for path in daemon.bpffs.rglob("*"))
    return [row["id"] for row in daemon.programs()], [row["id"] for row in daemon.links()], pins


class Asker:
    """Says a wrong thing, and checks how it is refused; what is wrong with the answers is kept for the end."""

    def __init__(self, daemon):
        self.daemon, self.client, self.wrong, self.count = daemon, daemon.client(), [], 0

    def verify(self, case, message, words):
        self.count += 1
        missing = [word for word in words if word not in message]
        if missing or len(message) < 20:
            self.wrong.append(f"{case}: {missing} not in {message!r}")

    def raw(self, case, kind, program, target, *words):
        encoded = b"".join(sp.field(FIELDS[name][0], value) for name, value in target.items())
        body = sp.field(1, program) + sp.field(3, kind) + sp.field(4, encoded)
        number, answer = self.client.call(sp.ATTACH, body)
        if number != sp.ANSWER_ERROR:
            self.wrong.append(f"{case}: accepted")
            return
        message = sp.value(answer, 2, b"").decode()
        if sp.value(answer, 1) == UNSUPPORTED and re.search(r"this kernel|Linux \d", message):
            words = ()  # it could not be anywhere
        self.verify(f"{case}, raw", message, words)

    def bpfctl(self, case, status, *arguments, words=()):
        result = self.daemon.bpfctl(*arguments)
        if result.returncode != status:
            self.wrong.append(f"{case}: bpfctl ended with {result.returncode}: {result.stderr}")
        self.verify(f"{case}, bpfctl", result.stderr, words)

    def close(self, before):
        self.client.close()
        check_equal("\n".join(self.wrong), "", f"answers of {self.count} refusals that were not as they should be")
        check_equal(state(self.daemon), before, "programs, links and pins after the refusals")


def known_types(daemon):
    text = daemon.bpfctl("attach", "no-such-type", "1").stderr
    return re.search(r"it is one of ([a-z0-9_, ]+)", text).group(1).split(", ")


@test("no kernel")
def every_type_has_a_row(host):
    daemon = host.bpfd()
    check_equal(sorted(known_types(daemon)), sorted(TYPES), "types that bpfctl knows, and the rows of this test")


def documented(host):
    """(fields that are needed, fields that are taken) by type, of docs/PROTOCOL.md, which a unit test compares with bpfd's table."""
    text = (host.source / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| \d+ \|[^|]*\|[^|]*\|[^|]*\| ([^|]*) \|[^|]*\|$", text, re.MULTILINE)
    return {name: (set(re.findall(r"\*\*(\w+)\*\*", fields)), set(re.findall(r"\w+", fields)) - {"none"}) for name, fields in rows}


@test()
def every_field_has_a_row(host):
    """A field that is added, to a type or to the message, must be told here."""
    message = re.search(r"^message Target \{$(.*?)^\}$", (host.source / "proto" / "bpfd.proto").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)[1]
    check_equal({name: int(number) for name, number in re.findall(r"^ [^/]*?(\w+) = (\d+);", message, re.MULTILINE)},
                {name: row[0] for name, row in FIELDS.items()}, "fields of Target, and the rows of this test")
    told = documented(host)
    check_equal(sorted(told), sorted(TYPES), "types of docs/PROTOCOL.md, and the rows of this test")
    for name, row in TYPES.items():
        check_equal((set(row.needs), row.takes), told[name], f"fields that {name} programs need and take, here and in docs/PROTOCOL.md")
    check_equal({field for field, row in FIELDS.items() if field not in WRONG and row[1] != 1} - {"priority", "places"}, set(),
                "fields without wrong values")


def fields_of_others(asker, program, name, row):
    for field, (_, value, option, text) in FIELDS.items():
        if field in row.takes or (field == "places" and name.endswith("_multi")):
            continue
        asker.raw(f"{name} with {field}", row.number, program, {**row.needs, field: value}, field, "do not take")


def fields_missing(asker, program, name, row):
    for field in row.needs:
        rest = {key: value for key, value in row.needs.items() if key != field}
        asker.raw(f"{name} without {field}", row.number, program, rest, f"{field} is missing")


def fields_wrong(asker, program, name, row):
    for field in sorted(row.takes):
        for value in WRONG.get(field, ()):
            asker.raw(f"{name} with {field}={str(value)[:20]!r}", row.number, program, {**row.needs, field: value}, field)
    if name.endswith("_multi"):
        for place in ("a b", "a/b", LONG):
            asker.raw(f"{name} with a place {place[:5]}", row.number, program, {**row.needs, "places": sp.field(1, place)}, "function")
    if {"interface", "priority"} <= row.takes:
        for value in (2 * 1000001, 1):  # zigzag of 1000001 and -1
            asker.raw(f"{name} with priority", row.number, program, {**row.needs, "priority": value}, "priority", "1000000")


@test("no kernel")
def fields_by_the_wire(host):
    """bpfd itself refuses what bpfctl would never send."""
    daemon = host.bpfd()
    program = daemon.load("tracepoint_counter", kind="tracepoint")
    before, asker = state(daemon), Asker(daemon)
    for name, row in TYPES.items():
        fields_of_others(asker, program, name, row)
        fields_missing(asker, program, name, row)
        fields_wrong(asker, program, name, row)
    for number in (0, 12, 29, 63, UINT32):
        asker.raw(f"type {number}", number, program, {}, "type")
    check(asker.count > 700, f"only {asker.count} refusals were tried")
    asker.close(before)


def representatives():
    """One type of each set of fields: bpfctl is slow to start."""
    return {frozenset(row.takes): (name, row) for name, row in reversed(TYPES.items())}.values()


@test("no kernel")
def options_by_bpfctl(host):
    daemon = host.bpfd()
    program = daemon.load("tracepoint_counter", kind="tracepoint")
    before, asker = state(daemon), Asker(daemon)
    for name, row in representatives():
        taken = {FIELDS[field][2] for field in row.takes} - {None}
        taken |= {"--target"} if row.takes & {"group", "name", "path"} else set()
        for option, text in {(row[2], row[3]) for row in FIELDS.values() if row[2]} | {("--target", "x")}:
            if option not in taken:
                asker.bpfctl(f"{name} {option}", 2, "attach", name, program, option, *([text] if text else []),
                             words=(option, "take no"))
        for option in sorted(taken):
            for value in WRONG_OPTIONS.get(option, ()):
                asker.bpfctl(f"{name} {option} {value!r}", 2, "attach", name, program, option, value)
        if row.needs:
            asker.bpfctl(f"{name} without anything", 2, "attach", name, program, words=("is missing",))
    asker.close(before)


@test()
def programs_as_another_type(host):
    daemon = host.bpfd()
    program = daemon.load("tracepoint_counter", kind="tracepoint")
    other = daemon.load("probes", "sampled", kind="perf_event")
    before, asker = state(daemon), Asker(daemon)
    for name, row in TYPES.items():
        wrong = other if name == "tracepoint" else program
        asker.raw(f"a program as {name}", row.number, wrong, row.needs, "attach it as that")
        asker.raw(f"no program as {name}", row.number, 4711, row.needs, "4711")
    asker.close(before)


def load_one(daemon, name, row):
    """The program's id, or what was said why there is none."""
    path, function = row.program
    alone = ["--exclusive"] if name == "xdp" else []  # every kernel has that
    result = daemon.bpfctl("-o", "json", "load", "file", daemon.object(path), "--program", f"{name}:{function}", *alone)
    return (json.loads(result.stdout)[0]["id"], None) if result.returncode == 0 else (None, result.stderr)


@test()
def places_that_do_not_exist(host):
    """By the raw client, with a program that is of the type; kernels that refuse the load say why."""
    daemon = host.bpfd()
    programs, refusals = {}, {}
    for name, row in TYPES.items():
        programs[name], refusals[name] = load_one(daemon, name, row)
    for name, text in refusals.items():
        check(text is None or re.search(r"Linux \d\.\d|Operation not permitted|not supported|Invalid argument|BTF has no", text),
              f"{name} was not loaded, and this does not say why: {text}")
    before, asker = state(daemon), Asker(daemon)
    for name, program in programs.items():
        for fields, word in TYPES[name].absent if program else ():
            asker.raw(f"{name} at {fields}", TYPES[name].number, program, {**TYPES[name].needs, **fields}, word)
    asker.close(before)


@test()
def loads_as_another_type(host):
    """What the object's section does not say, the kernel or bpfd refuses, and nothing stays."""
    daemon = host.bpfd()
    before, asker = state(daemon), Asker(daemon)
    for name in TYPES:
        if name in ("tracepoint", "perf_event", "kprobe"):
            continue
        asker.bpfctl(f"load as {name}", 1, "load", "file", daemon.object("tracepoint_counter"), "--program",
                     f"{name}:tracepoint_counter", words=("tracepoint_counter",))
    for word in ("nothing:tracepoint_counter", ":tracepoint_counter", "xdp:"):
        asker.bpfctl(f"load {word}", 2, "load", "file", daemon.object("tracepoint_counter"), "--program", word)
    check_in("no_such", daemon.refused("load", "file", daemon.object("tracepoint_counter"), "--program", "no_such"), "refusal")
    asker.close(before)
